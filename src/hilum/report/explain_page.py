"""explanations.html: films with their heat maps and checks, one file that needs nothing else. It holds the films."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path

from hilum.artifacts.explanations import ExplainedFilm, Explanations
from hilum.core.digests import SHORT
from hilum.report import numbers
from hilum.report.explain_tables import films_table, near_table, passing_table, pointing_table
from hilum.report.network_figures import FILTERS, MAPS, network_path
from hilum.report.overlay import picture_path
from hilum.report.page import Page, Picture, Section, write_page
from hilum.report.table import Table, plain_table

PAGE = "explanations.html"
SHOWN = 30
"""Films whose pictures are in the page; those of others lie beside it."""
HOW_TO_READ = (
    "A heat map shows where this model’s answer came from, not where disease is, and only if it passes its checks. A map that does "
    "not pass has a red frame, and the picture says which check it fails."
)


def explain_page(e: Explanations, folder: Path, command: str = "") -> Page:
    """The page of an artefact whose pictures lie in a folder."""
    figures, near, near_words = _network(folder), near_table(e), _why_none(e)
    sections = [
        Section("checks", "Checks", [HOW_TO_READ, f"{numbers.capital(e.words)}."], [t for t in (passing_table(e), pointing_table(e)) if t]),
        _films(e, folder),
        *([Section("nearest", "Looks like these", near_words, [near] if near else [])] if near or near_words else []),
        *([Section("network", "What the network looks like inside", items=figures)] if figures else []),
        Section("all", "Every map", items=[films_table(e), _methods(e)], folded=True, brief="Every number of every check."),
    ]  # fmt: skip
    classes = ", ".join(f"{c} (positive)" if c == e.positive else c for c in e.classes)
    return Page(
        "explanation",
        "Explanations",
        f"{numbers.counted(len(e.films), 'film')}; a model of the classes {classes}. {' '.join(e.notes)}".strip(),
        sections,
        command=command,
        facts=[
            *((name, value[:SHORT]) for name, value in e.header.inputs.items()),
            *((name, str(value)) for name, value in e.header.options.items()),
            ("seed", str(e.header.seed)),
        ],
    )


def write_explain_page(e: Explanations, folder: Path, command: str = "") -> Path:
    """Write the page, and its tables beside it."""
    write_page(explain_page(e, folder, command), folder / PAGE)
    return folder / PAGE


def film_pictures(e: Explanations, folder: Path, page_in: Path, most: int = SHOWN) -> list[Picture]:
    """The pictures of the first films that have one, for a page in a folder."""
    found: list[Picture] = []
    for film in e.films:
        path = picture_path(folder, film.name)
        if film.name and path.is_file() and len(found) < most:
            alt, file = f"{film.image_id}: film and heat maps", path.relative_to(page_in).as_posix()
            found.append(Picture(film.name, _caption(film), alt, path.read_bytes(), "image/png", file=file))
    return found


def _caption(film: ExplainedFilm) -> str:
    failed = [m.failed for m in film.maps if m.failed]
    if not failed:
        return f"{film.image_id}: no map fails a check."
    (most, times), *_ = Counter(chain(*failed)).most_common(1)
    do = "does" if len(failed) == 1 else "do"
    of = numbers.counted(len(film.maps), "map")
    return f"{film.image_id}: {len(failed)} of {of} {do} not pass, most often {most} ({times})."


def _films(e: Explanations, folder: Path) -> Section:
    pictures = film_pictures(e, folder, folder)
    n = sum(bool(f.name) for f in e.films)
    words = "" if pictures else "No pictures were drawn."
    if pictures and n > len(pictures):
        words = (
            f"The first {len(pictures)} of {n} films; the pictures of the others lie in the folder pictures."
        )
    return Section("films", "Films", [words] if words else [], pictures)


def _network(folder: Path) -> list[Picture]:
    """The figures of the network itself that were drawn."""
    captions = {
        FILTERS: "Filters of the first convolution as a grey film meets them: red weighs what is bright, blue what is dark.",
        MAPS: "Maps that the first film makes in the first and in the last stage of the backbone, the most active channels first.",
    }
    return [
        Picture(
            name, caption, caption, path.read_bytes(), "image/png", file=path.relative_to(folder).as_posix()
        )
        for name, caption in captions.items()
        if (path := network_path(folder, name)).is_file()
    ]


def _why_none(e: Explanations) -> list[str]:
    reasons = dict.fromkeys(f.why_none_near for f in e.films if f.why_none_near)
    own = sum(any(n.image_id == f.image_id for n in f.nearest) for f in e.films)
    said = [f"Training films are not shown here: {why}." for why in reasons]
    if own:
        said.append(f"The model was trained on {own} of these films themselves.")
    return said


def _methods(e: Explanations) -> Table:
    rows = [(name, ", ".join(f"{k} {v}" for k, v in options.items())) for name, options in e.methods.items()]
    return plain_table("methods", ("Method", "Options"), rows, "Methods and their options")
