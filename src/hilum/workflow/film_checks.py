"""Checks of the manifest against the study, and of the films' files by name and size; no film is decoded."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.prepared import PreparedStore
from hilum.augment.pipeline import Pipeline
from hilum.core.errors import HilumError, InputError
from hilum.report.panel import on_purpose
from hilum.stages.prepare import plan as plan_prepare
from hilum.study.losses import CrossEntropy
from hilum.training.losses import class_weights
from hilum.workflow.asked import Asked, Finding
from hilum.workflow.draws import training_copies
from hilum.workflow.state import chosen_films, wrong_choices

_SAMPLED = 32
"""Films of which a few bytes are read."""
_SIZES = 12
"""Film sizes that pipelines are tried on."""


def films_of_the_study(asked: Asked) -> Iterator[Finding]:
    """Classes, filters, sources left out, a subset: what picks the films."""
    chosen = chosen_films(asked.study, asked.manifest)
    yield from map(Finding, wrong_choices(asked.study, chosen))


def loss_weights(asked: Asked) -> Iterator[Finding]:
    """Class weights name the study's classes."""
    classes = asked.study.data.classes
    for name in dict.fromkeys(asked.study.grid.levels("loss")):
        loss = asked.study.loss_of(name)
        choice = loss.class_weights if isinstance(loss, CrossEntropy) else loss.alpha
        try:
            class_weights(choice, classes, np.arange(len(classes)))
        except InputError as e:
            yield Finding(f"loss {name!r}: {e}")


def classes_of_parts(asked: Asked) -> Iterator[Finding]:
    """Every part of every drawing has films of every class, and those that are drawn with replacement too."""
    by_id = asked.films.by_id
    said: set[str] = set()
    for drawing in asked.drawings:
        for trial in asked.trials:
            where = f"trial {trial}" + ("" if drawing == asked.splits.plain else f" of {drawing.name}")
            try:
                split = asked.splits.of(drawing, trial)
            except HilumError as e:
                if str(e) not in said:
                    yield Finding(f"{e} ({where})", e.exit_code)
                said.add(str(e))
                break
            copies = training_copies(asked.study, asked.films, split, trial, drawing.seed)
            drawn = {by_id[i].label for i, n in copies.items() if n}
            for label in asked.study.sampling:
                if label not in drawn:
                    yield Finding(
                        f"sampling draws no film of class {label!r} to train on ({where}); correct sampling.{label}"
                    )


def pipelines_take_the_films(asked: Asked) -> Iterator[Finding]:
    """Every pipeline, with every step acting, on a blank of each size that films have (the most frequent ones, and the extremes)."""
    sizes = Counter((f.height_px, f.width_px) for f in asked.films.films if f.height_px and f.width_px)
    shapes = [s for s, _ in sizes.most_common(_SIZES)]
    if sizes:
        shapes += [min(sizes), max(sizes), min(sizes, key=lambda s: s[1]), max(sizes, key=lambda s: s[1])]
    for pipeline in {r.pipeline.name: r.pipeline for r in asked.recipes}.values():
        acting = Pipeline.from_dict(on_purpose(pipeline.to_dict()))
        for height, width in dict.fromkeys(shapes):
            blank = np.zeros((height, width), np.uint8)
            try:
                acting.apply(blank, acting.draw(0, "0" * 64, 0, "train", height, width))
            except InputError as e:
                yield Finding(f"pipeline {pipeline.name!r} cannot take a film of {height} x {width} px: {e}")
                break


def batches_are_filled(asked: Asked) -> Iterator[Finding]:
    """A note where a batch is more than all films that are trained on."""
    batch = max(r.training.batch for r in asked.recipes)
    try:
        split = asked.splits.of(asked.splits.plain, 1)
    except HilumError:  # said by `classes_of_parts`
        return
    n = sum(training_copies(asked.study, asked.films, split, 1, asked.splits.plain.seed).values())
    if batch > n:
        yield Finding(f"training.batch is {batch}, but {n} films are trained on: every epoch is one step", 0)


def films_are_there(asked: Asked) -> Iterator[Finding]:
    """The files of the films, by name and size, and a few bytes of some; films that are prepared already are not needed again."""
    wrong: dict[str, list[FilmRow]] = {}
    for film in asked.films.films:
        try:
            if os.stat(film.path).st_size == 0:  # noqa: PTH116 (ten times as fast as a Path for each of many films)
                wrong.setdefault("empty", []).append(film)
        except OSError as e:
            kind = "gone" if e.errno in (errno.ENOENT, errno.ENOTDIR) else "unreadable"
            wrong.setdefault(kind, []).append(film)
    step = max(1, len(asked.films) // _SAMPLED)
    known = {f.image_id for films in wrong.values() for f in films}
    for film in islice(asked.films.films, 0, None, step):
        if film.image_id not in known and not _can_be_read(film.path):
            wrong.setdefault("unreadable", []).append(film)
    if not wrong:
        return
    needed = _still_needed(asked)
    for kind, films in wrong.items():
        missing = [f for f in films if f.image_id in needed]
        if missing:
            yield Finding(
                f"{len(missing)} of the study's {len(asked.films)} films are {kind} (first: {missing[0].path}); put them back where the "
                "manifest has them, or run `hilum ingest` again"
            )


def _can_be_read(path: str) -> bool:
    try:
        if not Path(path).is_file():  # a pipe would be waited for
            return False
        with Path(path).open("rb") as f:
            return bool(f.read(16))
    except OSError:
        return False


def _still_needed(asked: Asked) -> set[str]:
    """Films that are still to be read: for copies, or to be prepared."""
    if asked.study.data.near_duplicates and not asked.duplicates_path.is_file():
        return set(asked.films.by_id)
    store = PreparedStore(asked.workspace.prepared)
    pipelines = {r.pipeline.name: r.pipeline for r in asked.recipes}
    chunks = plan_prepare(asked.films.by_id, asked.wanted, pipelines)
    return {film[0] for c in chunks if not store.has(c.key) for film in c.films}
