"""The report of the whole paper: the runs of a suite -> ``report.html``, each table as csv and LaTeX, each figure as SVG and PNG.

Convention: ``paper.json`` names the members, which lie beside its folder. Every member must be there and evaluated, its statistics of its
own predictions, else the report is refused. Everything is written into the suite's folder; equal runs give equal bytes. What the report may
not compute, this stage does: figures on the validation part, and rates by the policies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from hilum.artifacts.comparisons import read_comparisons
from hilum.artifacts.drawn_films import DrawnFilms, drawn_path
from hilum.artifacts.evaluation import read_checked
from hilum.artifacts.header import Header, write_with_header
from hilum.artifacts.looks import looks
from hilum.artifacts.run import is_run
from hilum.artifacts.run_files import COMPARISONS, STATISTICS
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.study_rows import StudyRows
from hilum.artifacts.suite_record import NAME, MemberRun, SuiteRecord, is_suite_folder
from hilum.artifacts.trial_files import TrainFacts
from hilum.core.digests import sha256_file
from hilum.core.errors import InputError
from hilum.core.files import write_text
from hilum.core.progress import progress
from hilum.paper import pictures
from hilum.paper.claims import findings
from hilum.paper.compose import compose
from hilum.paper.count_tables import count_table
from hilum.paper.experiment_tables import experiment_tables
from hilum.paper.member import Member, Paper
from hilum.paper.page import render
from hilum.paper.tables import family_tables, paper_tables
from hilum.report.page import Picture
from hilum.stats.curves import point_figures
from hilum.stats.multiplicity import holm
from hilum.study.metrics import shown_in
from hilum.study.policies import Policy
from hilum.study.policies.simulate import simulate
from hilum.study.tables import TrainingTable

PAGE = "report.html"
_VALID = "valid"
_POLICY: TypeAdapter[Policy] = TypeAdapter(Policy)


def write_paper_report(folder: Path) -> Path:
    """Write the report of a suite whose studies were run and evaluated.

    Args:
        folder: The suite's folder, which holds ``paper.json``; its members lie beside it.

    Returns:
        The path of ``report.html``.

    Raises:
        InputError: A member does not exist or was not evaluated, or something is malformed.
        DigestError: A member's statistics are of other predictions.
    """
    paper = open_paper(folder)
    found = findings(paper)
    tables = paper_tables(paper, found)
    for table in tables.values():
        write_text(folder / "tables" / f"{table.name}.csv", table.to_csv())
        write_text(folder / "tables" / f"{table.name}.tex", table.to_latex())
    drawn, of_member = _pictures(paper, folder / "figures")
    for m in paper.members:
        of_member[m.name] = _order(m, paper, of_member[m.name], list(tables))
    page = render(compose(paper, found, tables, drawn, of_member))
    path = folder / PAGE
    inputs = {NAME: sha256_file(folder / NAME)}
    inputs |= {m.name: sha256_file(m.folder.path / STATISTICS) for m in paper.members}
    options = {"tables": list(tables), "figures": list(drawn)}
    write_with_header(path, page, Header("paper-report", inputs, options))
    return path


def open_paper(folder: Path) -> Paper:
    """The suite with every member read and checked."""
    where = folder / NAME
    if not is_suite_folder(folder):
        raise InputError(
            f"{folder}: expected the folder of a suite, with {NAME}; make one with `hilum run` of a suite"
        )
    suite = SuiteRecord.read(folder)
    return Paper(suite, tuple(_member(e, folder.parent, where) for e in suite.members), holm)


def _member(entry: MemberRun, runs: Path, where: Path) -> Member:
    path = runs / entry.run
    if not is_run(path):
        raise InputError(
            f"{where}: member {entry.study!r} is run {entry.run!r}, but {path} is no run's folder; run that study in this "
            "workspace, or take it out of the suite"
        )
    if not (path / STATISTICS).is_file():
        raise InputError(
            f"{where}: member {entry.study!r} was not evaluated: {path} has no statistics.json; run the study to its end"
        )
    folder = RunFolder(path)
    comparisons, seen = path / COMPARISONS, looks(folder)
    return Member(
        entry.study,
        folder,
        StudyRows.read(path / STATISTICS),
        read_checked(folder),
        tuple(read_comparisons(comparisons)) if comparisons.is_file() else (),
        entry.seconds,
        validation_figures(folder) if entry.study.startswith("experiment") else {},
        policy_rates(folder),
        drawn_films(folder),
        seen.most if seen else None,
    )


def validation_figures(folder: RunFolder) -> dict[str, dict[str, float]]:
    """Cell -> metric -> mean over trials on the validation part; a figure that is undefined in a trial is left out."""
    found: dict[str, dict[str, float]] = {}
    k = folder.classes.index(folder.positive)
    with progress("validation figures", len(folder.cells) * folder.n_trials, "trials") as step:
        for cell in folder.cells:
            trials: list[dict[str, float]] = []
            for trial in folder.trials:
                films = folder.predictions(cell, trial).of_part(_VALID)
                trials.append(point_figures(films.y_index(), films.probabilities, k))
                step()
            shared = [m for m in shown_in("headline") if all(m in t for t in trials)]
            found[cell.name] = {m: float(np.mean([t[m] for t in trials])) for m in shared}
    return found


def policy_rates(folder: RunFolder) -> dict[str, NDArray[np.float64]]:
    """Schedule -> rate of every step, for policies that do not look at the validation loss; those without a record are left out."""
    policies, training = folder.record.table("policy"), folder.record.table("training")
    epochs, rate = (
        int(training.get("epochs") or 0),
        training.get("learning_rate", TrainingTable().learning_rate),
    )
    found = {}
    for cell in folder.cells:
        if cell.schedule in found or cell.schedule not in policies:
            continue
        steps = TrainFacts.of_trial(folder.folder(cell, 1)).steps_per_epoch
        policy = _POLICY.validate_python(policies[cell.schedule])
        if steps and not policy.reads_losses:
            found[cell.schedule] = simulate(policy.filled(rate), epochs, int(steps))
    return found


def drawn_films(folder: RunFolder) -> dict[str, int]:
    """Class -> training films as drawn in trial 1; empty where the run does not record it."""
    path = drawn_path(folder.path, "", folder.cells[0].pipeline, 1)
    if not path.is_file():
        return {}
    by_id = folder.manifest.by_id
    return dict(Counter(by_id[f.image_id].label for f in DrawnFilms.read(path).parts["train"]))


def _pictures(paper: Paper, out: Path) -> tuple[dict[str, Picture], dict[str, list[str]]]:
    """Every figure by name, and the names of each member's."""
    found: dict[str, Picture] = {}
    of_member: dict[str, list[str]] = {}
    with progress("figures", len(paper.members), "studies") as step:
        for m in paper.members:
            made = _of_member(m, paper, out)
            found.update({p.name: p for p in made})
            of_member[m.name] = [p.name for p in made]
            step()
    if paper.experiment(5) is None:
        picture = pictures.architecture_picture(None, out)
        found[picture.name] = picture
    return found, of_member


def _of_member(m: Member, paper: Paper, out: Path) -> list[Picture]:
    makers: list[Callable[[], Picture | None]] = []
    described = m in paper.as_described
    first: dict[int, Callable[[], Picture | None]] = {
        3: lambda: pictures.rate_picture(m, out),
        4: lambda: pictures.plateau_picture(m, out),
        5: lambda: pictures.architecture_picture(m, out),
    }
    if described and m.experiment in first:
        makers.append(first[m.experiment])
    makers.append(lambda: pictures.loss_picture(m, described, out))
    if described and m.experiment in (2, 3):
        makers.append(lambda: pictures.pr_picture(m, paper, out))
    made = [p for make in makers if (p := make()) is not None]
    return [*made, *(pictures.copied_pictures(m, out) if described and m.experiment in (1, 2) else [])]


def _order(m: Member, paper: Paper, drawn: list[str], tables: list[str]) -> list[str]:
    """Names of a member's tables and pictures in the order of the page: counts, policies, results, matrices, curves, panels."""
    first = [n for n in drawn if n in ("figure-9", "figure-12", "figure-14")]
    if m.as_run or m not in paper.as_described:
        own = [n for n in tables if n.startswith(f"{m.name}-")]
    else:
        counts = count_table(m)
        own = [*([counts.name] if counts else []), *(t.name for t in experiment_tables(m))]
        own += ["table-6", "table-7"] if m.experiment == 2 else []
    rest = [n for n in drawn if n not in first]
    families = [] if m not in paper.as_described else [t.name for t in family_tables(m)]
    return [*first, *own, *rest, *families]
