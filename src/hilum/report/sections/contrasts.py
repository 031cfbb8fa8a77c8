"""Contrasts and subgroups: questions about some of the test films, beside the headline."""

from __future__ import annotations

from hilum.report.contrast_tables import contrast_remarks, contrast_tables, subgroup_table, why_contrasts
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section


def section(evaluated: Evaluated) -> Section | None:
    """A table a contrast and one of the subgroups; None where the study asks for neither."""
    folder, rows, formulas = evaluated.folder, evaluated.rows, evaluated.evaluation.formulas
    tables, subgroups = contrast_tables(folder, rows, formulas), subgroup_table(folder, rows, formulas)
    remarks = contrast_remarks(folder, rows)
    if not tables and not subgroups and not remarks:
        return None
    items = [*tables, *([subgroups] if subgroups else [])]
    return Section("clean", "Contrasts and subgroups", (*why_contrasts(folder), *remarks), items)
