"""The one way from films to scores: predict and serve go through here, with the decoding and preparation of training.

A film is decoded by `hilum.imaging.decode`, prepared by the certain steps of the bundle's pipeline (nothing is drawn; lungs
that they read are found by the network that the study had),
normalised, passed through the frozen backbone and the head, or through the network that was trained as a whole, or through each member of
an ensemble. Probabilities are the softmax of the logits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hilum.artifacts.bundle import Bundle, made_of
from hilum.artifacts.features import FeatureRows
from hilum.artifacts.header import Header, require_digest
from hilum.artifacts.masks import LungMask
from hilum.augment.pipeline import Pipeline
from hilum.core.errors import FilmError, InputError
from hilum.imaging.shape import shape_of
from hilum.inference.frozen import engine_of_features, load_backbone, precision_of
from hilum.inference.judged import (
    at_temperature,
    gate_of,
    has_temperature,
    judge,
    probabilities,
    temperatures,
)
from hilum.inference.lungs import NO_LUNGS, segmenter_of
from hilum.inference.members import Members, with_further
from hilum.inference.opened import Opened, Pixels, open_film, prepare
from hilum.models.backbone import FeatureNetwork, Tap, build_network
from hilum.models.heads import build_head
from hilum.models.networks import NetworkScorer, WholeNetwork, whole_from_state
from hilum.models.registry import backbone
from hilum.models.weights import find, state_sha256
from hilum.study.several_findings import MULTILABEL


def load_head(bundle: Bundle, state: Mapping[str, NDArray[Any]]) -> nn.Module:
    """The bundle's head with its weights, in evaluation."""
    first = next((state[name] for name in ("weight", "0.weight") if name in state), None)
    b, n_inputs = backbone(bundle.backbone).with_head(bundle.head), 0 if first is None else first.shape[1]
    head = build_head(b, len(bundle.classes), 0, n_inputs)
    try:
        head.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in state.items()}, strict=True)
    except RuntimeError as e:
        raise InputError(
            f"the bundle's head does not fit {bundle.backbone} and its {len(bundle.classes)} classes ({', '.join(bundle.classes)}); "
            "make the bundle again, or name another"
        ) from e
    return head.eval()


def load_network(bundle: Bundle, state: Mapping[str, NDArray[Any]], device: str) -> NetworkScorer:
    """The network of a bundle that was trained as a whole, in evaluation."""
    network = whole_from_state(
        backbone(bundle.backbone).with_head(bundle.head), len(bundle.classes), dict(state)
    )
    return NetworkScorer(network, precision_of(bundle), device)


def plain_network(bundle: Bundle, folder: Path, state: Mapping[str, NDArray[Any]]) -> WholeNetwork:
    """The network of a bundle as one module in evaluation, fp32, nothing folded: what explanations and exports start from.

    Args:
        bundle: Of `Bundle.read`.
        folder: Where it lies.
        state: Its trained weights: of the head, or of the network.

    Raises:
        InputError: The backbone's weights cannot be found here, or the bundle is an ensemble.
        DigestError: Those found are not those that the bundle was trained on.
    """
    if bundle.network == "ensemble":
        raise InputError(
            f"an ensemble of {len(bundle.members)} models is no one network, so that it has no heat maps and cannot be exported; name a "
            f"member: {', '.join(m.cell for m in bundle.members)}"
        )
    b = backbone(bundle.backbone).with_head(bundle.head)
    if bundle.network == "whole":
        return whole_from_state(b, len(bundle.classes), dict(state))
    net = build_network(b, find(b, bundle.weights["choice"]), bundle.weights["seed"])
    require_digest("backbone weights", bundle.state_sha256, state_sha256(net), folder)
    network = WholeNetwork(b, Tap(net, b), load_head(bundle, state))
    return network.requires_grad_(False).eval()


def score_rows(network: NetworkScorer, films: FeatureRows, batch: int) -> torch.Tensor:
    """Logits of prepared films (uint8) that are kept on disk, in order: float32 (n, n_classes); `batch` is the bundle's."""
    starts = range(0, len(films), batch)
    return torch.cat([network.logits(films.take(slice(k, k + batch)), batch) for k in starts])


def softmaxed_again(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """A fault of the published scripts: a softmax of probabilities. A film's first class stays first, at .475 at most with four classes."""
    return probabilities(torch.from_numpy(scores))


@dataclass(frozen=True)
class Scored:
    """A film's scores, or why it has none.

    Attributes:
        name: What the caller calls the film.
        probabilities: Shape (n_classes,), or None.
        positive: Whether the positive class reaches the operating point, or None; None of several findings.
        present: Of several findings whether each reaches its own, in their order; empty of classes, or without scores.
        error: Empty, or the reason.
        facts: What its header says of it, as `DecodedFilm.facts`; empty for a film that was not read.
        judged: Its sets and whether it is a stranger: column of `hilum.artifacts.predictions.JUDGED` -> text, those that the bundle has.
        logits: Shape (n_classes,), or None.
        prepared: The film as the network took it, or None.
    """

    name: str
    probabilities: NDArray[np.float64] | None
    positive: bool | None
    error: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    judged: Mapping[str, str] = field(default_factory=dict)
    logits: NDArray[np.float64] | None = None
    prepared: Pixels | None = field(default=None, repr=False)
    present: tuple[bool, ...] = ()


class Predictor:
    """A bundle, loaded and ready.

    Args:
        folder: The bundle.
        device: ``cpu`` or ``cuda``.
        allow_unsafe: Take a bundle that was trained with faults that break validity, or is a probe; only its own study's evaluation may.
        calibrated: Give probabilities at the bundle's temperature. Decisions, sets and strangers are the same: their thresholds were chosen
            without it, and are applied to films as they are without it.

    Attributes:
        passed: Prepared films, uint8 (n, height, width), n at most the bundle's batch, and another precision or batch shape if wanted ->
            logits.
        frozen: Its backbone; None of a network that was trained as a whole, and of an ensemble.
        further: Of an ensemble a member for each preparation other than `pipeline`.
        pipeline: How films are prepared.
        segmenter: What finds the lungs that the preparation reads; None where it reads none.

    Raises:
        InputError: No bundle, its backbone's weights cannot be found here, or it has no temperature and is to be calibrated.
        DigestError: The weights found are not those that it was trained on; a member of an ensemble is another now.
        UnsafeError: The bundle is unsafe, or a probe; so is a member of an ensemble.
    """

    def __init__(
        self, folder: Path, device: str = "cpu", allow_unsafe: bool = False, calibrated: bool = False
    ) -> None:
        self.bundle, self.header, state = Bundle.read(folder)
        self.device, b = device, self.bundle
        if not allow_unsafe:
            b.require_a_model(folder)
        self.calibrated = calibrated
        if calibrated and not has_temperature(b):
            raise InputError(f"{folder}: the bundle has no temperature; predict without --calibrated")
        self.passed: Callable[..., torch.Tensor]
        self.frozen: FeatureNetwork | None = None
        self.further: Sequence[Predictor] = ()
        if b.network == "ensemble":
            members = Members(b, folder, state, lambda path: Predictor(path, device))
            self.passed, self.further = members.passed, members.further
        elif b.network == "whole":
            network = load_network(b, state, device)
            self.passed = lambda films, precision=None, batch=b.batch: network.logits(films, batch, precision)
        else:
            self.frozen = frozen = load_backbone(b, folder, device)
            head = load_head(b, state)
            self.passed = lambda films, precision=None, batch=b.batch: _through_head(
                b, head, frozen.features(films, batch, precision)
            )
        self._gate = gate_of(b, folder)
        self.pipeline = Pipeline.from_dict(b.preparation)
        self.segmenter = segmenter_of(b, self.pipeline, folder)

    @property
    def size_px(self) -> tuple[int, int]:
        """(height, width) of every prepared film."""
        return self.pipeline.output_size

    def score(self, films: Iterable[tuple[str, bytes | FilmError]]) -> Iterator[Scored]:
        """Score films in batches; yields one `Scored` for each, in order."""
        waiting: list[Opened] = []
        for name, data in films:
            waiting.append(open_film(name, data))
            if len(waiting) == self.bundle.batch:
                yield from self.scored(waiting)
                waiting = []
        yield from self.scored(waiting)

    def prepared(self, films: Sequence[Pixels]) -> list[Pixels | str]:
        """Decoded films as the network takes them: the certain steps of the pipeline, with the lungs where those read them.

        Returns:
            For each film the prepared one, or the reason why there is none.
        """
        masks: list[LungMask] | list[None] = [None] * len(films)
        if self.segmenter is not None:
            masks = self.segmenter.masks(films)
        return [self._prepared(film, lungs) for film, lungs in zip(films, masks, strict=True)]

    def _prepared(self, film: Pixels, lungs: LungMask | None) -> Pixels | str:
        if lungs is not None and lungs.failed:
            return f"{NO_LUNGS}: {lungs.failed}"
        return prepare(film, self.pipeline, None if lungs is None else lungs.mask)

    def scored(self, films: Sequence[Opened]) -> list[Scored]:
        """Score films that were opened, at most the bundle's batch; those that are not prepared yet are prepared."""
        waiting = [f.pixels for f in films if f.prepared is None and f.pixels is not None]
        ready = iter(self.prepared(waiting) if waiting else ())
        made: list[Pixels | str] = [
            f.prepared if f.prepared is not None else f.error if f.pixels is None else next(ready)
            for f in films
        ]
        made = with_further(self.further, films, made)
        good = [(film, f.shape) for f, film in zip(films, made, strict=True) if not isinstance(film, str)]
        of_good = iter(self._of_prepared(good))
        return [
            Scored(f.name, None, None, film)
            if isinstance(film, str)
            else replace(next(of_good), name=f.name, facts=f.facts)
            for f, film in zip(films, made, strict=True)
        ]

    def _of_prepared(self, films: Sequence[tuple[Pixels, NDArray[np.float16] | None]]) -> list[Scored]:
        """Scores of prepared films, with their shapes where they are known; they have no names."""
        if not films:
            return []
        z = self.passed(np.stack([film for film, _ in films]))
        logits = np.asarray(z.double().cpu().numpy(), dtype=np.float64)
        own = [film[0] if film.ndim == 3 else film for film, _ in films]
        shapes = np.stack(
            [shape_of(film) if shape is None else shape for film, (_, shape) in zip(own, films, strict=True)]
        )
        judged = judge(self.bundle, self._gate, logits, shapes)
        shown = at_temperature(self.bundle, logits) if self.calibrated else judged.probabilities
        several = self.bundle.task == MULTILABEL
        return [
            Scored(
                "", shown[k], None if several else bool(judged.positive[k]), judged={c: t[k] for c, t in judged.columns.items()},
                logits=logits[k], prepared=film, present=tuple(map(bool, judged.positive[k])) if several else (),
            )
            for k, film in enumerate(own)
        ]  # fmt: skip


def _through_head(bundle: Bundle, head: nn.Module, features: torch.Tensor) -> torch.Tensor:
    features = features.cpu()
    if backbone(bundle.backbone).spatial:  # as the feature store keeps them
        features = features.half().float()
    with torch.inference_mode():
        return cast(torch.Tensor, head(features))


def provenance(predictor: Predictor) -> Header:
    """Header for predictions of this bundle."""
    return Header(
        "predictions",
        inputs={"bundle": made_of(predictor.header.inputs)},
        options={
            "path": "fixed steps only", **predictor.bundle.asked, **_calibrated(predictor), **_computed_by(predictor),
        },
    )  # fmt: skip


def _computed_by(predictor: Predictor) -> dict[str, str]:
    if not predictor.bundle.engine:
        return {}
    return {"engine": engine_of_features(predictor.bundle, predictor.device).words}


def _calibrated(predictor: Predictor) -> dict[str, Any]:
    found = temperatures(predictor.bundle) if predictor.calibrated else {}
    if not predictor.calibrated or found == {"temperature": 1.0}:
        return {}
    words = "chosen and applied before the temperature: decisions are those without it"
    return {**found, "operating_point": words}
