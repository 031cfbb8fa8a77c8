"""``paper.json``: a suite of studies that was run, in a folder beside those of its runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from hilum.artifacts.header import Header, read_artefact, write_json
from hilum.artifacts.json_parts import members
from hilum.core.errors import InputError

SUITE = "paper.json"


@dataclass(frozen=True)
class MemberRun:
    """A study of a suite, the name of its run's folder, and the seconds it took; None where it was found finished."""

    study: str
    run: str
    seconds: float | None = None


@dataclass(frozen=True)
class SuiteRecord:
    """``paper.json``: a suite's name and title, how to run it again, and its studies in order."""

    name: str
    title: str
    command: str
    members: tuple[MemberRun, ...]

    @property
    def header(self) -> Header:
        """The header, whose inputs are the runs of the suite's studies."""
        return Header("paper", inputs={m.study: m.run for m in self.members})

    def write(self, folder: Path) -> None:
        """Write the record into the suite's folder."""
        write_json(folder / SUITE, {"header": self.header, **members(self)})

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read and check the record of a suite's folder.

        Raises:
            InputError: No such file, a key that is missing, no member, or one twice.
        """
        path = folder / SUITE
        record = read_artefact(path, "paper", cls)
        studies = [m.study for m in record.members]
        if twice := [s for s in studies if studies.count(s) > 1]:
            raise InputError(f"{path}: member {twice[0]!r} is there twice; a suite has one run of each study")
        if not studies:
            raise InputError(f"{path}: expected at least one member, got none; run the suite again")
        return record


def is_suite_folder(folder: Path) -> bool:
    """Whether a folder is that of a suite."""
    return (folder / SUITE).is_file()


def runs_of(folder: Path) -> list[Path]:
    """The run's folder itself; of a suite's folder those of its members."""
    if not is_suite_folder(folder):
        return [folder]
    return [folder.parent / m.run for m in SuiteRecord.read(folder).members]
