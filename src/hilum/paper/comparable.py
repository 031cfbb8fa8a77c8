"""What may be set against what: the same films, the same training mode, the same weights, and for seconds the same machine.

Convention: a question returns why two cells are not comparable, empty where they are. A claim that would compare what is not comparable is
"not tested here", with that reason.
"""

from __future__ import annotations

from hilum.artifacts.run import RunCell
from hilum.paper.studies import PaperStudy
from hilum.report.numbers import counted


def other_films(study: PaperStudy, of: PaperStudy) -> str:
    """Why two studies are not of the same films and tests; empty where they are."""
    a, b = study.folder, of.folder
    if a.path == b.path:
        return ""
    films, theirs = ({(f.image_id, f.pixels_sha256) for f in m.folder.manifest.films} for m in (study, of))
    if study.subset != of.subset or films != theirs:
        sizes = (f"{m.title} has {m.subset or counted(len(m.folder.manifest), 'film')}" for m in (study, of))
        return f"other films: {' and '.join(sizes)}"
    for trial in range(1, min(a.n_trials, b.n_trials) + 1):
        if set(a.splits[trial].parts["test"]) != set(b.splits[trial].parts["test"]):
            return f"{study.title} and {of.title} have other test films"
    return ""


def other_mode(cell: RunCell, reference: RunCell) -> str:
    """Why two cells were not trained alike (both frozen or both whole, both pretrained or neither); empty where they were."""

    def mode(c: RunCell) -> tuple[str, str]:
        return (
            "whole network" if c.finetuned else "frozen",
            "pretrained" if c.pretrained else "random weights",
        )

    if mode(cell) == mode(reference):
        return ""
    return " against ".join(f"{c.backbone} ({', '.join(mode(c))})" for c in (cell, reference))


def other_machine(study: PaperStudy, of: PaperStudy) -> str:
    """Why seconds of two studies are not comparable; empty where they are."""
    here, there = ((r.machine, r.device, r.precision) for r in (study.folder.record, of.folder.record))
    return "" if here == there else f"{study.title} and {of.title} were run on other machines"


def as_the_paper_trained(cell: RunCell, whole: bool) -> str:
    """Why a cell's seconds are not those of the paper's kind of training; empty where they are.

    Args:
        cell: The cell.
        whole: Whether the paper's own network was trained as a whole.
    """
    if not cell.pretrained:
        return f"{cell.backbone} has random weights here"
    if cell.finetuned != whole:
        here, there = ("as a whole" if w else "on a frozen backbone" for w in (cell.finetuned, whole))
        return f"{cell.backbone} was trained {here} here, {there} in the paper"
    return ""
