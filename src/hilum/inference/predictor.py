"""The one way from films to scores: predict and serve go through here, with the decoding and preparation of training.

A film is decoded by `hilum.imaging.decode`, prepared by the certain steps of the bundle's pipeline (nothing is drawn; lungs
that they read are found by the network that the study had),
normalised, passed through the frozen backbone and the head, or through the network that was trained as a whole. Probabilities are
the softmax of the logits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.features import FeatureRows
from hilum.artifacts.header import Header, require_digest
from hilum.artifacts.masks import LungMask
from hilum.augment.pipeline import Pipeline
from hilum.core.errors import FilmError, InputError
from hilum.imaging.decode import decode
from hilum.inference.judged import gate_of, judge, probabilities, shapes_of
from hilum.inference.lungs import NO_LUNGS, segmenter_of
from hilum.models.backbone import FrozenBackbone, Precision, Tap, build_network
from hilum.models.heads import build_head
from hilum.models.networks import NetworkScorer, WholeNetwork, whole_from_state
from hilum.models.registry import backbone
from hilum.models.weights import find, state_sha256
from hilum.stats.calibration import apply_temperature


def load_head(bundle: Bundle, state: Mapping[str, NDArray[Any]]) -> nn.Module:
    """The bundle's head with its weights, in evaluation."""
    n_inputs = state["weight"].shape[1] if "weight" in state else 0
    head = build_head(backbone(bundle.backbone), len(bundle.classes), 0, n_inputs)
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
    network = whole_from_state(backbone(bundle.backbone), len(bundle.classes), dict(state))
    return NetworkScorer(network, precision_of(bundle), device)


def load_backbone(bundle: Bundle, folder: Path, device: str) -> FrozenBackbone:
    """The frozen backbone of a bundle that lies in `folder`.

    Raises:
        InputError: Its weights cannot be found here.
        DigestError: Those found are not those that the bundle was trained on.
    """
    b = backbone(bundle.backbone)
    weights = find(b, bundle.weights["choice"])
    frozen = FrozenBackbone(b, weights, bundle.weights["seed"], precision_of(bundle), device)
    require_digest("backbone weights", bundle.state_sha256, frozen.state_sha256, folder)
    return frozen


def plain_network(bundle: Bundle, folder: Path, state: Mapping[str, NDArray[Any]]) -> WholeNetwork:
    """The network of a bundle as one module in evaluation, fp32, nothing folded: what explanations and exports start from.

    Args:
        bundle: Of `Bundle.read`.
        folder: Where it lies.
        state: Its trained weights: of the head, or of the network.

    Raises:
        InputError: The backbone's weights cannot be found here.
        DigestError: Those found are not those that the bundle was trained on.
    """
    b = backbone(bundle.backbone)
    if bundle.network == "whole":
        return whole_from_state(b, len(bundle.classes), dict(state))
    net = build_network(b, find(b, bundle.weights["choice"]), bundle.weights["seed"])
    require_digest("backbone weights", bundle.state_sha256, state_sha256(net), folder)
    network = WholeNetwork(b, Tap(net, b), load_head(bundle, state))
    return network.requires_grad_(False).eval()


def precision_of(bundle: Bundle) -> Precision:
    """The precision that a bundle is scored in."""
    return "bf16" if bundle.precision == "bf16" else "fp32"


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
        positive: Whether the positive class reaches the operating point, or None.
        error: Empty, or the reason.
        facts: What its header says of it, as `DecodedFilm.facts`; empty for a film that was not read.
        judged: Its sets and whether it is a stranger: column of `hilum.artifacts.predictions.JUDGED` -> text, those that the bundle has.
    """

    name: str
    probabilities: NDArray[np.float64] | None
    positive: bool | None
    error: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    judged: Mapping[str, str] = field(default_factory=dict)


_Waiting = tuple[str, "NDArray[np.uint8] | str", Mapping[str, str]]
"""A film's name, its decoded pixels or the reason why it has no scores, and its facts."""


class Predictor:
    """A bundle, loaded and ready.

    Args:
        folder: The bundle.
        device: ``cpu`` or ``cuda``.
        allow_unsafe: Take a bundle that was trained with faults that break validity, or is a probe; only its own study's evaluation may.
        calibrated: Give probabilities at the bundle's temperature. Decisions, sets and strangers are the same: their thresholds were chosen
            without it, and are applied to films as they are without it.

    Attributes:
        passed: Prepared films, uint8 (n, height, width), n at most the bundle's batch, and another precision if wanted -> logits.
        frozen: Its backbone; None of a network that was trained as a whole.
        pipeline: How films are prepared.
        segmenter: What finds the lungs that the preparation reads; None where it reads none.

    Raises:
        InputError: No bundle, its backbone's weights cannot be found here, or it has no temperature and is to be calibrated.
        DigestError: The weights found are not those that it was trained on.
        UnsafeError: The bundle is unsafe, or a probe.
    """

    def __init__(
        self, folder: Path, device: str = "cpu", allow_unsafe: bool = False, calibrated: bool = False
    ) -> None:
        self.bundle, self.header, state = Bundle.read(folder)
        b = self.bundle
        if not allow_unsafe:
            b.require_a_model(folder)
        self.temperature = 1.0
        if calibrated:
            if "temperature" not in b.calibration:
                raise InputError(f"{folder}: the bundle has no temperature; predict without --calibrated")
            self.temperature = float(b.calibration["temperature"])
        self.passed: Callable[..., torch.Tensor]
        self.frozen: FrozenBackbone | None = None
        if b.network == "whole":
            network = load_network(b, state, device)
            self.passed = lambda films, precision=None: network.logits(films, b.batch, precision)
        else:
            self.frozen = frozen = load_backbone(b, folder, device)
            head = load_head(b, state)
            self.passed = lambda films, precision=None: _through_head(
                b, head, frozen.features(films, b.batch, precision)
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
        waiting: list[_Waiting] = []
        for name, data in films:
            try:
                if not isinstance(data, bytes):
                    raise data
                film = decode(data)
                waiting.append((name, film.pixels, film.facts))
            except FilmError as e:
                waiting.append((name, e.reason, {}))
            if len(waiting) == self.bundle.batch:
                yield from self._score_batch(waiting)
                waiting = []
        yield from self._score_batch(waiting)

    def prepared(self, films: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8] | str]:
        """Decoded films as the network takes them: the certain steps of the pipeline, with the lungs where those read them.

        Returns:
            For each film the prepared one, or the reason why there is none.
        """
        masks: list[LungMask] | list[None] = [None] * len(films)
        if self.segmenter is not None:
            masks = self.segmenter.masks(films)
        return [self._prepared(film, lungs) for film, lungs in zip(films, masks, strict=True)]

    def _prepared(self, film: NDArray[np.uint8], lungs: LungMask | None) -> NDArray[np.uint8] | str:
        if lungs is not None and lungs.failed:
            return f"{NO_LUNGS}: {lungs.failed}"
        try:
            return self.pipeline.deterministic(film, None if lungs is None else lungs.mask)
        except FilmError as e:
            return e.reason
        except InputError as e:
            return str(e)

    def _score_batch(self, batch: Sequence[_Waiting]) -> Iterator[Scored]:
        ready = iter(self.prepared([film for _, film, _ in batch if not isinstance(film, str)]))
        made = [film if isinstance(film, str) else next(ready) for _, film, _ in batch]
        good = [film for film in made if not isinstance(film, str)]
        which = iter(range(len(good)))
        if good:
            z = self.passed(np.stack(good))
            logits = np.asarray(z.double().cpu().numpy(), dtype=np.float64)
            judged = judge(self.bundle, self._gate, logits, shapes_of(good))
            shown = (
                judged.probabilities if self.temperature == 1 else apply_temperature(logits, self.temperature)
            )
        for (name, _, facts), film in zip(batch, made, strict=True):
            if isinstance(film, str):
                yield Scored(name, None, None, film)
            else:
                k = next(which)
                columns = {c: texts[k] for c, texts in judged.columns.items()}
                yield Scored(name, shown[k], bool(judged.positive[k]), facts=facts, judged=columns)


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
        inputs={"bundle": predictor.header.inputs.get("train", "")},
        options={"path": "fixed steps only", "positive": predictor.bundle.positive, **_calibrated(predictor)},
    )


def _calibrated(predictor: Predictor) -> dict[str, Any]:
    if predictor.temperature == 1:
        return {}
    words = "chosen and applied before the temperature: decisions are those without it"
    return {"temperature": predictor.temperature, "operating_point": words}
