"""A suite whose members are systems on the same films (``[systems]``): what can be known before it runs, and its one table afterwards.

What only films can tell (filters that leave others) is refused when they are compared (`hilum.stages.systems`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hilum.artifacts.suite_record import SuiteRecord, runs_of
from hilum.core.errors import InputError, require_known
from hilum.report.systems_page import write_systems_page
from hilum.stages.systems import SAME_FILMS, compare_systems
from hilum.study.file import Study
from hilum.study.probes import NO_PROBE
from hilum.workflow.plan import recipes
from hilum.workflow.suite import Planned

PAGE = "report.html"


def check_systems(reference: str, members: Sequence[Planned]) -> None:
    """Refuse a suite whose table could not be made in the end.

    Raises:
        InputError: No member has the reference, or members draw their films or parts otherwise.
    """
    names = [
        f"{m.label}/{r.cell.name}" for m in members for r in recipes(m.study) if r.cell.probe == NO_PROBE
    ]
    require_known(reference, names, "systems.reference: there is no model", " (MEMBER/CELL)")
    first = members[0]
    expected = _draws(first.study, first.manifest)
    for member in members[1:]:
        for key, value in _draws(member.study, member.manifest).items():
            if value != expected[key]:
                raise InputError(
                    f"{member.label} has {key} {value!r}, {first.label} has {expected[key]!r}; {SAME_FILMS}"
                )


def _draws(study: Study, manifest: Path) -> dict[str, Any]:
    """What decides which films are in which part, but for filters."""
    data = study.data
    few = data.subset.films if data.subset else None
    by = "label" if not data.merge else data.strata
    return {
        "the manifest": str(manifest), "seed": study.seed, "data.subset films": few, "data.near_duplicates": data.near_duplicates,
        "parts by": by, "split": study.split.model_dump(), "grid.trials": study.grid.trials,
        '"split" in redraw_with_trial': "split" in study.redraw_with_trial,
    }  # fmt: skip


def write_systems_report(folder: Path, reference: str) -> Path:
    """Compare the models of a suite's members and write the page, ``report.html``.

    Args:
        folder: The suite's, whose members' runs lie beside it.
        reference: ``MEMBER/CELL``.

    Raises:
        InputError: As `compare_systems`.
        DigestError: As `compare_systems`.
    """
    record = SuiteRecord.read(folder)
    runs = {m.study: path for m, path in zip(record.members, runs_of(folder), strict=True)}
    compared = compare_systems(runs, reference, folder)
    write_systems_page(compared, folder / PAGE, record.title or record.name, record.command)
    return folder / PAGE
