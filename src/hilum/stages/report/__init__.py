"""Report: a run -> ``report.html``, ``model_card.md``, each table as csv and LaTeX, each figure as SVG and PNG.

Convention: everything is written into the run's folder, and equal runs give equal bytes: no clock time is
written. The statistics must be of the run's own predictions, else the report is refused. A report that was
written from the same artefacts by the same code is left as it is; what was drawn for the panel follows from
the study's seed. A box to follow through the pipelines (`set_box`) is kept in the run's folder as ``boxed_film.json``; without one it is
that of a synthetic film's sign.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hilum import report as report_package
from hilum.artifacts.comparisons import read_comparisons
from hilum.artifacts.evaluation import NAME, Evaluation, read_checked
from hilum.artifacts.flow import NAME as FLOW
from hilum.artifacts.header import Header, header_path, read_csv_header, write_with_header
from hilum.artifacts.history import NAME as HISTORY
from hilum.artifacts.looks import looks
from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.run import NAME as RECORD
from hilum.artifacts.run_files import BOX, COMPARISONS, DUPLICATES, EXCLUDED, FACTS, MANIFEST, STATISTICS
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.study_rows import StudyRows
from hilum.artifacts.trial_files import BUNDLE, FINDER, SECONDS, TRAIN
from hilum.augment.operation import Film
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import digest, sha256_file
from hilum.core.errors import FilmError
from hilum.core.files import write_text
from hilum.core.progress import progress
from hilum.imaging.as_ingested import film_as_ingested
from hilum.report import (
    comparison_tables,
    confusion_tables,
    contrast_tables,
    data_tables,
    flow_tables,
    result_tables,
    set_up_tables,
)
from hilum.report import study_figures as pictures
from hilum.report.beside import Beside, BesideOf, nothing
from hilum.report.box_panel import BoxedFilm, box_table
from hilum.report.cautions import cautions
from hilum.report.checklists import claim_table, tripod_table
from hilum.report.flow_figure import flow_picture
from hilum.report.model_card import card_markdown, card_table, model_card
from hilum.report.page import Picture, render
from hilum.report.panel import on_purpose, panel_rows
from hilum.report.run_notes import run_notes, with_notes
from hilum.report.sections import compose, unit_note
from hilum.report.table import Table
from hilum.stages.report import learned as learned
from hilum.stages.report.films import counterparts, followed_box
from hilum.stages.report.rates import rate_curves
from hilum.stats import learning

PAGE, CARD = "report.html", "model_card.md"
_N_FIGURES = 9
_RULES = (Path(learned.__file__), Path(learning.__file__))
"""What the cautions about training follow from, beside the report's own code."""


def write_report(run_dir: Path, beside_of: BesideOf = nothing) -> Path:
    """Write the report of a run that was evaluated.

    Args:
        run_dir: The run's folder.
        beside_of: What another source has to the run's cells.

    Returns:
        The path of ``report.html``.

    Raises:
        InputError: Something is missing or malformed.
        DigestError: The statistics are of other predictions, or the folder mixes two runs.
    """
    folder = RunFolder(run_dir)
    page_path = run_dir / PAGE
    evaluation = read_checked(folder)
    header = _header(folder, beside_of)
    if page_path.is_file() and header_path(page_path).is_file():
        found, provenance = read_csv_header(page_path, "report")
        if provenance == "hilum" and found.inputs == header.inputs and _intact(folder.path, found):
            return page_path
    rows = StudyRows.read(run_dir / STATISTICS)
    learned.write_learning(folder)
    warnings = cautions(folder)
    card = model_card(folder, rows, evaluation, warnings)
    beside = beside_of(folder, rows, evaluation.formulas)
    drawn, remarks, boxed = _pictures(folder, rows, evaluation, beside)
    tables = with_notes(
        {**study_tables(folder, rows, evaluation, beside), **({"box": box_table(boxed)} if boxed else {})},
        run_notes(folder),
    )
    forms = (
        card_table(card),
        *(make(folder, evaluation, len(warnings)) for make in (claim_table, tripod_table)),
    )
    tables |= {t.name: t for t in forms}
    write_text(run_dir / CARD, card_markdown(str(folder.record.title or folder.record.name), card))
    for table in tables.values():
        write_text(run_dir / "tables" / f"{table.name}.csv", table.to_csv())
        write_text(run_dir / "tables" / f"{table.name}.tex", table.to_latex())
    said = {"panel": remarks, "contrasts": contrast_tables.contrast_remarks(folder, rows)}
    page = render(compose(folder, evaluation, tables, drawn, said, warnings, beside))
    names = sorted(
        [CARD]
        + [f"tables/{t}.{e}" for t in tables for e in ("csv", "tex")]
        + [f"figures/{p}.{e}" for p in drawn for e in ("svg", "png")]
    )
    outputs = {name: sha256_file(run_dir / name) for name in names}
    own = Header("report", header.inputs, {"outputs": outputs})
    write_with_header(page_path, page, own)
    return page_path


def study_tables(
    folder: RunFolder, rows: StudyRows, evaluation: Evaluation, beside: Beside
) -> dict[str, Table]:
    """Every table of a study, by name; those without a row are left out."""
    formulas = evaluation.formulas
    path = folder.path / COMPARISONS
    compared = read_comparisons(path) if path.is_file() else []
    found: list[Table | None] = [
        result_tables.key_table(folder, rows, formulas, unit_note(evaluation)),
        *comparison_tables.comparison_tables(compared, folder.classes),
        comparison_tables.secondary_table(compared),
        result_tables.trial_table(folder, rows, formulas),
        result_tables.one_vs_rest_table(folder, rows, formulas),
        result_tables.operating_point_table(folder, rows, formulas),
        *contrast_tables.contrast_tables(folder, rows, formulas),
        contrast_tables.subgroup_table(folder, rows, formulas),
        *beside.tables,
        *confusion_tables.shown_tables(folder, evaluation.matrices, beside),
        confusion_tables.long_table(folder, evaluation.matrices),
        flow_tables.flow_table(folder),
        flow_tables.trial_flow_table(folder),
        data_tables.data_table(folder),
        data_tables.exclusion_table(folder),
        data_tables.seconds_table(folder),
        set_up_tables.pipeline_table(folder),
        set_up_tables.weights_table(folder),
    ]
    return {t.name: t for t in found if t is not None}


def _header(folder: RunFolder, beside_of: BesideOf) -> Header:
    """Digests of everything that the report is made from, and of the code that makes it."""
    root = folder.path
    small = [
        RECORD,
        MANIFEST,
        EXCLUDED,
        DUPLICATES,
        FLOW,
        STATISTICS,
        NAME,
        FACTS,
        COMPARISONS,
        BOX,
    ]
    inputs = {name: sha256_file(root / name) for name in small if (root / name).is_file()}
    cells: dict[str, Any] = {}
    for cell, trial in folder.units():
        for name in (HISTORY, SECONDS, TRAIN, FINDER, BUNDLE):
            path = folder.folder(cell, trial) / name
            cells[f"{cell.name}/{trial}/{name}"] = sha256_file(path) if path.is_file() else None
    inputs["cells"] = digest(cells)
    inputs["looks"] = digest(looks(folder))
    rooms = (Path(report_package.__file__).parent, Path(inspect.getfile(beside_of)).parent)
    kinds = {".py", ".html", ".css", ".js", ".toml"}
    sources = [p for room in rooms for p in sorted(room.rglob("*")) if p.suffix in kinds]
    inputs["code"] = digest([[p.name, sha256_file(p)] for p in [*sources, *_RULES, Path(__file__)]])
    return Header("report", inputs)


def _intact(root: Path, found: Header) -> bool:
    outputs = found.options.get("outputs", {})
    return all((root / name).is_file() and sha256_file(root / name) == sha for name, sha in outputs.items())


def _pictures(
    folder: RunFolder, rows: StudyRows, evaluation: Evaluation, beside: Beside
) -> tuple[dict[str, Picture], list[str], list[BoxedFilm]]:
    out = folder.path / "figures"
    found: list[Picture | None] = []
    rates = rate_curves(folder)
    with progress("report", _N_FIGURES, "figures") as step:
        makers: tuple[Callable[[], Picture | None], ...] = (
            lambda: flow_picture(folder, out),
            lambda: pictures.interval_picture(folder, rows, beside, out),
            lambda: (
                pictures.rate_picture(rates, beside, out)
                if len({float(x) for r in rates for x in r.rates}) > 1
                else None
            ),
            lambda: pictures.loss_picture(folder, beside, out),
            lambda: pictures.finder_picture(folder, out),
            lambda: pictures.pr_picture(folder, rows, evaluation, beside, out),
            lambda: pictures.confusion_picture(folder, evaluation, beside, out),
        )
        for make in makers:
            found.append(make())
            step()
        films, remarks = _films(folder)
        boxed: list[BoxedFilm] = []
        pipelines = _on_purpose(folder)
        if films and pipelines:
            seed = folder.record.seed or 0
            cells = panel_rows(films, list(pipelines.values()), seed)
            found.append(pictures.panel_picture(list(pipelines), cells, beside, out))
            if _bends_or_zooms(pipelines):
                shown = dict(films).get(folder.positive, films[0][1])
                found.append(pictures.counterpart_picture(counterparts(shown, pipelines, seed), beside, out))
        step()
        if pipelines:
            boxed, source = followed_box(folder, pipelines)
            found.append(pictures.box_picture(boxed, source, beside, out))
        step()
    return {p.name: p for p in found if p is not None}, remarks, boxed


def _on_purpose(folder: RunFolder) -> dict[str, Pipeline]:
    """The study's pipelines, every step acting."""
    tables = folder.record.pipelines
    return {name: Pipeline.from_dict(on_purpose(table)) for name, table in tables.items()}


def _bends_or_zooms(pipelines: Mapping[str, Pipeline]) -> bool:
    ops = {step.op for p in pipelines.values() for step in p.steps}
    return bool(ops & {"random_distortion", "zoom_random"})


def _films(folder: RunFolder) -> tuple[list[tuple[str, Film]], list[str]]:
    """A training film of each class; a sentence for each class whose film cannot be read."""
    if not folder.record.pipelines:
        return [], ["The run does not record its pipelines, so no panel is shown."]
    films, remarks = [], []
    for film in _one_a_class(folder):
        try:
            films.append((film.label, film_as_ingested(film.image_id, film.path, film.sha256).pixels))
        except (FilmError, OSError) as e:
            remarks.append(
                f"The panel lacks {film.label}: its film could not be read "
                f"({getattr(e, 'reason', 'no such file')})."
            )
    return films, remarks


def _one_a_class(folder: RunFolder) -> list[FilmRow]:
    """The first training film of each class in the order of a digest, so that it is any film and always the
    same."""
    by_id = folder.manifest.by_id
    chosen = []
    for label in folder.classes:
        films = [by_id[i] for i in folder.splits[1].parts["train"] if by_id[i].label == label]
        if films:
            chosen.append(min(films, key=lambda f: digest([folder.record.seed, f.image_id])))
    return chosen
