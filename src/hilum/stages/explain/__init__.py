"""explain: a bundle and films -> explanations.json, the maps as arrays, a picture a film, and a page.

A film that was explained before by the same bundle, methods, options and seed is found in the folder again. Test films of the run that the
bundle lies in count as looked at, where they are explained anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from hilum.artifacts.bundle import Bundle, bundle_version
from hilum.artifacts.explanations import KIND, ExplainedFilm, Explanations, film_name, find_film
from hilum.artifacts.film_marks import Mark, read_film_marks
from hilum.artifacts.header import Header
from hilum.artifacts.looks import count_look
from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.run_folder import run_of
from hilum.core.digests import digest, sha256_bytes, sha256_file
from hilum.core.errors import FilmError, require_known
from hilum.core.keys import ALWAYS, Key
from hilum.core.mirror import at_hand
from hilum.core.progress import progress
from hilum.imaging.as_ingested import bytes_as_ingested
from hilum.report.explain_page import write_explain_page
from hilum.report.overlay import picture_path
from hilum.sources.named_films import named_films
from hilum.stages.explain.asked import Asked, methods_asked
from hilum.stages.explain.films import Explainer, FilmTask, unit_of
from hilum.study.explanations import CHECKS

FILM = Key(
    bundle=ALWAYS, film=ALWAYS, row=ALWAYS, methods=ALWAYS, target=ALWAYS, seed=ALWAYS, checks=ALWAYS, lungs=ALWAYS, marks=ALWAYS,
    neighbours=ALWAYS, in_run=ALWAYS, rules=ALWAYS,
)  # fmt: skip
"""What a film's explanation depends on: by it the film is found again."""
RULES = 3
"""Raised when the same methods would give other maps, numbers or verdicts."""


def explain_films(
    bundle: Path, paths: Sequence[Path], out: Path, asked: Asked, device: str = "cpu", command: str = ""
) -> Explanations:
    """As `explain_rows`, of files, folders or manifests that somebody names."""
    named = named_films(paths)
    return explain_rows(bundle, named.rows, out, asked, device, command, tuple(named.notes()))[0]


def explain_rows(
    bundle: Path, rows: Sequence[FilmRow], out: Path, asked: Asked, device: str = "cpu", command: str = "", notes: tuple[str, ...] = ()
) -> tuple[Explanations, int]:  # fmt: skip
    """Explain films; one that cannot be read is a row with its reason.

    Args:
        bundle: Folder of the bundle.
        rows: The films.
        out: Folder for everything that is written.
        asked: Methods and options.
        device: ``cpu`` or ``cuda``.
        command: What the user typed, for the page.
        notes: What a reader must know, said first.

    Returns:
        The artefact, and the number of films that were not explained before.

    Raises:
        InputError: No film, no bundle, an unknown method, option or class, or a table of boxes that names no film.
        UnsafeError: The bundle is unsafe, or a probe.
    """
    b, methods = Bundle.described(bundle)[0], methods_asked(asked.methods)
    b.require_a_model(bundle)
    for check in asked.checks:
        require_known(check, CHECKS, "--check: unknown check")
    if asked.target:
        require_known(asked.target, b.classes, "--target: the model has no class")
    marks = read_film_marks(asked.boxes).of([r.image_id for r in rows]) if asked.boxes else {}
    version, run = bundle_version(bundle), run_of(bundle)
    of_all = {"bundle": version, "methods": methods, "in_run": run is not None, "rules": RULES}
    of_all |= {name: getattr(asked, name) for name in ("target", "seed", "checks", "lungs", "neighbours")}
    done: dict[str, ExplainedFilm] = {}
    digests: dict[str, str] = {}
    explainer: Explainer | None = None
    tasks = _tasks(rows, marks, of_all, digests)
    with progress("explain", len(rows)) as step:
        while some := list(islice(tasks, b.batch)):
            found = {t.row.image_id: film for t in some if (film := _found(out, t, asked.pictures))}
            todo = [t for t in some if t.row.image_id not in found]
            if todo and explainer is None:
                explainer = Explainer(bundle, methods, asked, out, device)
            done |= found
            step(len(found))
            for film in explainer.films(todo) if explainer else ():
                done[film.image_id] = film
                step()
    if explainer is not None and run is not None:
        count_look(run, "explain", explainer.opened)
    inputs = {"bundle": version, "films": digest(digests)}
    inputs |= {"boxes": sha256_file(asked.boxes)} if asked.boxes else {}
    made = Explanations(
        Header(KIND, inputs, asked.options, seed=asked.seed), b.classes, b.positive, float(b.operating_point["threshold"]), methods,
        tuple(done[r.image_id] for r in rows), notes,
    )  # fmt: skip
    made.write(out)
    write_explain_page(made, out, command)
    return made, len(explainer.opened) if explainer else 0


def _tasks(
    rows: Sequence[FilmRow], marks: Mapping[str, Sequence[Mark]], of_all: Mapping[str, Any], digests: dict[str, str]
) -> Iterator[FilmTask]:  # fmt: skip
    """A task a film, with the key that finds it again; `digests` is told the digest of each film's bytes."""
    for k, row in enumerate(rows):
        own = marks.get(row.image_id, ())
        try:
            data = bytes_as_ingested(row.image_id, row.path, row.sha256)
        except FilmError as e:
            yield FilmTask(row, own, None, e.reason)
            continue
        digests[row.image_id] = sha = sha256_bytes(data)
        marked = [sha256_file(m) if isinstance(m, Path) else m for m in own]
        of_row = {"film": sha, "row": [row.image_id, row.label, unit_of(row)], "marks": marked}
        key = FILM.digest({**of_all, **of_row})
        yield FilmTask(row, own, data, key=key, name=film_name(row.image_id, key), first=k == 0)


def _found(out: Path, task: FilmTask, pictures: bool) -> ExplainedFilm | None:
    """A film that needs no work: it was explained before, or it cannot be."""
    row = task.row
    if task.error:
        return ExplainedFilm(row.image_id, row.label, unit_of(row), error=task.error)
    if pictures and not at_hand(picture_path(out, task.name)).is_file():
        return None
    return find_film(out, task.name, task.key)
