"""Which cells are compared: the families of a study, and the cells of one run with those of another.

Convention: within a study a cell is compared with the one that differs from it in the family's factor only. Between runs the first is
the reference: a factor in which the two runs have levels in common must agree; one that has a single level in the reference, and none
in common, is what differs and is left out of the match. Cells with faults are compared with the reference's ``as-described``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hilum.artifacts.comparisons import Pair
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.core.errors import InputError, require_known
from hilum.study.factors import AS_DESCRIBED, FACTOR, FACTORS, level_words
from hilum.study.probes import NO_PROBE, SOURCE_RULE


def levels(cell: RunCell) -> dict[str, str]:
    """The cell's level of every factor; a default where its run did not record one."""
    return levels_of(cell.factors)


def levels_of(values: Mapping[str, object]) -> dict[str, str]:
    """Level of every factor as text, from what is known of a cell by factor; a default for what is not."""
    return {f.name: f.text(values.get(f.name, f.default)) for f in FACTORS}


def family_pairs(folder: RunFolder, family: Mapping[str, Any]) -> list[Pair]:
    """The comparisons of a family of the study (a ``[[compare]]`` table) among a run's cells; see `matched_pairs`."""
    return matched_pairs({c.name: levels(c) for c in folder.record.cells}, family)


def matched_pairs(of_cell: Mapping[str, Mapping[str, str]], family: Mapping[str, Any]) -> list[Pair]:
    """The comparisons of a family, from the cells' levels alone: known before anything runs. Probes are in those of their own factor only.

    Args:
        of_cell: Name of each cell -> its level of every factor (`levels_of`).
        family: With ``name``, ``factor`` and ``reference``.

    Raises:
        InputError: The factor has no such level, or only that one, or no cell has a counterpart.
    """
    factor, where = str(family["factor"]), f"compare {family['name']!r}"
    if factor != "probe":
        of_cell = {name: v for name, v in of_cell.items() if v["probe"] == NO_PROBE}
    reference = FACTOR[factor].text(family["reference"])
    there = list(dict.fromkeys(v[factor] for v in of_cell.values()))
    require_known(reference, there, f"{where}: no cell has {factor}", " (the reference)")
    if len(there) == 1:
        raise InputError(
            f"{where}: every cell has {factor} {reference!r}, so there is nothing to compare it with"
        )
    others = [f for f in FACTOR if f != factor and len({v[f] for v in of_cell.values()}) > 1]
    pairs = []
    for partner, w in of_cell.items():  # the cells of one reference stay together, in every family alike
        if w[factor] != reference:
            continue
        for name, v in of_cell.items():
            apart = {factor, "backbone"} if v["probe"] == SOURCE_RULE else {factor}
            if v[factor] == reference or any(v[f] != w[f] for f in FACTOR if f not in apart):
                continue
            context = ", ".join(level_words(f, w[f]) for f in others)
            label = f"{level_words(factor, v[factor])} against {level_words(factor, reference)}"
            pairs.append(Pair(name, partner, f"{context}: {label}" if context else label))
    if not pairs:
        raise InputError(f"{where}: no cell has a counterpart with {factor} {reference!r}")
    return pairs


def run_pairs(
    reference: RunFolder, others: Sequence[RunFolder], names: Sequence[str]
) -> tuple[list[Pair], list[str]]:
    """Comparisons of the cells of runs with those of the first; where the first has faults, of these with its own ``as-described`` too.

    Args:
        reference: The first run.
        others: The others.
        names: What to call the runs, the first's first; a cell is then ``run/cell``.

    Returns:
        The comparisons, and a sentence for each cell that has no counterpart.

    Raises:
        InputError: No cell has a counterpart; says in which factor the runs differ.
    """
    base = {c.name: levels(c) for c in reference.cells}
    faults = {v["faults"] for v in base.values()}
    if len(faults) > 1:
        base = {n: v for n, v in base.items() if v["faults"] == AS_DESCRIBED}
        if not base:
            raise InputError(
                f"{reference.path}: its cells have faults {sorted(faults)!r}; the reference needs {AS_DESCRIBED!r} among them"
            )
    pairs: list[Pair] = []
    lonely: list[str] = []
    for folder, run in zip((reference, *others), names, strict=True):
        itself = folder is reference
        cells = {c.name: levels(c) for c in folder.cells if not (itself and c.name in base)}
        if not cells:
            continue
        of_base, of_cells = ({f: {v[f] for v in of.values()} for f in FACTOR} for of in (base, cells))
        apart = [f for f in FACTOR if of_base[f].isdisjoint(of_cells[f])]
        shown = [f for f in FACTOR if len(of_base[f] | of_cells[f]) > 1]
        # what has to agree: all but faults, and those of which the reference has one level that the other run does not have
        match = [f for f in FACTOR if f != "faults" and not (len(of_base[f]) == 1 and f in apart)]
        found = 0
        for name, v in cells.items():
            partners = [n for n, w in base.items() if all(w[f] == v[f] for f in match)]
            if len(partners) != 1:
                how = "no counterpart" if not partners else f"{len(partners)} counterparts"
                lonely.append(f"{run}/{name} has {how} in {names[0]} and is left out")
                continue
            found += 1
            context = ", ".join(level_words(f, v[f]) for f in shown) or name
            against = AS_DESCRIBED if itself else names[0]
            of_run = "" if itself or len(others) == 1 else f" ({run})"
            label = f"{context}{of_run} against {against}"
            pairs.append(Pair(f"{run}/{name}", f"{names[0]}/{partners[0]}", label))
        if not found:
            raise InputError(
                f"no cell of {run} has one counterpart in {names[0]}: they have nothing in common in "
                f"{', '.join(apart) or 'any one combination'}; compare runs that share cells, or a reference with one level of "
                "what differs"
            )
    return pairs, lonely
