"""The ensembles of a study as cells, before anything is computed: who their members are. Nothing that computes is loaded.

A study's ``[[ensemble]]`` is a cell whose backbone is ``ensemble/NAME``; every other factor has the members' level, or ``several`` where
they differ. Members are tested on the same films, so that an ensemble is made once for each seed, share, source left out and choice of
faults.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hilum.core.errors import InputError, require_known
from hilum.study.ensembles import ENSEMBLE, SEVERAL, Ensemble
from hilum.study.factors import FACTORS, GridCell
from hilum.study.file import Study
from hilum.study.probes import NO_PROBE
from hilum.workflow.plan import PlannedCell, Recipe, cell_name, recipes


@dataclass(frozen=True)
class PlannedEnsemble:
    """An ensemble before anything is computed.

    Attributes:
        cell: Its cell.
        table: Of the study.
        members: Their recipes, in its order.
    """

    cell: PlannedCell
    table: Ensemble
    members: tuple[Recipe, ...]

    @property
    def first(self) -> Recipe:
        """The member whose preparation its gate looks at."""
        return self.members[0]

    @property
    def words(self) -> str:
        """What it is of, for a plan's line and a table."""
        from hilum.ensembles import KINDS  # late: scipy

        return f"{KINDS[self.table.kind].words}: {', '.join(m.cell.name for m in self.members)}"


def ensembles(study: Study, planned: Sequence[Recipe]) -> list[PlannedEnsemble]:
    """The ensembles of a study.

    Args:
        study: Of it.
        planned: Its cells' recipes.

    Raises:
        InputError: An unknown member, one that may not be used alone, or one member only; names the ensemble.
    """
    found = []
    for table in study.ensemble:
        alike: dict[object, list[Recipe]] = {}
        for member in _members(table, planned):
            alike.setdefault((member.drawing, member.cell.levels["faults"]), []).append(member)
        for members in alike.values():
            if len(members) < 2:
                raise InputError(
                    f"the ensemble {table.name!r} has one member, {members[0].cell.name}, and an ensemble combines two or more models that "
                    "are tested on the same films; name them with `of`, or leave `of` out for every model"
                )
            levels = {f.name: _level(f.name, members) for f in FACTORS} | {"backbone": ENSEMBLE + table.name}
            cell = PlannedCell(cell_name(study, levels), levels, members[0].cell.switches)
            found.append(PlannedEnsemble(cell, table, tuple(members)))
    return found


def _level(factor: str, members: Sequence[Recipe]) -> object:
    levels = list(dict.fromkeys(m.cell.levels[factor] for m in members))
    return levels[0] if len(levels) == 1 else SEVERAL


def _members(table: Ensemble, planned: Sequence[Recipe]) -> list[Recipe]:
    models = [r for r in planned if r.cell.probe == NO_PROBE]
    where = f"the ensemble {table.name!r}"
    if not table.of:
        safe = [r for r in models if not r.cell.unsafe]
        if not safe:
            raise InputError(
                f"{where} has no member: every cell of the study is unsafe, and such a model may not be used alone"
            )
        return safe
    known = [*(r.cell.name for r in models), *dict.fromkeys(r.cell.backbone for r in models)]
    found: dict[str, Recipe] = {}
    for name in table.of:
        require_known(name, known, f"{where}: unknown member")
        found.update({r.cell.name: r for r in models if name in (r.cell.name, r.cell.backbone)})
    for name, recipe in found.items():
        if recipe.cell.unsafe:
            why = f"is trained with {', '.join(recipe.cell.unsafe)} and may not be used alone"
            raise InputError(f"{where} names {name}, which {why}")
    return list(found.values())


def planned_cells(study: Study) -> list[GridCell]:
    """Every cell of a study, ensembles too.

    Raises:
        InputError: As `recipes` and `ensembles`.
    """
    planned = recipes(study)
    return [*(r.cell for r in planned), *(e.cell for e in ensembles(study, planned))]
