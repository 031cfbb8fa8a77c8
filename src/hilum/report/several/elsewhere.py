"""What a page of several findings does not show, and where it is: on the page of each finding."""

from __future__ import annotations

from hilum.artifacts.finding_runs import FINDINGS
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.table import Column, Table, text_cell


def section(evaluated: Evaluated) -> Section:
    """A row a finding with the place of its page."""
    names = evaluated.folder.classes
    words = (
        "A film with several findings has no one class, so this page has no confusion matrix, no sets of classes and no accuracy over all "
        "classes. Each finding by itself is a run of two classes, with it and without: its page has the confusion matrices, calibration, "
        "sets, decision curves, thresholds, subgroups, model card and checklists, and its bundles answer by themselves."
    )
    rows = [[text_cell(f, strong=True), text_cell(f"{FINDINGS}/{f}/report.html")] for f in names]
    columns = [Column("Finding", numeric=False), Column("Page, in this run's folder", numeric=False)]
    table = Table("pages", "Pages of the findings", "The report of each finding.", columns, rows)
    return Section("each-finding", "Each finding by itself", (words,), [table], noted=False)
