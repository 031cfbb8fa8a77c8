"""The chapters of the whole paper's page: which table and figure stands where, and the sentences between them.

Convention: the claims first, then what a reader must know, then the overall comparison, the experiments by number, the studies as run, and
what it all took. The wording claims nothing that an adjusted comparison does not say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hilum.core.digests import SHORT
from hilum.paper.claims import Finding
from hilum.paper.member import Member, Paper
from hilum.paper.page import Chapter, Gathered, PaperPage
from hilum.report import numbers
from hilum.report.caution import Caution
from hilum.report.cautions import cautions
from hilum.report.page import Picture, Section
from hilum.report.run_notes import unsafe_notes
from hilum.report.table import Table

_TITLES = {
    1: "Experiment 1: rotation",
    2: "Experiment 2: four pipelines",
    3: "Experiment 3: one cycle",
    4: "Experiment 4: reduced on plateau",
    5: "Experiment 5: CNN from scratch",
}


def compose(
    paper: Paper,
    findings: Sequence[Finding],
    tables: Mapping[str, Table],
    pictures: Mapping[str, Picture],
    of_member: Mapping[str, Sequence[str]],
) -> PaperPage:
    """The page from its parts.

    Args:
        paper: The studies.
        findings: The claims.
        tables: By name.
        pictures: By name.
        of_member: Member's name -> names of its tables and pictures, in order.
    """
    chapters = []
    overall = [tables[n] for n in ("table-11", "table-11-validation", "table-11-cost") if n in tables]
    if overall:
        text = (
            "The paper compares the best model of each experiment, chosen by its sensitivity on the test films. That choice is optimistic; "
            "the second table chooses on validation."
        )
        chapters.append(Chapter(Section("overall", "Overall comparison", (text,), overall)))
    for number in range(1, 6):
        member = paper.experiment(number)
        if member is not None:
            chapters.append(_chapter(member, _TITLES[number], tables, pictures, of_member[member.name]))
        elif number == 5:
            text = "Experiment 5 was not run in this suite; its network is drawn for the paper’s films."
            chapters.append(Chapter(Section("experiment-5", _TITLES[5], (text,), [pictures["figure-14"]])))
    for member in (*paper.as_run, *paper.others):
        chapters.append(_chapter(member, member.title, tables, pictures, of_member[member.name]))
    last = [tables[n] for n in ("flow", "studies") if n in tables]
    chapters.append(Chapter(Section("studies", "Films, seconds and looks", (), last)))
    return PaperPage(
        paper.suite.title or paper.suite.name,
        sentence(paper),
        any(m.folder.record.synthetic for m in paper.members),
        findings,
        _cautions(paper),
        chapters,
        paper.suite.command,
        _facts(paper),
    )


def sentence(paper: Paper) -> str:
    """What was run, in a sentence or two."""
    there = [m.experiment for m in paper.as_described]
    missing = [str(n) for n in range(1, 6) if n not in there]
    films = sorted({len(m.folder.manifest) for m in paper.members})
    span = numbers.count(films[0]) + (f" to {numbers.count(films[-1])}" if len(films) > 1 else "")
    n_cells = sum(len(m.folder.cells) for m in paper.members)
    n_trials = sum(len(m.folder.cells) * m.folder.n_trials for m in paper.members)
    text = (
        f"{'Experiment' if len(there) == 1 else 'Experiments'} {_and([str(n) for n in there]) or 'none'} of the paper as described"
        + (
            f", {_and(sorted({str(m.experiment) for m in paper.as_run}))} also as the published scripts run"
            if paper.as_run
            else ""
        )
        + f": {numbers.count(n_cells)} cells and {numbers.count(n_trials)} trained models on {span} films."
    )
    return text + (
        f" Not in this suite: {'Experiment' if len(missing) == 1 else 'Experiments'} {_and(missing)}."
        if missing
        else ""
    )


def _chapter(
    member: Member,
    title: str,
    tables: Mapping[str, Table],
    pictures: Mapping[str, Picture],
    names: Sequence[str],
) -> Chapter:
    said = []
    if member.subset:
        said.append(f"This study was run on a {member.subset}.")
    stand_ins = sorted({c.backbone for c in member.folder.cells if member.stands_in(c)})
    if stand_ins:
        said.append(
            f"{_and(stand_ins)} {'stands' if len(stand_ins) == 1 else 'stand'} in the place of the paper’s ResNet50: the paper’s number "
            "beside it is another network’s."
        )
    if member.as_run:
        said.append(
            "The same study twice: as the paper describes it, and with what its published scripts do. Each fault by itself is compared "
            "with the study as described, on the same films and in the same trials."
        )
    items: list[Table | Picture] = []
    closed: list[Table] = []
    for name in names:
        if name in pictures:
            items.append(pictures[name])
        elif name in tables:
            (closed if "-comparisons" in name else items).append(tables[name])
    return Chapter(Section(member.name, title, said, items, closed), unsafe_notes(member.folder))


def _cautions(paper: Paper) -> list[Gathered]:
    """Every caution of every study by its kind, equal ones once, with the studies that they are of."""
    found: dict[Caution, list[str]] = {}
    for member in (*paper.as_described, *paper.as_run, *paper.others):
        for caution in cautions(member.folder):
            found.setdefault(caution, []).append(member.title.replace("Experiment", "Exp."))
    n = len(paper.members)
    gathered: dict[str, list[tuple[str, Caution]]] = {}
    for caution, titles in found.items():
        studies = "all studies" if len(titles) == n > 1 else ", ".join(titles)
        gathered.setdefault(caution.title, []).append((studies, caution))
    return [Gathered(title, tuple(parts)) for title, parts in gathered.items()]


def _facts(paper: Paper) -> list[tuple[str, str]]:
    facts = []
    for m in (*paper.as_described, *paper.as_run, *paper.others):
        run = m.folder.record
        facts.append(
            (
                m.title,
                f"run {m.folder.path.name}, study {run.study_digest[:SHORT]}, manifest {run.manifest_digest[:SHORT]}, seed "
                f"{'not recorded' if run.seed is None else run.seed}, precision {run.precision or 'not recorded'}",
            )
        )
    machines = {
        ", ".join(str(v) for k in ("cpu", "accelerator", "platform") if (v := m.folder.record.machine.get(k)))
        for m in paper.members
    }
    versions = {", ".join(f"{k} {v}" for k, v in m.folder.record.versions.items()) for m in paper.members}
    facts.append(("Machine", "; ".join(sorted(m for m in machines if m)) or "not recorded"))
    facts.append(("Versions", "; ".join(sorted(v for v in versions if v)) or "not recorded"))
    return facts


def _and(words: Sequence[str]) -> str:
    return "".join(words) if len(words) < 2 else ", ".join(words[:-1]) + " and " + words[-1]
