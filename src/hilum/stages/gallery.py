"""Gallery: a finished run -> ``gallery.html``, its test films with what every model and trial said of them.

Convention: it holds films, so it is written beside the run and never into its folder, and only where it is asked for. Probes are no
models. Only films that are shown are decoded. It opens test films, so it counts as a look at them, unless the same page is written again.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from hilum.artifacts.explanations import explained_cells
from hilum.artifacts.header import Header, is_written_of, write_with_header
from hilum.artifacts.looks import count_look, looks
from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.outputs import check_outputs, folder_output, same_place
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run_folder import RunFolder
from hilum.core.engine import Engine
from hilum.core.errors import InputError
from hilum.core.progress import progress
from hilum.imaging.as_ingested import each_readable_film
from hilum.imaging.small import jpeg_within
from hilum.report import numbers
from hilum.report.estimates import CellColumns
from hilum.report.gallery import Gallery, GalleryFilm, render_gallery
from hilum.report.gallery_lists import Group, groups_of, model_lists, pictured, shared_lists
from hilum.report.gallery_maps import HeatMap, heat_maps
from hilum.report.run_notes import unsafe_notes
from hilum.report.run_words import looks_words
from hilum.stats.answers import NO_ANSWER, Answers
from hilum.stats.tested_films import PART
from hilum.study.faults import unsafe_among
from hilum.study.several_findings import require_one_class

PAGE = "gallery.html"
MOST_FILMS, SIDE_PX, _QUALITY = 400, 512, 90
MOST_BYTES = 24 * 2**20
"""Of all pictures together; the films that come after are shown without."""
Said = tuple[int, ...] | None
"""What a model or a trial said of a film, as `GalleryFilm` has it."""


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        page: Its path.
        shown: Films on it.
        tested: Test films of the run's models.
    """

    page: Path
    shown: int
    tested: int


@dataclass(frozen=True, eq=False)
class _Asked:
    """What every trial of every model says of the films that any of them tested.

    Attributes:
        films: In order of their ids.
        tables: (model, trial) -> its test films.
        rows: (model, trial) -> film's number -> its row there.
    """

    films: Sequence[FilmRow]
    answers: Answers
    tables: Mapping[tuple[int, int], Predictions]
    rows: Mapping[tuple[int, int], Mapping[int, int]]


def write_gallery(
    run: Path, out: Path | None, engine: Engine, most: int = MOST_FILMS, side_px: int = SIDE_PX
) -> Written:
    """Write the gallery of a run.

    Args:
        run: The run's folder.
        out: Folder to write into; None for one beside the run's, called as it is with ``--gallery``.
        engine: Where films are opened.
        most: Films on the page.
        side_px: Of a film's longer side; none is made larger.

    Raises:
        InputError: The run is not finished, `out` lies in it, or none of the films can be used.
        DigestError: The folder mixes two runs.
    """
    folder = RunFolder(run)
    place = run.resolve()
    out = out or place.with_name(f"{place.name}--gallery")
    if any(same_place(p, place) for p in (out.absolute(), *out.absolute().parents)):
        raise InputError(
            f"--out {out}: lies in the run's folder, which is passed on without films; write elsewhere"
        )
    check_outputs([folder_output(out, "gallery", PAGE)], [run])
    require_one_class(folder.task, f"{run}: a gallery")
    folder.prediction_digests()
    asked = _asked(folder)
    groups = groups_of(asked.films, folder.questions)
    answers = asked.answers
    lists = [model_lists(answers, m, folder.classes, groups) for m in range(len(folder.cells))]
    explained = explained_cells(folder)
    mapped = {f.image_id for e in explained.values() for f in e.films if f.maps}
    with_maps = np.array([k for k, f in enumerate(asked.films) if f.image_id in mapped], dtype=np.intp)
    shared = shared_lists(answers, with_maps)
    header = Header(
        "gallery",
        {"results": folder.results_digest(), "manifest": folder.record.manifest_digest},
        {"films": most, "side_px": side_px},
    )
    if not is_written_of(out / PAGE, header):
        count_look(folder, "gallery")
    chosen = pictured([*itertools.chain(*lists), *shared], most)
    maps = heat_maps(folder, explained, {asked.films[k].image_id for k in chosen} & mapped, side_px)
    films = _shown(folder, asked, groups, chosen, maps, engine, side_px)
    gallery = Gallery(
        folder.record.title or folder.record.name, place.name, header.inputs["results"], folder.classes, folder.positive,
        [(CellColumns(folder).label(c), bool(unsafe_among(c.switches))) for c in folder.cells],
        films, shared, lists, [answers.matrix(m).tolist() for m in range(len(folder.cells))],
        {k: at for at, k in enumerate(chosen)}, _notes(folder, len(chosen), len(asked.films)),
        [n.removeprefix("Unsafe: ") for n in unsafe_notes(folder)], folder.record.synthetic,
    )  # fmt: skip
    write_with_header(out / PAGE, render_gallery(gallery), header)
    return Written(out / PAGE, len(chosen), len(asked.films))


def _asked(folder: RunFolder) -> _Asked:
    tables: dict[tuple[int, int], Predictions] = {}
    with progress("gallery: predictions", len(folder.cells) * folder.n_trials, "trials") as step:
        for m, cell in enumerate(folder.cells):
            for t, trial in enumerate(folder.trials):
                tables[m, t] = folder.predictions(cell, trial).of_part(PART)
                step()
    ids = sorted({i for table in tables.values() for i in table.image_ids})
    if not ids:
        raise InputError(f"{folder.path}: no film of part {PART!r} has probabilities")
    number = {i: k for k, i in enumerate(ids)}
    p = np.full((len(folder.cells), folder.n_trials, len(ids), len(folder.classes)), np.nan)
    rows = {}
    for at, table in tables.items():
        own = [number[i] for i in table.image_ids]
        p[at][own] = table.probabilities
        rows[at] = {k: r for r, k in enumerate(own)}
    films = [folder.manifest.by_id[i] for i in ids]
    truth = np.array([folder.classes.index(f.label) for f in films])
    return _Asked(films, Answers(truth, p, folder.classes.index(folder.positive)), tables, rows)


def _shown(
    folder: RunFolder,
    asked: _Asked,
    groups: Sequence[Group],
    chosen: Sequence[int],
    maps: Mapping[str, Sequence[HeatMap]],
    engine: Engine,
    side_px: int,
) -> list[GalleryFilm]:
    opened = [asked.films[k] for k in chosen]
    pictures = each_readable_film(
        partial(jpeg_within, side_px=side_px, quality=_QUALITY), opened, engine, "gallery: films"
    )
    if not any(picture for picture, _ in pictures):
        reasons = ", ".join(sorted({why for _, why in pictures}))
        raise InputError(f"none of {numbers.counted(len(opened), 'film')} can be used: {reasons}")
    doubts = _doubts(folder)
    room, found = MOST_BYTES, []
    for k, film, (picture, why) in zip(chosen, opened, pictures, strict=True):
        beside = maps.get(film.image_id, ())
        room -= len(picture or b"") + sum(len(m.picture) for m in beside)
        facts = [(g.column, g.value) for g in groups if g.members[k]]
        models, trials = _said(asked, k)
        shown = picture if picture and room >= 0 else b""
        found.append(
            GalleryFilm(
                film.image_id, film.label, facts, doubts.get(film.image_id, ()), models, trials, shown,
                "" if shown else why or "the page is full", beside if shown else (),
            )
        )  # fmt: skip
    return found


def _said(asked: _Asked, film: int) -> tuple[list[Said], list[list[Said]]]:
    """What each model and each of its trials said of a film, as `GalleryFilm` has it."""
    answers = asked.answers
    models: list[Said] = []
    for call, sure, spread in zip(
        answers.said[:, film], answers.sure[:, film], answers.spread[:, film], strict=True
    ):
        said = (int(call), round(1000 * sure), -1 if np.isnan(spread) else round(1000 * spread))
        models.append(None if call == NO_ANSWER else said)
    n_models, n_trials = answers.p.shape[:2]
    return models, [[_trial(asked, m, t, film) for t in range(n_trials)] for m in range(n_models)]


def _trial(asked: _Asked, model: int, trial: int, film: int) -> Said:
    row = asked.rows[model, trial].get(film)
    if row is None:
        return None
    table, p = asked.tables[model, trial], asked.answers.p[model, trial, film]
    held = table.judged["set_90"][row].split("|") if "set_90" in table.judged else None
    bits = -1 if held is None else sum(1 << k for k, c in enumerate(table.classes) if c in held)
    stranger = table.judged["stranger"][row] if "stranger" in table.judged else ""
    call = int(asked.answers.votes[model, trial, film])
    return (
        call,
        _flag(table.operating_point[row]),
        bits,
        _flag(stranger),
        *(round(1000 * x) for x in p.tolist()),
    )


def _flag(text: str) -> int:
    return int(text) if text in ("0", "1") else -1


def _doubts(folder: RunFolder) -> dict[str, list[str]]:
    """Film -> what speaks against its label or the film: what the audit suspects, flags, and copies of it with another label."""
    found: dict[str, list[str]] = {}
    audit = folder.audit or {}
    for s in (audit.get("labels") or {}).get("suspects", ()):
        words = f"The audit doubts its label: {s['suggested']} {s['p_suggested']:.2f}, {s['given']} {s['p_given']:.2f}."
        found.setdefault(s["film"], []).append(words)
    for flag, films in (audit.get("quality") or {}).get("flagged", {}).items():
        for film in films:
            found.setdefault(film, []).append(f"Flagged by the audit: {flag.replace('-', ' ')}.")
    labels = {i: f.label for i, f in folder.manifest.by_id.items()}
    for group in folder.copies.groups if folder.copies else ():
        for film in group:
            others = [i for i in group if labels.get(i, labels.get(film)) != labels.get(film)]
            if film in labels and others:
                words = "; ".join(f"{i} ({labels[i]})" for i in others)
                found.setdefault(film, []).append(f"A copy of it has another label: {words}.")
    return found


def _notes(folder: RunFolder, shown: int, tested: int) -> list[str]:
    """What a reader must know of the page."""
    return [
        f"{shown} of {numbers.counted(tested, 'test film')} shown. A model says the class of the highest mean probability over the trials "
        f"that tested a film. Looks at the test films, this page among them: {looks_words(looks(folder))}.",
        "Films stand here because models err on them or trials differ: labels corrected here follow the models, and figures of a run with "
        "such labels are no new evidence. Read with names, labels and answers hidden first, and right films too.",
    ]
