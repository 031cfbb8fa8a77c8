"""What a person asked to be run: a study or a suite, by its file or by the name of one that ships, and the films of each of its studies."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from hilum.artifacts.manifest import Manifest, require_manifest
from hilum.core.errors import HilumError, InputError
from hilum.studies import study_path
from hilum.study.file import Study, read_study
from hilum.study.suite import Suite, is_suite, read_suite
from hilum.workflow.concern import refused
from hilum.workflow.left_out import each_source_left_out
from hilum.workflow.plan import pairs_of
from hilum.workflow.planned_ensembles import planned_cells
from hilum.workflow.suite import Planned

_DEMO_FILMS, _DEMO_PX = 800, 256


def asked(
    name: str, manifest: Path | None, workspace: Path, overrides: Sequence[str], leave_out: bool = False
) -> tuple[Suite | None, list[Planned]]:
    """The suite, if it is one, and its members; a study by itself is the only one.

    Args:
        name: A file, or the name of one that ships.
        manifest: The films; None for those that each study names.
        workspace: Where the demo's films are drawn.
        overrides: Each KEY=VALUE; of a suite MEMBER:KEY=VALUE.
        leave_out: Whether each source is left out in turn (`hilum.workflow.left_out`).

    Raises:
        InputError: No such study, something wrong in it, or no films for it.
    """
    path = study_path(name)
    if not is_suite(path):
        study = checked_study(path, overrides)
        return None, [_planned("", study, manifest_of(study, manifest, path, workspace), leave_out)]
    suite, members = read_suite(path, overrides), []
    for member in suite.member:
        study = checked_study(study_path(member.study, path.parent), member.set)
        members.append(
            _planned(member.label, study, manifest_of(study, manifest, path, workspace), leave_out)
        )
    if suite.systems:
        from hilum.workflow.systems import (
            check_systems,
        )  # late: the report and statistics take a while to import

        check_systems(suite.systems.reference, members)
    return suite, members


def _planned(label: str, study: Study, manifest: Path, leave_out: bool) -> Planned:
    require_manifest(manifest)
    return Planned(
        label, each_source_left_out(study, Manifest.read(manifest)) if leave_out else study, manifest
    )


def checked_study(path: Path, overrides: Sequence[str]) -> Study:
    """A study file with its overrides, less the families of comparisons that these leave without a counterpart, each of which is said.

    A family that has none in the file as it is written stays, to be refused: that is a mistake in the file, not a smaller grid.
    """
    study = read_study(path, overrides)
    if not overrides or not study.compare:
        return study
    of_families = [o for o in overrides if o.lstrip().startswith("compare")]
    try:
        planned, whole = planned_cells(study), planned_cells(read_study(path, of_families))
    except HilumError:  # said by the checks
        return study
    kept = []
    for family in study.compare:
        lost = list(refused(partial(pairs_of, planned, family)))
        if lost and not list(refused(partial(pairs_of, whole, family))):
            note = f"{lost[0].text}: the family is left out, since --set narrowed the grid"
            print(f"note: {note}", file=sys.stderr, flush=True)
        else:
            kept.append(family)
    return study.model_copy(update={"compare": kept})


def manifest_of(study: Study, given: Path | None, path: Path, workspace: Path) -> Path:
    """The manifest: given, named by the study, or the demo's own films.

    Raises:
        InputError: None of these.
    """
    if given is not None:
        return given
    if study.data.manifest is not None:
        return path.parent / study.data.manifest
    if study.name == "demo":
        from hilum.workflow.phantoms import phantom_manifest  # late: ingest and numba

        return phantom_manifest(workspace, _DEMO_FILMS, _DEMO_PX)
    raise InputError(f"{path.name} names no manifest; give one with --manifest, or set data.manifest")
