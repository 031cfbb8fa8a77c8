"""Checks of the manifest against the study, and of the films' files by name and size; no film is decoded."""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from hilum.artifacts.manifest import FilmRow
from hilum.augment.lungs import ALL_LUNG
from hilum.augment.pipeline import Pipeline
from hilum.core.errors import HilumError, InputError, LeakageError, MissingExtraError
from hilum.imaging.kept_films import kept_digests
from hilum.report.panel import on_purpose
from hilum.study.losses import CrossEntropy
from hilum.study.tables import PRECOMPUTED
from hilum.training.losses import class_weights
from hilum.workflow.choices import wrong_choices
from hilum.workflow.concern import Concern, refused
from hilum.workflow.ensembles import check_patients, ensembles_of
from hilum.workflow.searched import searched
from hilum.workflow.state import Run
from hilum.workflow.vectors import vectors_of

_SAMPLED = 32
"""Films of which a few bytes are read."""
_SIZES = 12
"""Film sizes that pipelines are tried on."""
_DICOM = ("dicom", ".dcm", ".dicom")
"""The container as the manifest has it, or the ending of a file's name in an old manifest."""


def films_of_the_study(run: Run) -> Iterator[Concern]:
    """Classes, filters, sources left out, a subset: what picks the films."""
    return map(Concern, wrong_choices(run.study, run.chosen))


def vectors_of_films(run: Run) -> Iterator[Concern]:
    """Every film of the study has one vector of finite numbers, where a backbone is a file of them."""
    for name in run.as_read.precomputed:
        vectors = vectors_of(run.as_read, PRECOMPUTED + name)
        yield from refused(partial(vectors.of, run.films.films.ids), before=f"precomputed.{name}: ")


def loss_weights(run: Run) -> Iterator[Concern]:
    """Class weights name the study's classes."""
    classes = run.study.data.classes
    for name in dict.fromkeys(run.study.grid.levels("loss")):
        loss = run.study.loss_of(name)
        choice = loss.class_weights if isinstance(loss, CrossEntropy) else loss.alpha
        weigh = partial(class_weights, choice, classes, np.arange(len(classes)))
        yield from refused(weigh, before=f"loss {name!r}: ")


def classes_of_parts(run: Run) -> Iterator[Concern]:
    """Every part of every drawing has films of every class, and those that are drawn with replacement too."""
    said: set[str] = set()
    refused_drawings = set()
    for drawing, trial in run.draws.drawn_splits:
        where = f"trial {trial}" + ("" if drawing == run.draws.plain else f" of {drawing.name}")
        if drawing in refused_drawings:
            continue
        try:
            run.draws.split(drawing, trial)
        except HilumError as e:
            if str(e) not in said:
                yield Concern(f"{e} ({where})", e.exit_code)
            said.add(str(e))
            refused_drawings.add(drawing)
            continue
        copies = run.draws.copies(drawing, trial)
        drawn = set(run.films.texts_of("label", (i for i, n in copies.items() if n)))
        for label in run.study.sampling:
            if label not in drawn:
                yield Concern(
                    f"sampling draws no film of class {label!r} to train on ({where}); correct sampling.{label}"
                )


def search_sees_no_test(run: Run) -> Iterator[Concern]:
    """The films that a search sees, those of trial 1, are tested on in no trial."""
    for drawing in {r.drawing: r for r in searched(run.study, run.recipes)}:
        parts, tested = run.draws.split(drawing, 1).parts, run.draws.tested(drawing)
        if n := len(tested & {*parts["train"], *parts["valid"]}):
            yield Concern(
                f"[search]: {n} films of train and validation in trial 1, on which values are chosen, are test films of other trials "
                f"(split.method {run.study.split.method!r} draws the test part anew); use another split.method, or grid.trials = 1",
                LeakageError.exit_code,
            )


def ensembles_can_be_fitted(run: Run) -> Iterator[Concern]:
    """Validation has films of two patients or more of every class, where an ensemble's weights are fitted there."""
    for ensemble in ensembles_of(run):
        yield from refused(partial(check_patients, run, ensemble))


def pipelines_take_the_films(run: Run) -> Iterator[Concern]:
    """Every pipeline, with every step acting, on a blank of each size that films have (the most frequent ones, and the extremes)."""
    sizes = Counter(
        s
        for s in zip(*(run.films.films.values(f"{x}_px") for x in ("height", "width")), strict=True)
        if all(s)
    )
    shapes = [s for s, _ in sizes.most_common(_SIZES)]
    if sizes:
        shapes += [min(sizes), max(sizes), min(sizes, key=lambda s: s[1]), max(sizes, key=lambda s: s[1])]
    for pipeline in {r.pipeline.name: r.pipeline for r in run.recipes}.values():
        acting = Pipeline.from_dict(on_purpose(pipeline.to_dict()))
        for height, width in dict.fromkeys(shapes):
            blank = np.zeros((height, width), np.uint8)
            try:
                drawn = acting.draw(0, "0" * 64, 0, "train", height, width, ALL_LUNG)
                acting.apply(blank, drawn, ALL_LUNG)
            except InputError as e:
                yield Concern(f"pipeline {pipeline.name!r} cannot take a film of {height} x {width} px: {e}")
                break


def batches_are_filled(run: Run) -> Iterator[Concern]:
    """A note where a batch is more than all films that are trained on."""
    batch = max(r.training.batch for r in run.recipes)
    try:
        n = sum(run.draws.copies(run.draws.plain, 1).values())
    except HilumError:  # said by `classes_of_parts`
        return
    if batch > n:
        yield Concern(f"training.batch is {batch}, but {n} films are trained on: every epoch is one step", 0)


def extras(run: Run) -> Iterator[Concern]:
    """DICOM films need pydicom."""
    n = sum((f.container or Path(f.path).suffix.lower()) in _DICOM for f in run.films.films)
    if n and find_spec("pydicom") is None:
        reason = MissingExtraError("pydicom", "dicom")
        yield Concern(f"{n} of the study's {len(run.films)} films are DICOM: {reason}")


def films_are_there(run: Run) -> Iterator[Concern]:
    """The files of the films, by name and size, and a few bytes of some; films that are prepared already are not needed again."""
    films, wrong = run.films.films, defaultdict[str, list[FilmRow]](list)
    step = max(1, len(films) // _SAMPLED)
    for k, film in enumerate(films):
        if what := _wrong_with(film.path, open_it=k % step == 0):
            wrong[what].append(film)
    needed = _still_needed(run) if wrong else set()
    kept = kept_digests(run.workspace.root) if wrong else set()
    for what, such in wrong.items():
        missing = [f for f in such if f.image_id in needed and f.sha256 not in kept]
        if missing:
            yield Concern(
                f"{len(missing)} of the study's {len(films)} films are {what} (first: {missing[0].path}); put them back where the "
                "manifest has them, or run `hilum ingest` again"
            )


def _wrong_with(path: str, open_it: bool) -> str:
    """``gone``, ``empty`` or ``unreadable``; nothing where the file looks sound."""
    try:
        found = os.stat(path)  # noqa: PTH116 (ten times as fast as a Path for each of many films)
        if found.st_size == 0:
            return "empty"
        if not open_it:
            return ""
        if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for
            return "unreadable"
        with Path(path).open("rb") as f:
            return "" if f.read(16) else "unreadable"
    except OSError as e:
        return "gone" if e.errno in (errno.ENOENT, errno.ENOTDIR) else "unreadable"


def _still_needed(run: Run) -> set[str]:
    """Films that are still to be read: for copies, or to be prepared."""
    if run.study.data.near_duplicates and not run.duplicates_path.is_file():
        return set(run.films.by_id)
    return {film[0] for chunk in run.unprepared for film in chunk.films}
