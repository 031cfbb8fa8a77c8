"""About how long a study takes: what is still to be done of each stage, times what this machine takes for it now (`rates`).

Seconds are of the wall. Stages that use processes count the start of one, and their work divided among them. What no trial run shows
(pages, figures) is counted by constants that were measured in starts of a process, so that they follow the machine too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.prepared import PreparedStore
from hilum.core.errors import HilumError
from hilum.models.backbone import Precision
from hilum.models.networks import build_whole
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM
from hilum.report.numbers import counted
from hilum.stages.prepare import plan as plan_prepare
from hilum.training.unfreezing import head_epochs
from hilum.workflow import rates
from hilum.workflow.plan import Recipe
from hilum.workflow.room import Sizes
from hilum.workflow.state import Run
from hilum.workflow.trials import scored_alone, side_by_side

_SAMPLED = 12
_IMAGING, _TRAINING, _SCORING = (
    "hilum.stages.duplicates",
    "hilum.stages.train, torch._dynamo",
    "hilum.stages.predict",
)
"""What a worker loads that reads films, one that trains (torch loads its compiler with the first update) and one that scores."""
_PAGE, _CELL = 0.4, 0.03
"""A report, and each of its cells, in starts of a process."""
_SCORE_S = 3e-4
"""Seconds of a film's features through a head."""
_FILM_S = {"duplicates": 0.006, "prepare": 0.006}
"""Seconds a film where no film is there to try."""


@dataclass(frozen=True)
class Part:
    """A stage's share.

    Attributes:
        stage: Its name.
        seconds: Of the wall.
        what: How much it does, in words.
    """

    stage: str
    seconds: float
    what: str


@dataclass(frozen=True)
class Counted:
    """Films of a trial of a recipe.

    Attributes:
        train: Films an epoch, copies counted.
        valid: Validation films.
        test: Test films.
    """

    train: int
    valid: int
    test: int


class Estimate:
    """Seconds of each stage of a study.

    Args:
        run: The study.
        sizes: Of `sizes_of`.
    """

    def __init__(self, run: Run, sizes: Sizes) -> None:
        self._run, self._sizes = run, sizes
        self._start = rates.start_up()
        self._size_px = run.recipes[0].pipeline.output_size
        self._n_classes = len(run.study.data.classes)

    def parts(self) -> list[Part]:
        """Every stage, in order."""
        return [*self._films(), *self._features(), *self._trainings(), *self._ends()]

    @cached_property
    def _counted(self) -> dict[str, Counted]:
        """By drawing; trials differ by a few films."""
        draws, found = self._run.draws, {}
        for drawing in draws.drawings:
            split, copies = draws.split(drawing, 1), draws.copies(drawing, 1)
            found[drawing.name] = Counted(
                sum(copies.values()), len(split.parts["valid"]), len(split.parts["test"])
            )
        return found

    @cached_property
    def _sample(self) -> Manifest:
        films = self._run.films
        step = max(1, len(films) // _SAMPLED)
        return films.only(f.image_id for f in islice(films.films, 0, None, step))

    def _workers(self, tasks: int) -> int:
        return max(1, min(self._run.engine.cores, tasks, self._run.settled.threads))

    def _films(self) -> Iterator[Part]:
        run = self._run
        yield Part("start", self._start, "Python, torch, checks")
        if run.study.data.near_duplicates and not run.duplicates_path.is_file():
            each = self._tried("duplicates", lambda: rates.search_for_copies(self._sample))
            n = len(run.films)
            took = 2 * rates.start_of_worker(_IMAGING) + n * each / self._workers(n)
            yield Part("duplicates", took, f"{n} films")
        pipelines = {r.pipeline.name: r.pipeline for r in run.recipes}
        chunks = plan_prepare(run.films.by_id, run.draws.wanted, pipelines)
        store = PreparedStore(run.workspace.prepared)
        todo = [c for c in chunks if not store.has(c.key)]
        n = sum(len(t.films) for t in todo)
        if n:
            each = self._tried(
                "prepare", lambda: rates.preparation(self._sample, run.draws.wanted, pipelines)
            )
            took = rates.start_of_worker(_IMAGING) + n * each / self._workers(len(todo))
            yield Part("prepare", took, f"{n} films of {len(run.films)}")

    def _tried(self, stage: str, work: object) -> float:
        try:
            return float(work())  # type: ignore[operator]
        except (HilumError, OSError):  # films that are not there; the checks say so
            return _FILM_S[stage]

    def _features(self) -> Iterator[Part]:
        run = self._run
        precision: Precision = "bf16" if run.precision == "bf16" else "fp32"
        for which in dict.fromkeys(r.features_of for r in run.recipes if r.finetune is None):
            name, random = which
            built, each = rates.features(name, self._size_px, run.batch, precision, run.settled.device)
            n = self._sizes.distinct[which]
            words = f"about {n} distinct films, {1 / each:.1f} films/s"
            yield Part(f"featurize {name}{' (random)' if random else ''}", 2 * built + n * each, words)

    def _trainings(self) -> Iterator[Part]:
        heads = [r for r in self._run.recipes if r.finetune is None]
        if heads:
            yield Part("train heads", *self._heads(heads))
        whole = [r for r in self._run.recipes if r.finetune is not None]
        if whole:
            yield from self._networks(whole)

    def _heads(self, recipes: list[Recipe]) -> tuple[float, str]:
        study, trials, total = self._run.study, len(self._run.draws.trials), 0.0
        shapes = {name: _feature_shape(name, self._size_px) for name in study.grid.levels("backbone")}
        for r in recipes:
            shape = shapes[r.cell.backbone]
            step = rates.head_step(rates.Learner.of(r), shape, self._n_classes, r.training.batch)
            films = self._counted[r.drawing.name]
            steps = -(-films.train // r.training.batch)
            total += trials * r.epochs * steps * step
        n = len(recipes) * trials
        return rates.start_of_worker(_TRAINING) + total / self._workers(n), counted(n, "training")

    def _networks(self, recipes: list[Recipe]) -> Iterator[Part]:
        run, trials = self._run, len(self._run.draws.trials)
        cpu = run.settled.device == "cpu"
        n = len(recipes) * trials
        workers = self._workers(n) if side_by_side(run) else 1
        total = predict = 0.0
        for r in recipes:
            assert r.finetune is not None
            threads = run.settled.threads if cpu and r.finetune.devices > 1 else 1
            update, film, saved = rates.network_steps(
                rates.Learner.of(r),
                self._size_px,
                self._n_classes,
                r.training.batch,
                run.settled.device,
                threads,
            )
            films = self._counted[r.drawing.name]
            epochs = r.epochs + head_epochs(r.finetune)
            epoch = films.train / r.training.batch * update + films.valid * film + saved
            total += trials * (epochs * epoch + films.valid * film + saved)
            predict += trials * (films.valid + films.test) * film
        yield Part(
            "train networks",
            (rates.start_of_worker(_TRAINING) if workers > 1 else 0) + total / workers,
            counted(n, "training"),
        )
        yield Part("score networks", predict / workers, counted(n, "network"))

    def _ends(self) -> Iterator[Part]:
        run, study = self._run, self._run.study
        cells, trials = len(run.recipes), len(run.draws.trials)
        heads = [self._counted[r.drawing.name] for r in run.recipes if r.finetune is None]
        if heads:
            n, films = len(heads) * trials, trials * sum(c.valid + c.test for c in heads)
            alone = scored_alone(films, len(heads) < cells, run.settled.device)
            workers = 1 if alone else self._workers(n)
            started = rates.start_of_worker(_SCORING) if workers > 1 else 0
            yield Part("predict", started + films * _SCORE_S / workers, counted(n, "trial"))
        tested = max(c.test for c in self._counted.values())
        each = rates.statistics(tested, self._n_classes, study.statistics.resamples)
        yield Part(
            "evaluate",
            each * cells * (trials + 2),
            f"{counted(cells, 'cell')}, {study.statistics.resamples} resamples",
        )
        yield Part("report", self._start * (_PAGE + _CELL * cells), counted(cells, "cell"))


def _feature_shape(name: str, size_px: tuple[int, int]) -> tuple[int, ...]:
    """Shape of one film's features."""
    return tuple(build_whole(backbone(name), RANDOM, 2, size_px, 0).feature_shape(*size_px))
