"""A trained model: labels, probabilities and decisions for films, in scikit-learn's words."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.api.view import AnyPath, Row, View, paths
from hilum.artifacts.bundle import Bundle
from hilum.core.errors import FilmError, InputError

if TYPE_CHECKING:
    from hilum.inference.predictor import Predictor, Scored
    from hilum.report.view import Told

_SHOWN = 5
Films = AnyPath | NDArray[np.uint8] | Sequence[AnyPath | NDArray[np.uint8]]
"""Films by path (files, folders, manifests), or as they are: grey, uint8 (height, width), 0 = black."""


@dataclass(frozen=True, repr=False, init=False)
class Model(View):
    """A bundle, loaded when it is first asked; its scores are those of `hilum predict` of the same films, bit for bit.

    >>> model = hilum.Model("model", device="cpu")
    >>> model.classes_.tolist(), model.positive
    (['covid', 'normal'], 'covid')
    >>> p = model.predict_proba(["films/covid/0.png", "films/normal/0.png"])
    >>> p.shape, bool(np.allclose(p.sum(axis=1), 1))
    ((2, 2), True)
    >>> film = np.zeros((64, 64), np.uint8) + np.arange(64, dtype=np.uint8)
    >>> bool(model.predict(film)[0] == model.classes_[model.predict_proba(film)[0].argmax()])
    True

    Args:
        bundle: Its folder.
        device: ``cpu`` or ``cuda``; None for a GPU where there is one.
        calibrated: Give probabilities at the bundle's temperature; decisions are the same.

    Raises:
        InputError: No bundle.
        UnsafeError: When it is asked: the bundle is unsafe, or a probe.
    """

    device: str | None
    calibrated: bool

    def __init__(self, bundle: AnyPath, device: str | None = None, calibrated: bool = False) -> None:
        super().__init__(Path(bundle))
        object.__setattr__(self, "device", device)
        object.__setattr__(self, "calibrated", calibrated)

    @cached_property
    def bundle(self) -> Bundle:
        """What bundle.json says."""
        return Bundle.described(self.path)[0]

    @property
    def classes_(self) -> NDArray[Any]:
        """Names of the classes, in the order of the columns of `predict_proba`."""
        return np.array(self.bundle.classes)

    @property
    def positive(self) -> str:
        """The positive class."""
        return self.bundle.positive

    @property
    def threshold(self) -> float | None:
        """The operating point on the positive class's probability, chosen on validation."""
        value = self.bundle.operating_point.get("threshold")
        return None if value is None else float(value)

    def predict(self, films: Films) -> NDArray[Any]:
        """The class of the highest probability of each film, shape (n,).

        Raises:
            InputError: No film, or one that cannot be scored; `hilum.predict` has a row for each with the reason.
        """
        chosen: NDArray[Any] = self.classes_[self.predict_proba(films).argmax(axis=1)]
        return chosen

    def predict_proba(self, films: Films) -> NDArray[np.float64]:
        """The probability of each class, float64 (n, n_classes), in the films' order.

        Raises:
            InputError: As `predict`.
        """
        return np.stack([s.probabilities for s in self._scored(films) if s.probabilities is not None])

    def decide(self, films: Films) -> NDArray[np.bool_]:
        """Whether each film is called positive: its probability reaches the operating point. Shape (n,).

        Raises:
            InputError: As `predict`.
        """
        return np.array([s.positive for s in self._scored(films)], dtype=np.bool_)

    @cached_property
    def _predictor(self) -> Predictor:
        from hilum.inference.predictor import Predictor
        from hilum.models.machine import choose_device, exact_arithmetic, keep_memory

        keep_memory()
        exact_arithmetic()
        return Predictor(self.path, self.device or choose_device(), calibrated=self.calibrated)

    def _scored(self, films: Films) -> list[Scored]:
        scored = list(self._predictor.score(_read(films)))
        bad = [s for s in scored if s.error]
        if bad:
            shown = "".join(f"\n  {s.name}: {s.error}" for s in bad[:_SHOWN])
            more = f"\n  ... and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
            raise InputError(f"{len(bad)} of {len(scored)} films cannot be scored:{shown}{more}")
        if not scored:
            raise InputError("expected one or more films, got none")
        return scored

    def rows(self) -> list[Row]:
        """A row a fact: what it is made of, and what was chosen on validation."""
        b = self.bundle
        facts = {
            "network": b.network, "classes": ", ".join(b.classes), "positive": b.positive, "threshold": self.threshold,
            "rule": b.operating_point.get("rule"), "temperature": b.calibration.get("temperature"),
        }  # fmt: skip
        return [{"fact": k, "value": str(v)} for k, v in facts.items() if v is not None]

    def told(self) -> Told:
        """Which model, and what makes it unsafe."""
        from hilum.report.view import Told

        unsafe = [f"trained with {', '.join(self.bundle.unsafe)}"] if self.bundle.unsafe else ()
        b = self.bundle
        sentence = f"{b.backbone} after {b.preparation['name']}, of study {b.training.get('study')}, trial {b.training.get('trial')}"
        return Told("Model", sentence, unsafe=unsafe)


def _read(films: Films) -> Iterator[tuple[str, bytes | FilmError]]:
    """Each film's name and bytes; an array becomes a PNG, which the one decoder gives back as it was."""
    from hilum.imaging.as_ingested import bytes_as_ingested
    from hilum.sources.named_films import named_films

    if isinstance(films, np.ndarray):
        films = list(films) if films.ndim == 3 else [films]
    several = [films] if isinstance(films, str | PathLike) else films
    for k, film in enumerate(several):
        if isinstance(film, np.ndarray):
            yield f"film {k}", _png(film)
            continue
        for row in named_films(paths(film)).rows:
            try:
                yield row.image_id, bytes_as_ingested(row.image_id, row.path, row.sha256)
            except FilmError as e:
                yield row.image_id, e


def _png(film: NDArray[Any]) -> bytes:
    if film.dtype != np.uint8 or film.ndim != 2:
        raise InputError(
            f"expected a film as a grey array, uint8 (height, width), 0 = black; got {film.dtype} {film.shape}"
        )
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(film).save(out, format="png", compress_level=0)
    return out.getvalue()
