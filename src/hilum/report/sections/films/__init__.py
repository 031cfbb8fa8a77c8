"""Films: how they were chosen, the parts that they went to, and what was left out."""

from __future__ import annotations

from hilum.artifacts.run_folder import RunFolder
from hilum.report import numbers
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.sections.films.data_tables import data_table, exclusion_table
from hilum.report.sections.films.flow_figure import flow_picture
from hilum.report.sections.films.flow_tables import flow_table, trial_flow_table


def section(evaluated: Evaluated) -> Section:
    """The flow of films as a chart and in tables, the films by class and source, and exclusions."""
    folder = evaluated.folder
    no_flow = "The run keeps no record of how its films were chosen, nor of what was left out."
    items = [
        flow_picture(evaluated),
        flow_table(folder),
        trial_flow_table(folder),
        data_table(folder),
        exclusion_table(folder),
    ]
    said = ("" if folder.flow else no_flow, copies(folder))
    return Section("films", "Films", said, [i for i in items if i is not None])


def copies(folder: RunFolder) -> str:
    """A sentence on the copies that were found among the films; empty where the run has no record of it."""
    found = folder.copies
    if found is None:
        return ""
    kinds = {
        "exact-bytes": "equal in bytes",
        "exact-pixels": "equal in pixels",
        "near": "near copies confirmed on aligned pixels",
    }
    words = ", ".join(f"{numbers.count(n)} {kinds.get(k, k)}" for k, n in found.n_pairs.items())
    if not found.groups:
        return "No copies were found among the films."
    return (
        f"Pairs of copies found: {words}; in {numbers.counted(len(found.groups), 'group')}, the largest of "
        f"{numbers.count(found.largest_group)} films, and each group is in one part only."
    )
