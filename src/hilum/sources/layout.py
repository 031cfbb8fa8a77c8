"""What a known layout of films is: one entry in `hilum.sources.layouts`, with the module that tells and reads it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from hilum.sources.facts import views_asked
from hilum.sources.findings import Readers, Uncertain, finding_name
from hilum.sources.listing import Listing, class_name
from hilum.sources.tree import Tree

MooneyPatients = Literal["number", "number-and-class"]  # what they mean is said in `mooney`


@dataclass(frozen=True)
class IngestOptions:
    """What a person asked of an ingest.

    Attributes:
        no_patient_ids: Names of the sources that have no patient ids.
        labels: A csv with path (or image_id), label, patient_id for films of any source, or several: what a later one says goes first.
        layouts: Source name -> layout, where it should not be recognised.
        mooney_patients: ``number``: person5 under bacteria and under virus is one child; ``number-and-class``: two.
        views: Views to keep, as ``--views`` has them.
        lung_masks: Source name -> folder of its films' lung masks, where they do not lie among the films.
        strict: Whether nothing is written when any film cannot be read.
        findings: Source name -> finding -> class, for a public set whose own mapping is not wanted.
        uncertain: What an uncertain finding counts as; ``ignore``: as not known, and a film that it could give another class is left out.
        readers: What counts where a film has several readers; ``each``: the majority, and a column for each reader.
    """

    no_patient_ids: Collection[str] = ()
    labels: Path | Sequence[Path] = ()
    layouts: Mapping[str, str] = field(default_factory=dict)
    mooney_patients: MooneyPatients = "number"
    views: Sequence[str] = ()
    strict: bool = False
    lung_masks: Mapping[str, Path] = field(default_factory=dict)
    findings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    uncertain: Uncertain = "ignore"
    readers: Readers = "majority"

    @property
    def label_files(self) -> tuple[Path, ...]:
        """`labels`, each file."""
        return (self.labels,) if isinstance(self.labels, Path) else tuple(self.labels)

    def classes_of(self, source: str, by_itself: Mapping[str, str]) -> Mapping[str, str]:
        """Finding -> class of a source, where its set has `by_itself`."""
        given = self.findings.get(source)
        return by_itself if given is None else {finding_name(f): class_name(c) for f, c in given.items()}

    @cached_property
    def kept_views(self) -> tuple[str, ...] | None:
        """The views to keep; None where none were asked for: frontal ones and films whose view nobody tells.

        Raises:
            InputError: No such view.
        """
        return views_asked(self.views)


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
    read: Callable[[str, Tree, IngestOptions], Listing]
    fits: Callable[[Tree], bool] | None = None
    public: bool = False
    patient_ids: bool = True
    endings: frozenset[str] = frozenset()
    read_file: Callable[[str, Path], Listing] | None = None
