"""The whole paper's page: the claims, what a reader must know, the chapters (`hilum.paper.chapters`), and how to make it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from hilum.core.digests import SHORT
from hilum.paper.claims import Finding, claims_table
from hilum.paper.studies import Paper
from hilum.paper.verdicts import ClaimVerdict
from hilum.report import numbers
from hilum.report.caution import Caution
from hilum.report.numbers import listed
from hilum.report.page import Page, Section

_VERDICTS = (
    "A verdict is by the study’s paired tests where a family of its comparisons covers the claim, adjusted over all metrics and backbones "
    "that the claim reads; “rule of thumb” says where not: then two cells differ only if their 95 % intervals do not meet, without "
    "adjustment. A claim holds only if every comparison that it asks for goes its way; “holds in part” says in how many. Cells with random "
    "weights or of one trial decide nothing, and what is not comparable (other films, another kind of training, another machine for "
    "seconds) is not tested. A claim of several parts holds only if all hold."
)


def suite_page(paper: Paper, findings: Sequence[Finding], sections: Sequence[Section]) -> Page:
    """The page: the claims above everything, then what a reader must know, then the chapters."""
    return Page(
        "suite",
        paper.suite.title or paper.suite.name,
        sentence(paper),
        sections,
        _cautions(paper),
        Section("claims", "Claims", (_tally(findings), _VERDICTS), [claims_table(findings)]),
        command=paper.suite.command,
        facts=_facts(paper),
        synthetic=any(m.folder.record.synthetic for m in paper.studies),
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
    as_run = listed([str(n) for n in sorted({m.experiment for m in paper.as_run})])
    films = sorted({len(m.folder.manifest) for m in paper.studies})
    span = " to ".join(numbers.count(n) for n in dict.fromkeys((films[0], films[-1])))
    n_cells = sum(len(m.folder.cells) for m in paper.studies)
    n_trials = sum(len(m.folder.cells) * m.folder.n_trials for m in paper.studies)
    missing = [n for n in range(1, 6) if n not in there]
    return (
        f"{_experiments(there)} of the paper as described{f', {as_run} also as the published scripts run' if as_run else ''}: "
        f"{numbers.count(n_cells)} cells and {numbers.count(n_trials)} trained models on {span} films."
        f"{f' Not in this suite: {_experiments(missing)}.' if missing else ''}"
    )


def _experiments(numbers: Sequence[int]) -> str:
    return f"Experiment{'s' * (len(numbers) != 1)} {listed([str(n) for n in numbers]) or 'none'}"


def _cautions(paper: Paper) -> list[Caution]:
    """Every caution of every study, equal ones once, with the studies that they are of."""
    found: dict[Caution, list[str]] = {}
    for study in paper.in_order:
        for caution in study.cautions:
            found.setdefault(caution, []).append(study.short)
    n = len(paper.studies)
    return [
        replace(caution, of="all studies" if len(titles) == n > 1 else ", ".join(titles))
        for caution, titles in found.items()
    ]


def _facts(paper: Paper) -> list[tuple[str, str]]:
    facts = []
    for m in paper.in_order:
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
        for m in paper.studies
    }
    versions = {", ".join(f"{k} {v}" for k, v in m.folder.record.versions.items()) for m in paper.studies}
    facts.append(("Machine", "; ".join(sorted(m for m in machines if m)) or "not recorded"))
    facts.append(("Versions", "; ".join(sorted(v for v in versions if v)) or "not recorded"))
    return facts
