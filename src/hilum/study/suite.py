"""A suite: several studies run one after another in one workspace, and one report of them all. TOML, checked.

A suite is told from a study by its list ``[[member]]``; what stands in `set` is for every member. What members share (films, features,
trials) is computed once, since it is found by digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, Field

from hilum.core.errors import InputError, nearest
from hilum.core.text import read_toml
from hilum.study.mistakes import tables_as
from hilum.study.tables import STRICT, StrictTable

EVERY_MEMBER: Final = "*"
"""In an override, every member of the suite."""


class SuiteMember(BaseModel):
    """One study of a suite: one that ships, or a path beside the suite's file; its name in the report, if not its own; and overrides,
    ``key=value`` as on the command line.
    """

    model_config = STRICT

    study: str
    name: Annotated[str, Field(pattern=r"^[a-z0-9._-]*$")] = ""
    set: list[str] = []

    @property
    def label(self) -> str:
        """What the report calls it."""
        return self.name or Path(self.study).name.removesuffix(".toml")


class SystemsTable(StrictTable):
    """``[systems]``: the members' models are systems on the same films, in one table and one family of tests; each is compared with the
    `reference`, ``MEMBER/CELL``.
    """

    reference: str


class Suite(StrictTable):
    """Studies in order; the name is that of the folder, the title one sentence for the report. The report is the paper's, or with `systems`
    that of one table.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    title: str = ""
    set: Annotated[list[str], Field(default_factory=list)]
    systems: SystemsTable | None = None
    member: Annotated[list[SuiteMember], Field(min_length=1)]


def is_suite(path: Path) -> bool:
    """Whether a TOML file has members; one that cannot be read is left to whoever reads it."""
    try:
        return "member" in read_toml(path)
    except InputError:
        return False


def read_suite(path: Path, overrides: Sequence[str] = ()) -> Suite:
    """Read a suite. An override is for one member, ``experiment-2:training.epochs=5``, or for every one, ``*:training.epochs=5``.

    Raises:
        InputError: Malformed, two members of one name, or an override for no member.
    """
    suite = tables_as(Suite, read_toml(path), path.name)
    labels = [m.label for m in suite.member]
    if len(set(labels)) != len(labels):
        raise InputError(
            f"{path.name}: two members are called {max(labels, key=labels.count)!r}; give one a name of its own"
        )
    added: dict[str, list[str]] = {label: [] for label in labels}
    for override in overrides:
        label, sign, assignment = override.partition(":")
        if sign and label == EVERY_MEMBER:
            for of_member in added.values():
                of_member.append(assignment)
            continue
        if not sign or label not in added:
            raise InputError(
                f"--set for a suite is MEMBER:KEY=VALUE, as {labels[0]}:training.epochs=5; got {override!r}; {nearest(label, labels)}"
            )
        added[label].append(assignment)
    members = [m.model_copy(update={"set": [*suite.set, *m.set, *added[m.label]]}) for m in suite.member]
    return suite.model_copy(update={"member": members})
