"""Report: a run -> ``report.html``, ``model_card.md``, each table as csv and LaTeX, each figure as SVG and PNG.

Convention: everything is written into the run's folder, and equal runs give equal bytes: no clock time is
written. The statistics must be of the run's own predictions, else the report is refused. A report that was
written from the same artefacts by the same code is left as it is. What the page shows is `hilum.report.sections`.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from hilum import report as report_package
from hilum.artifacts.decisions import DECISIONS
from hilum.artifacts.evaluation import EVALUATION
from hilum.artifacts.explanations import EXPLANATIONS, FOLDER
from hilum.artifacts.finding_runs import FINDINGS, finding_folder
from hilum.artifacts.flow import FLOW
from hilum.artifacts.header import Header, header_path, read_csv_header, write_with_header
from hilum.artifacts.history import HISTORY
from hilum.artifacts.looks import looks
from hilum.artifacts.outside import OUTSIDE
from hilum.artifacts.run import RECORD
from hilum.artifacts.run_files import (
    AUDIT,
    BOX,
    COMPARISONS,
    DUPLICATES,
    EXCLUDED,
    FACTS,
    MANIFEST,
    STATISTICS,
    SUBGROUPS,
)
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.trial_files import BUNDLE, FINDER, SECONDS, TRAIN
from hilum.core.digests import digest, sha256_file
from hilum.core.files import write_text
from hilum.core.progress import progress
from hilum.report import several as of_findings
from hilum.report.evaluated import BesideOf, Evaluated, nothing
from hilum.report.learned import write_learning
from hilum.report.page import Picture, Section, render
from hilum.report.run_notes import noted
from hilum.report.sections import SECTIONS
from hilum.report.sections.forms import card_markdown, model_card
from hilum.report.study_page import study_page
from hilum.report.table_files import write_tables
from hilum.stages.report.counterparts import counterparts
from hilum.stages.report.lungs import lungs_of
from hilum.stats import learning
from hilum.study.several_findings import MULTILABEL

PAGE, CARD = "report.html", "model_card.md"
_READ = (
    RECORD,
    MANIFEST,
    EXCLUDED,
    DUPLICATES,
    AUDIT,
    FLOW,
    STATISTICS,
    EVALUATION,
    FACTS,
    COMPARISONS,
    BOX,
    OUTSIDE,
    SUBGROUPS,
    DECISIONS,
)
"""Files of a run that its report is made from, beside those of its trials (`_READ_OF_TRIALS`)."""
_READ_OF_TRIALS = (HISTORY, SECONDS, TRAIN, FINDER, BUNDLE)


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
    evaluated = Evaluated(folder, beside_of, counterparts, lungs_of(folder)).checked()
    page_path = run_dir / PAGE
    header = _header(evaluated)
    if page_path.is_file() and header_path(page_path).is_file():
        found, provenance = read_csv_header(page_path, "report")
        if provenance == "hilum" and found.inputs == header.inputs and _intact(folder.path, found):
            return page_path
    write_learning(folder)
    sections = _sections(evaluated)
    several = folder.task == MULTILABEL
    if not several:  # a finding has a card of its own
        title = str(folder.record.title or folder.record.name)
        write_text(run_dir / CARD, card_markdown(title, model_card(evaluated)))
    page = study_page(evaluated, sections)
    write_tables(page.tables, run_dir)
    pictures = [i for s in sections for i in (*s.items, *s.closed) if isinstance(i, Picture)]
    names = [
        *([] if several else [CARD]),
        *(f"tables/{t.name}.{kind}" for t in page.tables for kind in ("csv", "tex")),
        *(f"figures/{p.name}.{kind}" for p in pictures for kind in ("svg", "png") if not p.file),
    ]
    outputs = {name: sha256_file(run_dir / name) for name in sorted(names)}
    own = Header("report", header.inputs, {"outputs": outputs})
    write_with_header(page_path, render(page), own)
    return page_path


def _sections(evaluated: Evaluated) -> list[Section]:
    """Every section that has something to show, the run's notes under its tables."""
    sections = of_findings.SECTIONS if evaluated.folder.task == MULTILABEL else SECTIONS
    found = []
    with progress("report", len(sections), "sections") as step:
        for make in sections:
            section = make(evaluated)
            found += [noted(section, evaluated.folder)] if section else []
            step()
    return found


def _header(evaluated: Evaluated) -> Header:
    """Digests of everything that the report is made from, and of the code that makes it."""
    folder, root = evaluated.folder, evaluated.folder.path
    inputs = {name: sha256_file(root / name) for name in _READ if (root / name).is_file()}
    cells: dict[str, Any] = {}
    for cell, trial in folder.units(probes=True):
        for name in _READ_OF_TRIALS:
            path = folder.folder(cell, trial) / name
            cells[f"{cell.name}/{trial}/{name}"] = sha256_file(path) if path.is_file() else None
    inputs["cells"] = digest(cells)
    inputs["looks"] = digest(looks(folder))
    if folder.task == MULTILABEL:  # cautions and curves are those of the findings' runs
        inputs[FINDINGS] = digest([sha256_file(finding_folder(root, f) / PAGE) for f in folder.classes])
    if explained := sorted(root.glob(f"{FOLDER}/*/{EXPLANATIONS}")):
        inputs[FOLDER] = digest([[p.parent.name, sha256_file(p)] for p in explained])
    rooms = (report_package.__file__, __file__, inspect.getfile(evaluated.beside_of))
    kinds = {".py", ".html", ".css", ".js", ".tex", ".toml"}
    sources = [p for room in rooms for p in sorted(Path(room).parent.rglob("*")) if p.suffix in kinds]
    inputs["code"] = digest([[p.name, sha256_file(p)] for p in [*sources, Path(learning.__file__)]])
    return Header("report", inputs)


def _intact(root: Path, found: Header) -> bool:
    outputs = found.options.get("outputs", {})
    return all((root / name).is_file() and sha256_file(root / name) == sha for name, sha in outputs.items())
