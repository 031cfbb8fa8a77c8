"""Films: how they were chosen, the parts that they went to, and what was left out."""

from __future__ import annotations

from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.split import PARTS
from hilum.report import numbers
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.sections.films.characteristics import age_picture, characteristics_table
from hilum.report.sections.films.data_tables import data_table, exclusion_table
from hilum.report.sections.films.flow_figure import flow_picture
from hilum.report.sections.films.flow_tables import flow_table, trial_flow_table


def section(evaluated: Evaluated) -> Section:
    """The flow of films as a chart, their characteristics by part; the tables of both, and exclusions, folded away."""
    folder = evaluated.folder
    no_flow = "The run keeps no record of how its films were chosen, nor of what was left out."
    items = [flow_picture(evaluated), characteristics_table(evaluated), age_picture(evaluated)]
    tables = [flow_table(folder), trial_flow_table(folder), data_table(folder), exclusion_table(folder)]
    said = ("" if folder.flow else no_flow, copies(folder))
    return Section(
        "films", "Films", said, [i for i in items if i], [t for t in tables if t], brief=_brief(folder)
    )


def _brief(folder: RunFolder) -> str:
    """How many films there are in each part, and how many were left out."""
    parts = folder.splits[1].parts
    n_films = folder.flow.films if folder.flow else len(folder.manifest)
    found = f"{numbers.counted(n_films, 'film')}: {', '.join(f'{p} {numbers.count(len(parts[p]))}' for p in PARTS)}"
    if folder.flow is None:
        return f"{found}."
    n = sum(sum(step.left_out.values()) for step in folder.flow.steps)
    return f"{found}; {numbers.count(n)} left out before."


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
