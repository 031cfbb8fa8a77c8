"""A film as a row, and many films as columns: what a manifest holds.

A study of a million films asks for the labels of all, or for one film by its id, seldom for all rows; so films lie in columns
(`hilum.core.columns`), and a `FilmRow` is made when it is asked for. Ids are kept as they are: whatever names a film shares them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from itertools import pairwise
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from hilum.core.columns import Building, Coded, Column, blocks, column_of

SHORT_SIDE = "short_side_px"
"""What a filter may ask for besides columns: the shorter side of a film as stored."""


@dataclass(frozen=True, slots=True)
class FilmRow:
    """A film of a manifest; an empty string stands for unknown.

    Attributes:
        image_id: Source/relative path without ending; unique.
        patient_id: ``source:id``; empty where the source has none.
        path: Where the bytes are; absolute once loaded.
        sha256: Digest of the file's bytes.
        pixels_sha256: Digest of the decoded film (`hilum.core.digests.pixels_sha256`).
        label: Class, lower case.
        source_part: The part of the source that it comes from, as ``train`` in the Mooney set.
        view: ``PA``, ``AP``, ``AP Supine`` ...
        age_group: ``adult`` or ``child``.
        sex: ``F`` or ``M``.
        width_px: Of the film as stored, as `height_px`.
        lung_mask: Path of a lung mask that came with the source.
        container: Format of the file: ``png``, ``jpeg``, ``bmp``, ``tiff`` or ``dicom``; empty in old manifests.
        stored_as: How the file holds its greys: ``L``, ``RGB``, ``I;16`` ..., or the photometric interpretation.
        attributes: Other columns of the source's table -> text, such as ``{"scanner": "A"}``; an empty text is none.
    """

    image_id: str
    patient_id: str
    path: str
    sha256: str
    pixels_sha256: str
    label: str
    source: str
    source_part: str = ""
    view: str = ""
    age_group: str = ""
    sex: str = ""
    width_px: int = 0
    height_px: int = 0
    lung_mask: str = ""
    container: str = ""
    stored_as: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)

    def value(self, column: str) -> str:
        """The text of a column, known or attribute, or of `SHORT_SIDE`; empty where the film has none."""
        if column == SHORT_SIDE:
            return _short_side(self.width_px, self.height_px)
        return str(getattr(self, column)) if column in COLUMNS else self.attributes.get(column, "")


def _short_side(width_px: int, height_px: int) -> str:
    return str(min(width_px, height_px) or "")


COLUMNS = tuple(f.name for f in fields(FilmRow) if f.name != "attributes")
DEFAULTS: Mapping[str, Any] = {
    f.name: f.default for f in fields(FilmRow) if f.name in COLUMNS and f.default is not MISSING
}
"""What a film has in a column that its table lacks."""
INTEGERS = frozenset({"width_px", "height_px"})


class Films(Sequence[FilmRow]):
    """Films by column.

    Args:
        ids: The column ``image_id``.
        known: Every other column of `COLUMNS`; one that is not given has the same value for all.
        attributes: Name -> its text for each film; those that no film has are left out.
    """

    def __init__(
        self, ids: Sequence[str], known: Mapping[str, Column[Any]], attributes: Mapping[str, Column[str]]
    ) -> None:
        self.ids = tuple(ids)
        alike = np.zeros(len(self.ids), np.uint8)
        self._known = {c: known[c] if c in known else Coded((DEFAULTS[c],), alike) for c in COLUMNS[1:]}
        self._attributes = {c: attributes[c] for c in sorted(attributes) if any(attributes[c])}

    @classmethod
    def of(cls, films: Iterable[FilmRow]) -> Self:
        """The columns of rows, in their order."""
        known = {c: Building[Any]() for c in COLUMNS[1:]}
        own: dict[str, Building[str]] = {}
        ids: list[str] = []
        for block in blocks(films):
            for c, building in known.items():
                building.extend([getattr(f, c) for f in block])
            for c in dict.fromkeys(c for f in block for c, v in f.attributes.items() if v):
                if c not in own:
                    own[c] = Building()
                    own[c].extend([""] * len(ids))
            for c, added in own.items():
                added.extend([f.attributes.get(c, "") for f in block])
            ids += [f.image_id for f in block]
        return cls(ids, {c: b.column() for c, b in known.items()}, {c: b.column() for c, b in own.items()})

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[FilmRow]:
        return map(FilmRow, self.ids, *self._known.values(), self.own())

    def own(self) -> Iterator[dict[str, str]]:
        """The attributes of every film that it has."""
        names = tuple(self._attributes)
        texts = zip(*self._attributes.values(), strict=True) if names else (() for _ in self.ids)
        return ({c: v for c, v in zip(names, values, strict=True) if v} for values in texts)

    @overload
    def __getitem__(self, k: int) -> FilmRow: ...
    @overload
    def __getitem__(self, k: slice) -> Sequence[FilmRow]: ...
    def __getitem__(self, k: int | slice) -> FilmRow | Sequence[FilmRow]:
        if isinstance(k, slice):
            return tuple(self[row] for row in range(len(self))[k])
        own = {c: v for c, texts in self._attributes.items() if (v := texts[k])}
        values: list[Any] = [self.ids[k], *(column[k] for column in self._known.values()), own]
        return FilmRow(*values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    @property
    def attributes(self) -> tuple[str, ...]:
        """Columns beyond the known ones of which some film has a value, sorted."""
        return tuple(self._attributes)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """image_id -> place among the films."""
        return {i: k for k, i in enumerate(self.ids)}

    def values(self, column: str) -> Sequence[Any]:
        """A column of `COLUMNS`, numbers as they are."""
        return self.ids if column == COLUMNS[0] else self._known[column]

    def texts(self, column: str) -> Sequence[str]:
        """`FilmRow.value` of every film."""
        if column == SHORT_SIDE:
            sides = zip(self._known["width_px"], self._known["height_px"], strict=True)
            return column_of(_short_side(*s) for s in sides)
        if column == COLUMNS[0]:
            return self.ids
        if column in self._known:
            return self._known[column].mapped(str) if column in INTEGERS else self._known[column]
        return self._attributes.get(column) or Coded(("",), np.zeros(len(self), np.uint8))

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> Films:
        """Some of the films, in the order named."""
        known, own = (
            {c: v.take(rows) for c, v in columns.items()} for columns in (self._known, self._attributes)
        )
        return Films([self.ids[k] for k in rows], known, own)

    def in_order(self) -> Films:
        """The same in the order of their ids."""
        if all(a <= b for a, b in pairwise(self.ids)):
            return self
        return self.take(sorted(range(len(self)), key=self.ids.__getitem__))


class FilmsById(Mapping[str, FilmRow]):
    """image_id -> row, made when it is asked for."""

    def __init__(self, films: Films) -> None:
        self._films = films

    def __getitem__(self, image_id: str) -> FilmRow:
        return self._films[self._films.row_of[image_id]]

    def __contains__(self, image_id: object) -> bool:
        return image_id in self._films.row_of

    def __iter__(self) -> Iterator[str]:
        return iter(self._films.ids)

    def __len__(self) -> int:
        return len(self._films)
