"""Report: a run -> ``report.html``, each table as csv and LaTeX, each figure as SVG and PNG.

Convention: everything is written into the run's folder, and equal runs give equal bytes: no clock time is
written. The statistics must be of the run's own predictions, else the report is refused. A report that was
written from the same artefacts by the same code is left as it is; what was drawn for the panel follows from
the study's seed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hilum import report as report_package
from hilum.artifacts.header import Header, header_path, read_csv_header, require_digest, write_json
from hilum.artifacts.manifest import FilmRow
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import digest, sha256_bytes, sha256_file
from hilum.core.errors import DigestError, FilmError
from hilum.core.files import write_text
from hilum.core.progress import progress
from hilum.imaging.decode import decode_file
from hilum.report import confusion_tables, data_tables, published_tables, result_tables, set_up_tables
from hilum.report import study_figures as pictures
from hilum.report.evaluation import NAME, Evaluation
from hilum.report.page import Picture, render
from hilum.report.panel import PanelCell, on_purpose, panel_rows
from hilum.report.run_folder import RunFolder
from hilum.report.sections import compose, unit_note
from hilum.report.study_rows import StudyRows
from hilum.report.table import Table

PAGE = "report.html"
_N_FIGURES = 5


def write_report(run_dir: Path) -> Path:
    """Write the report of a run that was evaluated.

    Args:
        run_dir: The run's folder.

    Returns:
        The path of ``report.html``.

    Raises:
        InputError: Something is missing or malformed.
        DigestError: The statistics are of other predictions, or the folder mixes two runs.
    """
    folder = RunFolder(run_dir)
    page_path = run_dir / PAGE
    evaluation = _checked_evaluation(folder)
    header = _header(folder)
    if page_path.is_file() and header_path(page_path).is_file():
        found, provenance = read_csv_header(page_path, "report")
        if provenance == "hilum" and found.inputs == header.inputs and _intact(folder.path, found):
            return page_path
    rows = StudyRows.read(run_dir / "statistics.json")
    tables = study_tables(folder, rows, evaluation)
    for table in tables.values():
        write_text(run_dir / "tables" / f"{table.name}.csv", table.to_csv())
        write_text(run_dir / "tables" / f"{table.name}.tex", table.to_latex())
    drawn, remarks = _pictures(folder, rows, evaluation)
    said = {"panel": remarks, "contrasts": result_tables.contrast_remarks(folder, rows)}
    page = render(compose(folder, evaluation, tables, drawn, said))
    names = sorted(
        [f"tables/{t}.{e}" for t in tables for e in ("csv", "tex")]
        + [f"figures/{p}.{e}" for p in drawn for e in ("svg", "png")]
    )
    outputs = {name: sha256_file(run_dir / name) for name in names}
    own = Header("report", header.inputs, {"outputs": outputs})
    # the header first, the page last: a page that is there is whole
    write_json(header_path(page_path), {"header": own.to_dict(), "csv_sha256": sha256_bytes(page.encode())})
    write_text(page_path, page)
    return page_path


def study_tables(folder: RunFolder, rows: StudyRows, evaluation: Evaluation) -> dict[str, Table]:
    """Every table of a study, by name; those without a row are left out."""
    formulas = evaluation.formulas
    found: list[Table | None] = [
        result_tables.key_table(folder, rows, formulas, unit_note(evaluation)),
        result_tables.trial_table(folder, rows, formulas),
        result_tables.one_vs_rest_table(folder, rows, formulas),
        result_tables.operating_point_table(folder, rows, formulas),
        *result_tables.contrast_tables(folder, rows, formulas),
        published_tables.table_4(folder, rows, formulas),
        published_tables.table_5(folder, rows, formulas),
        *confusion_tables.shown_tables(folder, evaluation.matrices),
        confusion_tables.long_table(folder, evaluation.matrices),
        data_tables.data_table(folder),
        data_tables.exclusion_table(folder),
        data_tables.seconds_table(folder),
        set_up_tables.pipeline_table(folder),
        set_up_tables.weights_table(folder),
    ]
    return {t.name: t for t in found if t is not None}


def _checked_evaluation(folder: RunFolder) -> Evaluation:
    evaluation = Evaluation.read(folder.path / NAME)
    where = folder.path / NAME
    now = digest(folder.prediction_digests())
    require_digest("predictions", evaluation.header.inputs.get("predictions", ""), now, where)
    require_digest("study", evaluation.header.inputs.get("study", ""), str(folder.run["study_digest"]), where)
    splits = digest([folder.splits[t].digest for t in folder.trials])
    require_digest("splits", evaluation.header.inputs.get("splits", ""), splits, where)
    statistics = folder.path / "statistics.json"
    _, provenance = read_csv_header(statistics, "statistics") if statistics.is_file() else (None, "unknown")
    if provenance != "hilum":
        raise DigestError(
            f"{statistics}: it is missing, or was changed after it was written (provenance "
            f"{provenance!r}); run `hilum run` again"
        )
    return evaluation


def _header(folder: RunFolder) -> Header:
    """Digests of everything that the report is made from, and of the code that makes it."""
    root = folder.path
    small = [
        "run.json",
        "manifest.csv",
        "excluded.csv",
        "duplicates.json",
        "statistics.json",
        NAME,
        "run_facts.json",
    ]
    inputs = {name: sha256_file(root / name) for name in small if (root / name).is_file()}
    cells: dict[str, Any] = {}
    for cell, trial in folder.units():
        for name in ("history.jsonl", "seconds.json"):
            path = folder.folder(cell, trial) / name
            cells[f"{cell.name}/{trial}/{name}"] = sha256_file(path) if path.is_file() else None
    inputs["cells"] = digest(cells)
    code = Path(report_package.__file__).parent
    sources = sorted(p for p in code.rglob("*") if p.suffix in {".py", ".html", ".css", ".js"})
    inputs["code"] = digest([[p.name, sha256_file(p)] for p in [*sources, Path(__file__)]])
    return Header("report", inputs)


def _intact(root: Path, found: Header) -> bool:
    outputs = found.options.get("outputs", {})
    return all((root / name).is_file() and sha256_file(root / name) == sha for name, sha in outputs.items())


def _pictures(
    folder: RunFolder, rows: StudyRows, evaluation: Evaluation
) -> tuple[dict[str, Picture], list[str]]:
    out = folder.path / "figures"
    found: list[Picture | None] = []
    with progress("report", _N_FIGURES, "figures") as step:
        makers: tuple[Callable[[], Picture | None], ...] = (
            lambda: pictures.interval_picture(folder, rows, out),
            lambda: pictures.loss_picture(folder, out),
            lambda: pictures.pr_picture(folder, rows, evaluation, out),
            lambda: pictures.confusion_picture(folder, evaluation, out),
        )
        for make in makers:
            found.append(make())
            step()
        columns, cells, remarks = _panel(folder)
        if cells:
            found.append(pictures.panel_picture(columns, cells, out))
        step()
    return {p.name: p for p in found if p is not None}, remarks


def _panel(folder: RunFolder) -> tuple[list[str], list[tuple[str, list[PanelCell]]], list[str]]:
    """A training film of each class under each pipeline; a sentence for each class whose film cannot be
    read."""
    tables = folder.run.get("pipelines") or {}
    if not tables:
        return [], [], ["The run does not record its pipelines, so no panel is shown."]
    films, remarks = [], []
    for film in _one_a_class(folder):
        try:
            films.append((film.label, decode_file(Path(film.path)).pixels))
        except (FilmError, OSError) as e:
            remarks.append(
                f"The panel lacks {film.label}: its film could not be read "
                f"({getattr(e, 'reason', 'no such file')})."
            )
    if not films:
        return [], [], remarks
    pipelines = [Pipeline.from_dict(on_purpose(table)) for table in tables.values()]
    return list(tables), panel_rows(films, pipelines, int(folder.run.get("seed") or 0)), remarks


def _one_a_class(folder: RunFolder) -> list[FilmRow]:
    """The first training film of each class in the order of a digest, so that it is any film and always the
    same."""
    by_id = folder.manifest.by_id
    chosen = []
    for label in folder.classes:
        films = [by_id[i] for i in folder.splits[1].parts["train"] if by_id[i].label == label]
        if films:
            chosen.append(min(films, key=lambda f: digest([folder.run.get("seed"), f.image_id])))
    return chosen
