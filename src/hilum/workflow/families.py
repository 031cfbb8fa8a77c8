"""Families of comparisons before anything runs: which cells they would compare, and which a narrowed grid leaves nothing to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hilum.artifacts.comparisons import Pair
from hilum.core.errors import HilumError, InputError
from hilum.stats.families import levels_of, matched_pairs
from hilum.study.file import Study, read_study
from hilum.study.tables import FamilyTable
from hilum.workflow.plan import Recipe, recipes


def pairs_of(planned: Sequence[Recipe], family: FamilyTable) -> list[Pair]:
    """The comparisons of a family among planned cells.

    Raises:
        InputError: There are none; says why.
    """
    levels = {r.cell.name: levels_of(r.cell.levels) for r in planned}
    return matched_pairs(levels, family.model_dump())


def without_lost_families(study: Study, path: Path, overrides: Sequence[str]) -> tuple[Study, list[str]]:
    """A study less the families that its overrides left without a counterpart, and a sentence for each of them.

    A family that has none in the file as it is written stays, to be refused: that is a mistake in the file, not a smaller grid.

    Args:
        study: As read with the overrides.
        path: Its file.
        overrides: ``key=value``, as given.
    """
    if not overrides or not study.compare:
        return study, []
    of_families = [o for o in overrides if o.lstrip().startswith("compare")]
    try:
        planned, whole = recipes(study), recipes(read_study(path, of_families))
    except HilumError:
        return study, []
    kept, notes = [], []
    for family in study.compare:
        try:
            pairs_of(planned, family)
            kept.append(family)
        except InputError as e:
            try:
                pairs_of(whole, family)
            except InputError:
                kept.append(family)
            else:
                notes.append(f"{e}: the family is left out, since --set narrowed the grid")
    return study.model_copy(update={"compare": kept}), notes
