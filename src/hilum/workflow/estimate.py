"""About how long a study takes: what is still to be done of each stage, times what this machine takes for it now (`rates`).

Seconds are of the wall: to begin, and then so many units at a measured rate, divided among the processes that a stage has. A page is
counted in figures, of which one is tried, so that it follows the machine too.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from hilum.artifacts.masks import MaskStore
from hilum.core.errors import HilumError
from hilum.inference.shapes import FITTED
from hilum.models.networks import build_whole
from hilum.models.registry import backbone
from hilum.models.weights import RANDOM
from hilum.report.numbers import counted
from hilum.stages.audit.probes import MAX_PROBED
from hilum.stages.train import most_together
from hilum.study.policies.constant import ConstantPolicy
from hilum.training.unfreezing import head_epochs
from hilum.workflow import rates
from hilum.workflow.audit import audit_path
from hilum.workflow.ensembles import ensembles_of
from hilum.workflow.plan import Recipe
from hilum.workflow.searched import searched
from hilum.workflow.sizes import Sizes
from hilum.workflow.state import Run
from hilum.workflow.trials import scored_here, side_by_side, threads_of_scoring
from hilum.workflow.vectors import length_of

_TRIED, _COMPARED = 12, 48
"""Films that are tried; more of them where they are compared with one another."""
_STARTS = "hilum.workflow.run"
_READS_FILMS = "hilum.stages.duplicates"
_FINDS_LUNGS = "hilum.stages.segment.run"
_TRAINS_HEADS = "hilum.stages.train, hilum.training.map_kernel"
_TRAINS_NETWORKS = "hilum.stages.train, torch._dynamo"
_SCORES = "hilum.stages.predict"
"""What a worker loads (torch loads its compiler with the first update)."""
_FIGURES, _FIGURES_A_CELL = 4.0, 1.2
"""What a report takes, and for each of its cells, in figures of four panels: measured on reports of 1, 2, 9 and 12 cells."""
_EVALUATED, _EVALUATED_A_TRIAL = 0.5, 3.5
"""What an evaluation takes, in such figures, and for each trial, in its statistics: questions, comparisons and further curves besides."""
_BETWEEN = 1.4
"""What begins a run, and goes on between its stages and after them (records, digests, what pages load), in what begins it."""
_SCORE_S = 3e-4
"""Seconds of a film's features through a head."""
_FILM_S = 0.006
"""Seconds a film, to look for its copies or to prepare it, where no film is there to try."""


@dataclass(frozen=True)
class Cost:
    """What a stage takes, about.

    Attributes:
        stage: Its name.
        what: How much it does, in words.
        work_s: Seconds of its work, were it done by one process.
        workers: Processes that it is divided among.
        start_s: Seconds before it begins.
        loads: What each of several workers loads.
    """

    stage: str
    what: str
    work_s: float
    workers: int = 1
    start_s: float = 0.0
    loads: str = ""

    @property
    def seconds(self) -> float:
        """Seconds on the clock."""
        return self.start_s + self.work_s / self.workers


def costs(run: Run, sizes: Sizes) -> Iterator[Cost]:
    """Every stage of a study, in order; `sizes` are its own."""
    cells, resamples = len(run.recipes) + len(ensembles_of(run)), run.study.statistics.resamples
    heads = [r for r in run.recipes if r.finetune is None and r.learns]
    whole = [r for r in run.recipes if r.finetune is not None and r.learns]
    checked = time.perf_counter() - run.began  # as the run will: the same checks and draws
    yield Cost("start", "Python, torch, checks", _BETWEEN * (rates.start_of_worker(_STARTS) + checked))
    yield from _of_films(run)
    yield from _of_features(run, sizes)
    yield from _of_search(run)
    yield from _of_heads(run, heads)
    yield from _of_networks(run, whole)
    if heads or whole:
        yield _of_shapes(run, sizes)
    yield from _of_scores(run, heads, bool(whole))
    tested = max(_counts(run, r)[2] for r in run.recipes)
    each = rates.statistics(tested, len(run.study.data.classes), resamples)
    work = _EVALUATED * rates.figure() + _EVALUATED_A_TRIAL * each * cells * (len(run.draws.trials) + 2)
    yield Cost("evaluate", f"{counted(cells, 'cell')}, {resamples} resamples", work)
    yield Cost("report", counted(cells, "cell"), rates.figure() * (_FIGURES + _FIGURES_A_CELL * cells))


def _counts(run: Run, recipe: Recipe) -> tuple[int, int, int]:
    """Films of a trial in train, copies counted, in valid and in test; trials differ by a few."""
    parts = run.draws.split(recipe.drawing, 1).parts
    return sum(run.draws.copies(recipe.drawing, 1).values()), len(parts["valid"]), len(parts["test"])


def _workers(run: Run, tasks: int) -> int:
    return max(1, min(run.engine.cores, tasks, run.settled.threads))


def _started(workers: int, modules: str) -> float:
    """Seconds until workers have begun; none where this process does the work itself."""
    return rates.start_of_worker(modules) if workers > 1 else 0.0


def _of_films(run: Run) -> Iterator[Cost]:
    films = run.films
    few = films.only(f.image_id for f in islice(films.films, 0, None, max(1, len(films) // _TRIED)))
    if run.study.data.near_duplicates and not run.duplicates_path.is_file():
        some = films.only(f.image_id for f in islice(films.films, 0, None, max(1, len(films) // _COMPARED)))
        work, workers = len(films) * _tried(lambda: rates.search_for_copies(some)), _workers(run, len(films))
        started = 2 * _started(workers, _READS_FILMS)  # to read, and to compare
        yield Cost("duplicates", f"{len(films)} films", work, workers, started, _READS_FILMS)
    if not audit_path(run).is_file():
        probed = min(len(films), MAX_PROBED) * _tried(lambda: rates.probes_of(few))
        workers = _workers(run, len(films))
        started = probed + _started(workers, _READS_FILMS)
        work = len(films) * _tried(lambda: rates.look_at_films(few))
        yield Cost("audit", f"{len(films)} films", work, workers, started, _READS_FILMS)
    if run.reads_lungs:
        without = MaskStore(run.workspace.masks).missing(
            (f.pixels_sha256 for f in films.films if not (run.study.lungs.own and f.lung_mask)),
            run.lungs_facts["model"],
        )
        if without:
            each = _tried(lambda: rates.lungs(few, run.lungs_by.load()))
            workers = _workers(run, len(without))
            words = f"{len(without)} films, {1 / each:.1f} films/s a process"
            started = _started(workers, _FINDS_LUNGS)
            yield Cost("lungs", words, len(without) * each, workers, started, _FINDS_LUNGS)
    todo = [len(c.films) for c in run.unprepared]
    if todo:
        pipelines = {r.pipeline.name: r.pipeline for r in run.recipes}
        work = sum(todo) * _tried(lambda: rates.preparation(few, run.draws.wanted, pipelines))
        words, workers = f"{sum(todo)} films of {len(films)}", _workers(run, len(todo))
        yield Cost("prepare", words, work, workers, _started(workers, _READS_FILMS), _READS_FILMS)


def _tried(seconds: Callable[[], float]) -> float:
    try:
        return seconds()
    except (HilumError, OSError):  # films that are not there; the checks say so
        return _FILM_S


def _of_features(run: Run, sizes: Sizes) -> Iterator[Cost]:
    size_px = run.recipes[0].pipeline.output_size
    for which in dict.fromkeys(r.features_of for r in run.recipes if r.finetune is None):
        if backbone(which.backbone).precomputed:
            continue
        engine = run.feature_engines[which].name
        built, each = rates.features(
            which.backbone, size_px, run.batch, run.precision, run.settled.device, engine
        )
        n = sizes.distinct[which]
        yield Cost(
            f"featurize {which.label}",
            f"about {n} distinct films, {1 / each:.1f} films/s by {engine}",
            n * each,
            start_s=2 * built,
        )


def _of_heads(run: Run, recipes: Sequence[Recipe]) -> Iterator[Cost]:
    if not recipes:
        return
    n_trials = len(run.draws.trials)
    n = len(recipes) * n_trials
    most, alike = most_together(n, run.engine.cores), Counter(_shared(r) for r in recipes)
    work = n_trials * sum(_head_seconds(run, r, r.epochs, min(most, alike[_shared(r)])) for r in recipes)
    workers = _workers(run, n)
    started = _started(workers, _TRAINS_HEADS)
    yield Cost("train heads", counted(n, "training"), work, workers, started, _TRAINS_HEADS)


def _shared(recipe: Recipe) -> tuple[Any, ...]:
    """What cells have in common whose heads go side by side (`hilum.stages.train`)."""
    options = recipe.training
    return (
        recipe.features_of, recipe.draw(1), recipe.cell.seed, recipe.cell.probe, recipe.head, options.batch, options.balanced_batches,
        options.dropout,
    )  # fmt: skip


def _head_seconds(run: Run, recipe: Recipe, epochs: float, together: int = 1) -> float:
    """Seconds of one training of a cell's head, of so many that go side by side."""
    name, batch, n_classes = recipe.cell.backbone, recipe.training.batch, len(run.study.data.classes)
    length = length_of(run.study, name)
    shape = (length,) if length else _feature_shape(name, recipe.pipeline.output_size)
    steps = -(-_counts(run, recipe)[0] // batch)
    return epochs * steps * rates.head_step(name, shape, n_classes, batch, together)


def _of_search(run: Run) -> Iterator[Cost]:
    table, cells = run.study.search, searched(run.study, run.recipes)
    if table is None or not cells:
        return
    folds = table.folds if table.chosen_on == "folds" else 1
    epochs = table.ranges.get("epochs")
    usual = [epochs["low"], epochs["high"]] if isinstance(epochs, dict) else epochs
    work = sum(_head_seconds(run, r, sum(usual) / len(usual) if usual else r.epochs) for r in cells)
    n = len(cells) * table.trials * folds
    each = f"{counted(len(cells), 'cell')} x {counted(table.trials, 'trial')}" + (
        f" x {folds} folds" if folds > 1 else ""
    )
    words = f"{counted(n, 'training')}: {each}"
    yield Cost("search", words, table.trials * folds * work, _workers(run, n), loads=_TRAINS_HEADS)


@cache
def _feature_shape(name: str, size_px: tuple[int, int]) -> tuple[int, ...]:
    """Shape of one film's features."""
    return tuple(build_whole(backbone(name), RANDOM, 2, size_px, 0).feature_shape(*size_px))


def _of_networks(run: Run, recipes: Sequence[Recipe]) -> Iterator[Cost]:
    if not recipes:
        return
    device, n_trials, training, scoring = run.settled.device, len(run.draws.trials), 0.0, 0.0
    for r in recipes:
        assert r.finetune is not None
        threads = run.settled.threads if device == "cpu" and r.finetune.devices > 1 else 1
        each = rates.network(
            r.cell.backbone, r.finetune, ConstantPolicy(optimizer=r.policy.optimizer, learning_rate=1e-3), r.pipeline.output_size,
            len(run.study.data.classes), r.training.batch, (device, threads),
        )  # fmt: skip
        train, valid, test = _counts(run, r)
        ends = valid * each.film + each.checkpoint
        epoch = train / r.training.batch * each.update + ends
        training += n_trials * ((r.epochs + head_epochs(r.finetune)) * epoch + ends)
        scoring += n_trials * (valid + test) * each.film
    n = len(recipes) * n_trials
    workers = _workers(run, n) if side_by_side(run) else 1
    started = _started(workers, _TRAINS_NETWORKS)
    yield Cost("train networks", counted(n, "training"), training, workers, started, _TRAINS_NETWORKS)
    yield Cost(
        "score networks", counted(n, "network"), scoring + _gate_seconds(run, recipes), workers, loads=_SCORES
    )


def _of_scores(run: Run, recipes: Sequence[Recipe], any_whole: bool) -> Iterator[Cost]:
    if not recipes:
        return
    n_trials = len(run.draws.trials)
    n, films = len(recipes) * n_trials, n_trials * sum(sum(_counts(run, r)[1:]) for r in recipes)
    one_place = scored_here(films, any_whole) or threads_of_scoring(run.settled)
    workers = 1 if one_place else _workers(run, n)
    started = _started(workers, _SCORES)
    work = films * _SCORE_S + _gate_seconds(run, recipes)
    yield Cost("predict", counted(n, "trial"), work, workers, started, _SCORES)


def _gate_seconds(run: Run, recipes: Sequence[Recipe]) -> float:
    """Seconds of the gates of some cells' trials."""
    counts = [_counts(run, r) for r in recipes]
    n_classes = len(run.study.data.classes)
    each = [rates.gate(min(train, FITTED), valid + test, n_classes) for train, valid, test in counts]
    return len(run.draws.trials) * sum(each)


def _of_shapes(run: Run, sizes: Sizes) -> Cost:
    """What gates see of the study's prepared films, each once."""
    n = sizes.distinct[None]
    work = n * rates.shape(run.recipes[0].pipeline.output_size)
    return Cost("shapes", f"about {n} distinct films", work, _workers(run, n), loads=_SCORES)
