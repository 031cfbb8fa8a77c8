"""A trained model: labels, probabilities and decisions for films, in scikit-learn's words; `hilum.predict`, and `hilum.export`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from hilum.api.view import AnyPath, FilmRows, Row, Told, View, chosen, counted, paths
from hilum.artifacts.bundle import Bundle
from hilum.artifacts.export import FACTS
from hilum.artifacts.outputs import check_outputs, file_output, folder_output
from hilum.artifacts.predictions import Predictions as Scores
from hilum.core.errors import FilmError, InputError, require_known
from hilum.core.progress import quieted
from hilum.imaging import png
from hilum.study.several_findings import MULTILABEL, require_one_class

if TYPE_CHECKING:
    from hilum.inference.predictor import Predictor, Scored
    from hilum.node.reports import Reports
    from hilum.stages.export import Exported

_SHOWN = 5
Given = AnyPath | NDArray[np.uint8] | Sequence[AnyPath | NDArray[np.uint8]]
"""Films by path (files, folders, manifests), or as they are: grey, uint8 (height, width), 0 = black."""


class Model(View):
    """A bundle, loaded when it is first asked; its scores are those of `hilum predict` of the same films, bit for bit.

    A film that cannot be scored is an error here, where `hilum.predict` has a row with the reason; so is an unsafe bundle, or a probe.

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
    """

    def __init__(self, bundle: AnyPath, device: str | None = None, calibrated: bool = False) -> None:
        super().__init__(bundle)
        self.device, self.calibrated = device, calibrated

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

    def predict(self, films: Given) -> NDArray[Any]:
        """The class of the highest probability of each film, shape (n,); of several findings there is none (see `decide`)."""
        require_one_class(
            self.bundle.task, "predict", "ask `decide`, which says of each finding whether it is there"
        )
        chosen: NDArray[Any] = self.classes_[self.predict_proba(films).argmax(axis=1)]
        return chosen

    def predict_proba(self, films: Given) -> NDArray[np.float64]:
        """The probability of each class, float64 (n, n_classes), in the films' order."""
        return np.stack([s.probabilities for s in self._scored(films) if s.probabilities is not None])

    def decide(self, films: Given) -> NDArray[np.bool_]:
        """Whether each film is called positive: its probability reaches the operating point. Shape (n,); of several findings whether each
        is called there, (n, n_findings)."""
        return np.array([s.present or s.positive for s in self._scored(films)], dtype=np.bool_)

    @cached_property
    def _predictor(self) -> Predictor:
        from hilum.inference.predictor import Predictor
        from hilum.models.machine import made_ready

        return Predictor(self.path, made_ready(self.device or "auto"), calibrated=self.calibrated)

    def _scored(self, films: Given) -> list[Scored]:
        scored = list(self._predictor.score(_read(films)))
        bad = [s for s in scored if s.error]
        if bad:
            shown = "".join(f"\n  {s.name}: {s.error}" for s in bad[:_SHOWN])
            more = f"\n  ... and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
            raise InputError(f"{len(bad)} of {len(scored)} films cannot be scored:{shown}{more}")
        if not scored:
            raise InputError("expected one or more films, got none")
        return scored

    def told(self) -> Told:
        b = self.bundle
        unsafe = [f"trained with {', '.join(b.unsafe)}"] if b.unsafe else ()
        of = f"of study {b.training.get('study')}, trial {b.training.get('trial')}"
        return Told("Model", f"{b.backbone} after {b.preparation['name']}, {of}", unsafe=unsafe)


def _read(films: Given) -> Iterator[tuple[str, bytes | FilmError]]:
    """Each film's name and bytes; an array becomes a PNG, which the one decoder gives back as it was."""
    from hilum.imaging.as_ingested import bytes_as_ingested
    from hilum.sources.named_films import named_films

    if isinstance(films, np.ndarray):
        films = list(films) if films.ndim == 3 else [films]
    for k, film in enumerate([films] if isinstance(films, str | PathLike) else films):
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
    return png.write(film)


def export(
    bundle: AnyPath, out: AnyPath | None = None, *, form: str = "onnx", films: Sequence[AnyPath] = ()
) -> Exported:
    """Write a trained model for another program, checked on films, as `hilum export` does.

    >>> hilum.export("model", "model.zip", form="onnx")
    Traceback (most recent call last):
    ...
    hilum.core.errors.InputError: --out model.zip: expected a name that ends with .onnx, got '.zip'

    Args:
        bundle: The bundle's folder, or a `hilum.Model`.
        out: The file, or the folder, to write; None for ``model.onnx`` or ``model-torch``.
        form: ``onnx``, a file from normalised pixels; ``torch``, a folder that torch loads alone, from grey films.
        films: Given, folders of films or manifests that it is checked on; none for synthetic films.
    """
    require_known(form, ("onnx", "torch"), "unknown form")
    model, to = Path(bundle), Path(out or ("model.onnx" if form == "onnx" else "model-torch"))
    output = file_output(to, "export", ".onnx") if form == "onnx" else folder_output(to, "export", FACTS)
    check_outputs([output], [model, *paths(films)])
    from hilum.models.machine import made_ready  # late: torch
    from hilum.stages.export import Form, export_bundle

    made_ready()
    return export_bundle(model, to, cast(Form, form), paths(films))


class Predictions(View):
    """Scores of films (``predictions.csv``): a row a film.

    >>> scores = hilum.load("scores.csv")
    >>> scores.classes, len(scores.films(part="test", wrong=True)) + len(scores.films(part="test", wrong=False))
    (('covid', 'normal'), 16)

    Attributes:
        reports: DICOM reports that were written beside it; None where none were asked for.
    """

    reports: Reports | None = None

    @cached_property
    def predictions(self) -> Scores:
        """The table itself: image ids, probabilities as an array, and more."""
        return Scores.read(self.path)

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the probabilities."""
        return self.predictions.classes

    def rows(self) -> list[Row]:
        """A row a film: image_id, part, truth, predicted, a probability a class, called_positive, error, and what the bundle judged."""
        p = self.predictions
        return [
            {"image_id": i, "part": p.parts[k], **said(p, k)}
            | {name: texts[k] for name, texts in p.judged.items()}
            | {"error": p.errors[k]}
            for k, i in enumerate(p.image_ids)
        ]

    def films(
        self,
        *,
        part: str | None = None,
        truth: str | None = None,
        predicted: str | None = None,
        wrong: bool | None = None,
    ) -> FilmRows:
        """Films that have scores: of a part, a class, a prediction; wrong ones, the most certain first (True), or right ones (False)."""
        of_part = (r for r in self.rows() if r["predicted"] and part in (None, r["part"]))
        return FilmRows("Films", chosen(of_part, self.classes, truth, predicted, wrong))

    def told(self) -> Told:
        p, failed = self.predictions, sum(map(bool, self.predictions.errors))
        sentence = f"{counted(len(p) - failed, 'film')} scored, {failed} not; provenance {p.provenance}"
        return Told(f"Predictions {self.path.name}", sentence)


def said(table: Scores, k: int) -> Row:
    """What a table of scores says of its film number `k`: its truth, prediction, probabilities and decision."""
    scores = table.probabilities[k]
    failed, decided = bool(table.errors[k]) or bool(np.isnan(scores).any()), table.operating_point[k]
    highest = "" if failed else table.classes[int(np.argmax(scores))]
    return {
        "truth": table.y_true[k],
        "predicted": decided if table.task == MULTILABEL else highest,
        **{f"p_{c}": None if failed else float(x) for c, x in zip(table.classes, scores, strict=True)},
        "called_positive": {"1": True, "0": False}.get(decided),
    }


def predict(
    bundle: AnyPath,
    films: AnyPath | Sequence[AnyPath],
    *,
    out: AnyPath = "predictions.csv",
    split: AnyPath | None = None,
    strict: bool = False,
    calibrated: bool = False,
    spread: Sequence[AnyPath] = (),
    sr: AnyPath | None = None,
    quiet: bool = False,
) -> Predictions:
    """Score films with a trained model, as `hilum predict` does. `hilum.Model` scores them without a file.

    >>> predictions = hilum.predict("model", ["films/covid/0.png", "films/normal/0.png"], quiet=True)
    >>> [row["image_id"] for row in predictions.rows()]
    ['covid/0.png', 'normal/0.png']

    Args:
        bundle: The bundle's folder, or a `hilum.Model`.
        films: Films, folders of films, or manifests.
        out: The table to write.
        split: ``split.json``, to fill the column `part`.
        strict: Write nothing when any film cannot be scored.
        calibrated: Probabilities at the temperature that validation chose; decisions are as without.
        spread: More bundles of the same classes: how far apart all are on a film is its ``spread``.
        sr: Also write a DICOM report (SR) of each DICOM film into this folder; needs the extra ``node``.
        quiet: No progress.
    """
    model, named, others, to = Path(bundle), paths(films), paths(spread), Path(out)
    outputs = [file_output(to, "predictions", ".csv")]
    if sr is not None:
        from hilum.core.extras import require_extra

        require_extra("node", "pydicom", "highdicom")
        outputs.append(folder_output(Path(sr), "reports", option="--sr"))
    check_outputs(outputs, [model, *named, *others, *paths(split)])
    from hilum.artifacts.split import Split
    from hilum.models.machine import made_ready
    from hilum.stages.predict import predict_films

    with quieted(quiet):
        of = Split.read(Path(split)) if split is not None else None
        predict_films(model, named, to, made_ready(), of, strict, calibrated, others)
    done = Predictions(to)
    if sr is not None:
        from hilum.node.reports import write_reports

        done.reports = write_reports(model, named, Path(sr))
    return done
