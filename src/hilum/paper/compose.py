"""The chapters of the whole paper's page: which table and figure stands where, and the sentences between them.

Convention: the claims first, then what a reader must know, then the overall comparison, the experiments by number, the studies as run, and
what it all took. The wording claims nothing that an adjusted comparison does not say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

from hilum.core.digests import SHORT
from hilum.paper.claims import Finding
from hilum.paper.member import Member, Paper
from hilum.paper.verdicts import ClaimVerdict
from hilum.report import numbers
from hilum.report.caution import Caution
from hilum.report.cautions import cautions
from hilum.report.numbers import listed
from hilum.report.page import Page, Picture, Section
from hilum.report.run_notes import unsafe_notes
from hilum.report.table import Table

_TITLES = {
    1: "Experiment 1: rotation",
    2: "Experiment 2: four pipelines",
    3: "Experiment 3: one cycle",
    4: "Experiment 4: reduced on plateau",
    5: "Experiment 5: CNN from scratch",
}
_VERDICTS = (
    "A verdict is by the study’s paired tests where a family of its comparisons covers the claim, adjusted over all metrics and backbones "
    "that the claim reads; “rule of thumb” says where not: then two cells differ only if their 95 % intervals do not meet, without "
    "adjustment. A claim holds only if every comparison that it asks for goes its way; “holds in part” says in how many. Cells with random "
    "weights or of one trial decide nothing, and what is not comparable (other films, another kind of training, another machine for "
    "seconds) is not tested. A claim of several parts holds only if all hold."
)


def compose(
    paper: Paper,
    findings: Sequence[Finding],
    tables: Mapping[str, Table],
    pictures: Mapping[str, Picture],
    of_member: Mapping[str, Sequence[str]],
) -> Page:
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
        chapters.append(Section("overall", "Overall comparison", (text,), overall))
    for number in range(1, 6):
        member = paper.experiment(number)
        if member is not None:
            chapters.append(_chapter(member, _TITLES[number], tables, pictures, of_member[member.name]))
        elif number == 5:
            text = "Experiment 5 was not run in this suite; its network is drawn for the paper’s films."
            chapters.append(Section("experiment-5", _TITLES[5], (text,), [pictures["figure-14"]]))
    for member in (*paper.as_run, *paper.others):
        chapters.append(_chapter(member, member.title, tables, pictures, of_member[member.name]))
    last = [tables[n] for n in ("flow", "studies") if n in tables]
    chapters.append(Section("studies", "Films, seconds and looks", (), last))
    return Page(
        "suite",
        paper.suite.title or paper.suite.name,
        sentence(paper),
        chapters,
        _cautions(paper),
        Section("claims", "Claims", (_tally(findings), _VERDICTS), [tables["claims"]]),
        command=paper.suite.command,
        facts=_facts(paper),
        synthetic=any(m.folder.record.synthetic for m in paper.members),
    )


def _tally(findings: Sequence[Finding]) -> str:
    n = Counter(f.verdict for f in findings)
    words = ", ".join(
        f"{n[v]} {v.replace('holds', 'hold').replace('fails', 'fail')}" for v in get_args(ClaimVerdict)
    )
    return f"Of {len(findings)}: {words}."


def sentence(paper: Paper) -> str:
    """What was run, in a sentence or two."""
    there = [m.experiment for m in paper.as_described]
    missing = [str(n) for n in range(1, 6) if n not in there]
    films = sorted({len(m.folder.manifest) for m in paper.members})
    span = numbers.count(films[0]) + (f" to {numbers.count(films[-1])}" if len(films) > 1 else "")
    n_cells = sum(len(m.folder.cells) for m in paper.members)
    n_trials = sum(len(m.folder.cells) * m.folder.n_trials for m in paper.members)
    text = (
        f"{'Experiment' if len(there) == 1 else 'Experiments'} {listed([str(n) for n in there]) or 'none'} of the paper as described"
        + (
            f", {listed(sorted({str(m.experiment) for m in paper.as_run}))} also as the published scripts run"
            if paper.as_run
            else ""
        )
        + f": {numbers.count(n_cells)} cells and {numbers.count(n_trials)} trained models on {span} films."
    )
    return text + (
        f" Not in this suite: {'Experiment' if len(missing) == 1 else 'Experiments'} {listed(missing)}."
        if missing
        else ""
    )


def _chapter(
    member: Member,
    title: str,
    tables: Mapping[str, Table],
    pictures: Mapping[str, Picture],
    names: Sequence[str],
) -> Section:
    said = []
    if member.subset:
        said.append(f"This study was run on a {member.subset}.")
    stand_ins = sorted({c.backbone for c in member.folder.cells if member.stands_in(c)})
    if stand_ins:
        said.append(
            f"{listed(stand_ins)} {'stands' if len(stand_ins) == 1 else 'stand'} in the place of the paper’s ResNet50: the paper’s number "
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
    return Section(member.name, title, said, items, closed, unsafe=unsafe_notes(member.folder))


def _cautions(paper: Paper) -> list[Caution]:
    """Every caution of every study, equal ones once, with the studies that they are of."""
    found: dict[Caution, list[str]] = {}
    for member in (*paper.as_described, *paper.as_run, *paper.others):
        for caution in cautions(member.folder):
            found.setdefault(caution, []).append(member.title.replace("Experiment", "Exp."))
    n = len(paper.members)
    return [
        replace(caution, of="all studies" if len(titles) == n > 1 else ", ".join(titles))
        for caution, titles in found.items()
    ]


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
