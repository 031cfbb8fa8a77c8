"""What a person asked to be run: a study or a suite, by its file or by the name of one that ships, and the films of each of its studies."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from hilum.core.errors import InputError, nearest
from hilum.study.file import Study, read_study
from hilum.study.suite import Suite, is_suite, read_suite
from hilum.workflow.families import without_lost_families
from hilum.workflow.suite import Planned


def study_path(name: str) -> Path:
    """A study file by path, or by the name of one that ships.

    Raises:
        InputError: Neither.
    """
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        return path
    shipped = {
        f"{folder}{p.name.removesuffix('.toml')}": p
        for folder in ("", "as-run/")
        for p in files("hilum.studies").joinpath(folder).iterdir()
        if p.name.endswith(".toml")
    }
    if name not in shipped:
        raise InputError(
            f"no study {name!r}; give a .toml file or the name of one that ships; {nearest(name, shipped)}"
        )
    return Path(str(shipped[name]))


def asked(
    name: str, manifest: Path | None, workspace: Path, overrides: Sequence[str]
) -> tuple[Suite | None, list[Planned]]:
    """The suite, if it is one, and its members; a study by itself is the only one.

    Args:
        name: A file, or the name of one that ships.
        manifest: The films; None for those that each study names.
        workspace: Where the demo's films are drawn.
        overrides: Each KEY=VALUE; of a suite MEMBER:KEY=VALUE.

    Raises:
        InputError: No such study, something wrong in it, or no films for it.
    """
    path = study_path(name)
    if not is_suite(path):
        study = checked_study(path, overrides)
        return None, [Planned("", study, manifest_of(study, manifest, path, workspace))]
    suite, members = read_suite(path, overrides), []
    for member in suite.member:
        beside = path.parent / member.study
        study = checked_study(beside if beside.is_file() else study_path(member.study), member.set)
        members.append(Planned(member.label, study, manifest_of(study, manifest, path, workspace)))
    return suite, members


def checked_study(path: Path, overrides: Sequence[str]) -> Study:
    """A study file with its overrides; families of comparisons that these leave without a counterpart are dropped, and said."""
    study, notes = without_lost_families(read_study(path, overrides), path, overrides)
    for note in notes:
        print(f"note: {note}", file=sys.stderr, flush=True)
    return study


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
        from hilum.workflow.demo import make_demo_manifest

        return make_demo_manifest(workspace)
    raise InputError(f"{path.name} names no manifest; give one with --manifest, or set data.manifest")
