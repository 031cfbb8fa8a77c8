"""The cautions of a run of several findings: those of the findings' own runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hilum.artifacts.finding_runs import finding_runs
from hilum.artifacts.run_folder import RunFolder
from hilum.report.caution import Caution, by_severity
from hilum.report.cautions import cautions


def findings_cautions(folder: RunFolder) -> list[Caution]:
    """The cautions of the findings' runs, the gravest first: once where all have the same, else with the finding's name."""
    each = [(f, c) for f, run in finding_runs(folder.path, folder.classes).items() for c in cautions(run)]
    times = Counter(c for _, c in each)
    found: dict[Caution, None] = {}
    for finding, c in each:
        found[c if times[c] == len(folder.classes) else replace(c, of=finding)] = None
    return by_severity(found)
