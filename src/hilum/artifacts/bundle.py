"""A bundle: everything that turns a film into scores, in a folder: ``bundle.json`` and ``head.safetensors``.

It names the backbone's weights by digest and source (they are found again, or refused), the preparation, the labels, the
operating point and the calibration, both chosen on validation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from hilum import RESEARCH_NOTICE
from hilum.artifacts.header import Header, read_json, require_digest, write_json
from hilum.core.digests import sha256_bytes, sha256_file
from hilum.core.errors import InputError
from hilum.core.files import write_bytes


@dataclass(frozen=True)
class Bundle:
    """What a trained model is.

    Attributes:
        classes: Names, the order of the head's outputs.
        positive: The class that sensitivity is about.
        backbone: Registry name.
        weights: ``choice``, ``sha256``, ``source`` and ``seed`` of the backbone's weights.
        state_sha256: Digest of the backbone's weights and statistics as loaded.
        precision: Of the backbone: ``fp32`` or ``bf16``.
        batch: Films a batch.
        preparation: The pipeline, as `hilum.augment.pipeline.Pipeline.to_dict` gives it. Predict and serve apply its fixed steps.
        head: Kind of head.
        operating_point: ``threshold``, ``rule`` and ``chosen_on``: a film is called positive when its probability of the positive
            class reaches the threshold.
        calibration: ``temperature`` and ``chosen_on``.
        training: Options of the training and what it was trained on.
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

    def write(self, folder: Path, header: Header, head_state: Mapping[str, NDArray[np.float32]]) -> None:
        """Write the bundle's two files, bundle.json last."""
        folder.mkdir(parents=True, exist_ok=True)
        data = save(dict(head_state))
        write_bytes(folder / "head.safetensors", data)
        value = {
            "header": header.to_dict(),
            "notice": RESEARCH_NOTICE,
            "head_sha256": sha256_bytes(data),
            **asdict(self),
        }
        write_json(folder / "bundle.json", value)

    @classmethod
    def read(cls, folder: Path) -> tuple[Self, Header, dict[str, NDArray[np.float32]]]:
        """Read a bundle, its header and its head's weights.

        Raises:
            InputError: `folder` is no bundle.
            DigestError: The head's weights are not those of bundle.json.
        """
        path = folder / "bundle.json"
        if not path.is_file():
            raise InputError(f"{folder}: expected a bundle (a folder with bundle.json)")
        value = read_json(path)
        header = Header.from_dict(value.get("header"), "bundle", path)
        weights_path = folder / "head.safetensors"
        if not weights_path.is_file():
            raise InputError(f"{folder}: expected head.safetensors beside bundle.json")
        require_digest("head", value["head_sha256"], sha256_file(weights_path), path)
        names = cls.__dataclass_fields__
        fields: dict[str, Any] = {
            k: (tuple(v) if k == "classes" else v) for k, v in value.items() if k in names
        }
        missing = sorted(names.keys() - fields.keys())
        if missing:
            raise InputError(f"{path}: expected the key {missing[0]!r}")
        return cls(**fields), header, load_file(str(weights_path))
