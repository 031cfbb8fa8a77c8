"""The page of a run of several findings: `SECTIONS` are its own, with those of the general page that ask for no class.

What takes two classes (matrices, calibration, sets, decisions, sweeps, subgroups, characteristics, forms) is on the page of each finding,
which is the general page of that finding's run; the last section says so. Every figure of a finding here is the one that stands there.
"""

from __future__ import annotations

from collections.abc import Callable

from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.sections import audit, cost, curves, pipelines
from hilum.report.several import elsewhere, films, ranking, results

SECTIONS: tuple[Callable[[Evaluated], Section | None], ...] = (
    results.section,
    ranking.section,
    films.section,
    audit.section,
    curves.section,
    pipelines.section,
    cost.section,
    elsewhere.section,
)
"""From top to bottom."""
