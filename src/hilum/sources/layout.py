"""What a known layout of films is: one entry in `hilum.sources.layouts`, with the module that tells and reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hilum.sources.listing import Listing
from hilum.sources.tree import Tree

MooneyPatients = Literal["number", "number-and-class"]  # what they mean is said in `mooney`


@dataclass(frozen=True)
class Asked:
    """What a person asked of a source.

    Attributes:
        views: Of ``--views``; None for each layout's own rule.
        mooney_patients: Whether a Mooney patient is a number, or a number within its class.
        settled: Whether the person named the layout.
    """

    views: Sequence[str] | None = None
    mooney_patients: MooneyPatients = "number"
    settled: bool = False


@dataclass(frozen=True)
class Layout:
    """A known layout.

    Attributes:
        name: As in ``--layout NAME=LAYOUT``.
        what: What it is, for the help of that option.
        matches: Whether the root of a tree has it.
        read: The films of a tree that has it; takes the source's name first.
        fits: Whether a tree can be read so where a person says that it has it; None for `matches`.
        public: Whether it is that of one public set, whose spelling of a class goes before others.
        patient_ids: Whether it gives patients, or a person may have to declare that there are none.
        endings: Of single files that can be a source by themselves.
        read_file: The films that such a file names; takes the source's name first.
    """

    name: str
    what: str
    matches: Callable[[Tree], bool]
    read: Callable[[str, Tree, Asked], Listing]
    fits: Callable[[Tree], bool] | None = None
    public: bool = False
    patient_ids: bool = True
    endings: frozenset[str] = frozenset()
    read_file: Callable[[str, Path], Listing] | None = None
