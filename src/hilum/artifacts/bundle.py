"""A bundle: everything that turns a film into scores, in a folder: ``bundle.json`` and the trained weights.

With a frozen backbone those are the head's, ``head.safetensors``; bundle.json names the backbone's weights by digest and source (they are
found again, or refused). Of a network that was trained as a whole they are all there is, BatchNorm statistics included:
``network.safetensors``. An ensemble names its members, each a bundle, by path and version, and has the weights that combine them in
``combiner.safetensors``. Besides: the preparation, the labels, the operating point and the calibration, both chosen on validation. When a
run predicts, it adds the thresholds of sets and of the gate, chosen on validation too, and what the gate needs, ``gate.safetensors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from hilum import RESEARCH_NOTICE
from hilum.artifacts.header import (
    Header,
    as_written,
    checked,
    not_as_written,
    read_object,
    require_digest,
    write_json,
)
from hilum.artifacts.json_parts import members
from hilum.core.digests import digest, sha256_bytes, sha256_file
from hilum.core.errors import InputError, UnsafeError
from hilum.core.files import write_bytes
from hilum.core.mirror import at_hand
from hilum.study.probes import PROBES
from hilum.study.several_findings import MULTILABEL, ONE_CLASS, Task

GATE = "gate.safetensors"
REFERENCE = "reference.safetensors"
"""What the bundle is watched against at work (`hilum.monitor.reference`), if somebody made it: no part of the bundle's version."""
WHOLE, ONE_OF = "bundle of several findings", "finding of it"
"""Inputs of the bundle of one finding of several: the version of that bundle, and a digest of it with the finding."""
_NOT_IN_VERSION = ("header", "notice")
_FILES = {"frozen": "head", "whole": "network", "ensemble": "combiner"}
"""Kind of network -> name of the file of its trained weights, without the ending."""


@dataclass(frozen=True)
class Member:
    """A member of an ensemble.

    Attributes:
        cell: Its cell.
        path: Of its bundle, from the ensemble's folder.
        version: Its version (`bundle_version`) when the ensemble was made.
    """

    cell: str
    path: str
    version: str


@dataclass(frozen=True)
class Bundle:
    """What a trained model is.

    Attributes:
        classes: In the order of the head's outputs.
        positive: The class that sensitivity is about.
        backbone: Registry name; of an ensemble ``ensemble/NAME``.
        weights: ``choice``, ``sha256``, ``source`` and ``seed`` of the backbone's weights; of a whole network those it started from.
        state_sha256: Digest of the backbone's weights and statistics as loaded; of a whole network, of the trained network; of an ensemble,
            of its members.
        precision: Of the backbone, or the whole network, when films are scored: ``fp32`` or ``bf16``.
        batch: Films a batch.
        preparation: The pipeline, as `hilum.augment.pipeline.Pipeline.to_dict` gives it. Predict and serve apply its fixed steps. Of an
            ensemble that of its first member, on which its gate looks.
        head: Kind of head; of an ensemble its kind.
        operating_point: ``threshold``, ``rule`` and ``chosen_on``: a film is called positive when its probability of the positive
            class reaches the threshold.
        calibration: ``temperature`` and ``chosen_on``.
        training: Options of the training and what it was trained on; of an ensemble its table is in it.
        network: ``frozen``: a head on a frozen backbone; ``whole``: a network that was trained end to end; ``ensemble``: several bundles.
        unsafe: Faults that it was trained with and that break validity. Such a bundle is for its own study only.
        conformal: Of sets of classes (`hilum.stats.conformal.chosen_limits`); empty where none were chosen.
        gate: Of strangers (`hilum.inference.judged`): ``score``, ``threshold`` and more; empty where there is none.
        probe: Which probe it is (`hilum.study.probes`), which is for its own study too; empty for a model.
        lungs: Of the network that finds the lungs that the preparation reads: ``model``, ``convention`` and ``weights``; empty where it
            reads none.
        members: Of an ensemble, in the order of its weights.
        engine: What computed the features that its head was trained on, where that was not torch: ``name`` and ``version``; of whole
            numbers the ``ranges`` of activations, and a digest of the films that told them, ``ranges_of``.
        task: Of a model of several findings (``multilabel``) the classes are the findings, each output is a logit of its own, there is no
            positive class, the operating point has ``thresholds`` and the calibration ``temperatures``, by finding.
    """

    classes: tuple[str, ...]
    positive: str
    backbone: str
    weights: dict[str, Any]
    state_sha256: str
    precision: str
    batch: int
    preparation: dict[str, Any]
    head: str
    operating_point: dict[str, Any]
    calibration: dict[str, Any]
    training: dict[str, Any]
    network: Literal["frozen", "whole", "ensemble"] = "frozen"
    unsafe: tuple[str, ...] = ()
    conformal: dict[str, Any] = field(default_factory=dict)
    gate: dict[str, Any] = field(default_factory=dict)
    probe: str = ""
    lungs: dict[str, Any] = field(default_factory=dict)
    members: tuple[Member, ...] = ()
    engine: dict[str, Any] = field(default_factory=dict)
    task: Task = ONE_CLASS

    def write(self, folder: Path, header: Header, state: Mapping[str, NDArray[Any]]) -> None:
        """Write the bundle's two files, bundle.json last; `state` is its trained weights, or what combines its members."""
        folder.mkdir(parents=True, exist_ok=True)
        data = _saved(state)
        write_bytes(folder / self.weights_name, data)
        value = {
            "header": header,
            "notice": RESEARCH_NOTICE,
            self._digest_key: sha256_bytes(data),
            **self._written,
        }
        write_json(folder / "bundle.json", value)

    @property
    def _written(self) -> dict[str, Any]:
        """Its fields but for those that nothing was chosen of."""
        found = members(self)
        left_out = [k for k in ("conformal", "gate", "lungs", "members", "engine") if not found[k]]
        return {k: v for k, v in found.items() if k not in left_out and (k != "task" or v != ONE_CLASS)}

    @property
    def asked(self) -> dict[str, str]:
        """What predictions say that their films were asked: the positive class, or the task that has none."""
        return {"task": self.task} if self.task != ONE_CLASS else {"positive": self.positive}

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The threshold of each finding, of a model of several findings."""
        return tuple(float(self.operating_point["thresholds"][f]) for f in self.classes)

    def complete(self, folder: Path, gate: Mapping[str, NDArray[Any]]) -> Self:
        """Write the bundle.json of a bundle that is there again, with what was chosen since; gives the bundle as it now is.

        Args:
            folder: The bundle; its trained weights stay.
            gate: The arrays that the gate needs; empty for a gate that needs none.
        """
        completed = self
        if gate:
            data = _saved(gate)
            write_bytes(folder / GATE, data)
            completed = replace(self, gate={**self.gate, "sha256": sha256_bytes(data)})
        value = read_object(folder / "bundle.json")
        kept = {k: value[k] for k in ("header", "notice", self._digest_key)}
        write_json(folder / "bundle.json", {**kept, **completed._written})
        return completed

    def require_a_model(self, folder: Path) -> None:
        """Refuse what may not be used by itself.

        Raises:
            UnsafeError: It was trained with faults that break validity, or is a probe.
        """
        if self.unsafe:
            raise UnsafeError(
                f"{folder}: this model was trained with {', '.join(self.unsafe)}, which breaks the validity of its scores; it may not be "
                "used alone. Evaluate its whole run, whose page says so, or train it without the switches of [unsafe]"
            )
        if self.probe:
            raise UnsafeError(
                f"{folder}: this is the probe {self.probe!r} of a study ({PROBES[self.probe].words}), which shows what is reached without "
                "disease, and no model. Name the run, or the bundle of the cell that it stands beside"
            )

    def gate_arrays(self, folder: Path) -> dict[str, NDArray[Any]]:
        """What the gate needs; empty where it needs nothing.

        Raises:
            InputError: The file is not there.
            DigestError: It is not that of bundle.json.
        """
        if "sha256" not in self.gate:
            return {}
        if not at_hand(folder / GATE).is_file():
            raise InputError(f"{folder}: expected {GATE} beside bundle.json")
        require_digest("gate", self.gate["sha256"], sha256_file(folder / GATE), folder / "bundle.json")
        return load_file(str(folder / GATE))

    @property
    def weights_name(self) -> str:
        """Name of the file of its trained weights."""
        return f"{_FILES[self.network]}.safetensors"

    @property
    def _digest_key(self) -> str:
        return self.weights_name.replace(".safetensors", "_sha256")

    @classmethod
    def described(cls, folder: Path) -> tuple[Self, Header, str]:
        """What bundle.json says: the bundle, its header, and the digest of its trained weights, which are not looked at.

        Raises:
            InputError: `folder` is no bundle.
        """
        path = folder / "bundle.json"
        if not path.is_file():
            below = sorted(folder.glob("bundle/bundle.json"))[:1] if folder.is_dir() else []
            near = folder.parent if folder.name == "bundle.json" else below[0].parent if below else None
            hint = f"; did you mean {near}?" if near is not None else ""
            raise InputError(f"{folder}: expected a bundle (a folder with bundle.json){hint}")
        value = read_object(path)
        header = Header.from_dict(value.get("header"), "bundle", path)
        bundle = checked(value, cls, path)
        with as_written(path):
            float(bundle.operating_point.get("threshold", 0))
            if bundle.task == MULTILABEL and bundle.operating_point:
                _ = bundle.thresholds
            weights = str(value[bundle._digest_key])
        if bundle.task != MULTILABEL and bundle.positive not in bundle.classes:
            known = ", ".join(bundle.classes)
            raise not_as_written(
                path, f"positive is {bundle.positive!r}, which is none of the classes {known}"
            )
        return bundle, header, weights

    @classmethod
    def read(cls, folder: Path) -> tuple[Self, Header, dict[str, NDArray[Any]]]:
        """Read a bundle, its header and its trained weights.

        Raises:
            InputError: `folder` is no bundle.
            DigestError: The weights are not those of bundle.json.
        """
        bundle, header, expected = cls.described(folder)
        weights = at_hand(folder / bundle.weights_name)
        if not weights.is_file():
            raise InputError(f"{folder}: expected {weights.name} beside bundle.json")
        require_digest(weights.stem, expected, sha256_file(weights), folder / "bundle.json")
        return bundle, header, load_file(str(weights))


def made_of(inputs: Mapping[str, str]) -> str:
    """What tells a bundle from others by the inputs of its header: its training films, or the finding that it is of a bundle of several."""
    return inputs.get("train") or inputs.get(ONE_OF, "")


def bundle_version(folder: Path) -> str:
    """Version of a bundle: digest of all that bundle.json says but its header and notice; that names the trained weights by digest.

    Raises:
        InputError: No bundle.json, or it is no JSON.
    """
    value = read_object(folder / "bundle.json")
    return digest({k: v for k, v in value.items() if k not in _NOT_IN_VERSION})


def _saved(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as a safetensors file, which takes any array for one in C order."""
    return save({name: np.asarray(a, order="C") for name, a in arrays.items()})
