"""By class, trial and threshold: what stands behind the headline."""

from __future__ import annotations

from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.result_tables import one_vs_rest_table, operating_point_table, trial_table


def section(evaluated: Evaluated) -> Section:
    """The operating point; every class against the rest, and every trial, folded away."""
    found = evaluated.folder, evaluated.rows, evaluated.evaluation.formulas
    point, classes = operating_point_table(*found), one_vs_rest_table(*found)
    closed = [*([classes] if classes else []), trial_table(*found)]
    return Section("details", "By class, trial and threshold", (), [point] if point else [], closed)
