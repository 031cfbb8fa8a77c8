"""What a layout says about a source before any film is opened: the films to read, and what was left out.

Labels keep their case and have single spaces; `patient` is the source's own id without the source's name, empty where the source gives
none. A layout never invents one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hilum.artifacts.manifest import Exclusion
from hilum.core.table_paths import absolute
from hilum.sources.masks import NO_FILM, masks_in, pair_masks
from hilum.sources.tree import Tree

NO_SUCH_FILE = "no such file"
NO_LABEL = "no label"
LEFT_OUT = "left out by --labels"
LISTED_TWICE = "listed twice"
OUTSIDE = "outside the layout"
DISAGREE = "folder and name disagree"
NOT_FRONTAL = "not frontal"
LONE_MASK = "mask without a film"
VIEW_NOT_ASKED = "view not asked for"
NO_ROW = "no row in metadata"
ROWS_DISAGREE = "rows disagree"
NOT_IN_STUDY = "finding not in the study"
FINDINGS_DISAGREE = "findings disagree"
UNCERTAIN_FINDING = "finding uncertain"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A film that will be read.

    Attributes:
        path: Where its bytes are.
        relative: Its place in the layout, parts joined by "/"; it becomes part of the image_id.
        source: Name of the source.
        label: Class, or empty while unknown.
        patient: The source's own id, or empty.
        source_part: Such as ``train``.
        view: Such as ``PA``.
        age_group: ``adult``, ``child`` or empty.
        sex: ``F``, ``M`` or empty.
        lung_mask: Path of a mask, or empty.
        attributes: Other columns of the source's table -> text.
        assumed: Which of the above the layout took from the film's name or states of the whole set; the film's own header goes before
            them (`facts.completed`).
    """

    path: Path
    relative: str
    source: str
    label: str = ""
    patient: str = ""
    source_part: str = ""
    view: str = ""
    age_group: str = ""
    sex: str = ""
    lung_mask: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)
    assumed: frozenset[str] = frozenset()


@dataclass
class Listing:
    """The films of a source.

    Attributes:
        source: Its name.
        layout: Name of the layout it was read as.
        folder: The folder it was read from.
        candidates: Films to read.
        exclusions: Rows and files left out, each with its reason.
        broken: Those exclusions that ``--strict`` counts: the source promises a film and there is none.
        options: What made a difference, for the manifest's header.
        tables: Files that were read as tables, by their name in the source.
        no_class: Candidates that a known set gives no class, each with reason and sentence; ``--labels`` may give one.
    """

    source: str
    layout: str
    folder: Path = Path()
    candidates: list[Candidate] = field(default_factory=list)
    exclusions: list[Exclusion] = field(default_factory=list)
    broken: list[Exclusion] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Path] = field(default_factory=dict)
    no_class: dict[Path, tuple[str, str]] = field(default_factory=dict)

    def leave_out(
        self, path: str, reason: str, detail: str, *, broken: bool = False, source: str = ""
    ) -> None:
        """Note a film or a row that is left out; a table's film may be of a source of its own."""
        row = Exclusion(path, source or self.source, reason, detail)
        self.exclusions.append(row)
        if broken:
            self.broken.append(row)

    def enter(self, tree: Tree, film: str, told: Mapping[str, Any] | tuple[str, str]) -> None:
        """Note a film of a tree: what is said of it, by attributes of `Candidate`; or reason and sentence why it is left out."""
        if isinstance(told, tuple):
            self.leave_out(tree.shown(film), *told)
        else:
            self.candidates.append(Candidate(tree.path(film), film, self.source, **told))

    def sift(self, why_not: Mapping[Path, tuple[str, str]]) -> None:
        """Leave out films that were to be read: path -> reason and sentence."""
        for c in self.candidates:
            if c.path in why_not:
                self.leave_out(self.shown(c), *why_not[c.path])
        self.candidates[:] = [c for c in self.candidates if c.path not in why_not]

    def shown(self, candidate: Candidate) -> str:
        """A film as the table of exclusions calls it: relative to the source's folder where it lies there."""
        folder, path = absolute(self.folder), absolute(candidate.path)
        return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)

    def masks_of(self, tree: Tree) -> dict[str, str]:
        """Each film of a tree -> the path of its lung mask, or empty; masks that have no film are left out."""
        films, masks, lone_masks = pair_masks(tree.films)
        for mask in lone_masks:
            self.leave_out(tree.shown(mask), LONE_MASK, NO_FILM)
        return {f: str(tree.path(masks[f])) if f in masks else "" for f in films}

    def take_masks(self, folder: Path) -> None:
        """Give the films their lung masks from a folder of masks; masks that have no film are left out.

        Raises:
            InputError: As `masks_in`.
        """
        masks, lone = masks_in(folder, [c.path for c in self.candidates])
        for mask in lone:
            self.leave_out(str(mask), LONE_MASK, NO_FILM)
        given = {c.path: str(masks[c.path]) if c.path in masks else c.lung_mask for c in self.candidates}
        self.candidates[:] = [replace(c, lung_mask=given[c.path]) for c in self.candidates]
        self.options["lung_masks"] = sum(map(bool, given.values()))


def class_name(text: str) -> str:
    """A class as its source spells it, with single spaces and composed letters, for macOS writes an accent as a letter of its own
    (`spelling` sees to it that there is one spelling for all sources).

    >>> class_name("  Viral  Pneumonia ")
    'Viral Pneumonia'
    """
    return unicodedata.normalize("NFC", " ".join(text.split()))
