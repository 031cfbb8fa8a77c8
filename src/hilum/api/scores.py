"""`hilum.predict`, and scores of films."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hilum.api.view import AnyPath, FilmRows, Row, View, chosen, paths
from hilum.artifacts.outputs import check_outputs, file_output
from hilum.artifacts.predictions import Predictions as Table
from hilum.core.progress import quieted
from hilum.core.text import counted

if TYPE_CHECKING:
    from hilum.report.view import Told


@dataclass(frozen=True, repr=False)
class Predictions(View):
    """Scores of films (``predictions.csv``): a row a film.

    >>> scores = hilum.load("scores.csv")
    >>> scores.classes, len(scores.films(part="test", wrong=True)) + len(scores.films(part="test", wrong=False))
    (('covid', 'normal'), 16)
    """

    @cached_property
    def predictions(self) -> Table:
        """The table itself: image ids, probabilities as an array, and more."""
        return Table.read(self.path)

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the probabilities."""
        return self.predictions.classes

    def rows(self) -> list[Row]:
        """A row a film: image_id, part, truth, predicted, a probability a class, called_positive, error, and what the bundle judged."""
        p = self.predictions
        rows = []
        for k, i in enumerate(p.image_ids):
            scores = p.probabilities[k]
            failed = bool(p.errors[k]) or bool(np.isnan(scores).any())
            rows.append(
                {
                    "image_id": i,
                    "part": p.parts[k],
                    "truth": p.y_true[k],
                    "predicted": "" if failed else p.classes[int(np.argmax(scores))],
                    **{
                        f"p_{c}": None if failed else float(x) for c, x in zip(p.classes, scores, strict=True)
                    },
                    "called_positive": {"1": True, "0": False}.get(p.operating_point[k]),
                    **{name: texts[k] for name, texts in p.judged.items()},
                    "error": p.errors[k],
                }
            )
        return rows

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
        """How many films, and whose scores."""
        from hilum.report.view import Told

        p, failed = self.predictions, sum(map(bool, self.predictions.errors))
        sentence = f"{counted(len(p) - failed, 'film')} scored, {failed} not; provenance {p.provenance}"
        return Told(f"Predictions {self.path.name}", sentence)


def predict(
    bundle: AnyPath,
    films: AnyPath | Sequence[AnyPath],
    *,
    out: AnyPath = "predictions.csv",
    split: AnyPath | None = None,
    strict: bool = False,
    calibrated: bool = False,
    spread: Sequence[AnyPath] = (),
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
        quiet: No progress.

    Raises:
        InputError: No film, or no bundle.
        UnsafeError: The bundle is unsafe, or a probe.
    """
    model, named, to = Path(bundle), paths(films), Path(out)
    others, parts = paths(spread), Path(split) if split is not None else None
    check_outputs(
        [file_output(to, "predictions", ".csv")], [model, *named, *others, *([parts] if parts else [])]
    )
    from hilum.artifacts.split import Split
    from hilum.models.machine import choose_device, exact_arithmetic, keep_memory
    from hilum.stages.predict import predict_films

    with quieted(quiet):
        keep_memory()
        exact_arithmetic()
        of = Split.read(parts) if parts else None
        predict_films(model, named, to, choose_device(), of, strict, calibrated, others)
    return Predictions(to)
