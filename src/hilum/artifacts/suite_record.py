"""``paper.json``: a suite of studies that was run, in a folder beside those of its runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from hilum.artifacts.header import Header, read_object, write_json
from hilum.core.errors import InputError

NAME = "paper.json"


@dataclass(frozen=True)
class MemberRun:
    """A study of a suite.

    Attributes:
        study: Its name.
        run: Name of the run's folder.
        seconds: That its study took; None where not measured (a run that was found finished).
    """

    study: str
    run: str
    seconds: float | None


@dataclass(frozen=True)
class SuiteRecord:
    """``paper.json``.

    Attributes:
        name: Of the suite.
        title: A sentence.
        command: How to run it again.
        members: In order.
    """

    name: str
    title: str
    command: str
    members: tuple[MemberRun, ...]

    @property
    def header(self) -> Header:
        """With the run of each study."""
        return Header("paper", inputs={m.study: m.run for m in self.members})

    def write(self, folder: Path) -> None:
        """Write it into the suite's folder."""
        write_json(folder / NAME, {"header": self.header.to_dict(), **asdict(self)})

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read and check that of a suite's folder.

        Raises:
            InputError: No such file, a key that is missing, no member, or one twice.
        """
        path = folder / NAME
        value = read_object(path)
        Header.from_dict(value.get("header"), "paper", path)
        for key in ("name", "title", "command", "members"):
            if key not in value:
                raise InputError(f"{path}: expected a key {key!r}, got {', '.join(value)}")
        members: list[MemberRun] = []
        for member in value["members"]:
            if "study" not in member or "run" not in member:
                raise InputError(f"{path}: a member needs `study` and `run`, got {member!r}")
            study, seconds = str(member["study"]), member.get("seconds")
            if study in [m.study for m in members]:
                raise InputError(
                    f"{path}: member {study!r} is there twice; a suite has one run of each study"
                )
            members.append(MemberRun(study, str(member["run"]), None if seconds is None else float(seconds)))
        if not members:
            raise InputError(f"{path}: expected at least one member, got none; run the suite again")
        return cls(str(value["name"]), str(value["title"]), str(value["command"]), tuple(members))


def is_suite_folder(folder: Path) -> bool:
    """Whether a folder is that of a suite."""
    return (folder / NAME).is_file()
