"""Where on films something is known to be: a table of boxes that readers drew, or of masks, as those of synthetic signs.

Convention: a row names a film as a table of labels does (`hilum.artifacts.film_labels`), and has ``x``, ``y``, ``width`` and ``height``,
shares of the film's sides, or ``mask``, a picture of the film's shape (by its path, from the table's folder), in which everything above
half of its greatest value is marked. A film may have several rows; what they mark is joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.artifacts.film_labels import NAMES, NamedAmong
from hilum.core.errors import InputError
from hilum.core.tables import read_table

BOX = ("x", "y", "width", "height")
MASK = "mask"
_ROUNDED = 1.001

Mark = tuple[float, float, float, float] | Path
"""A box (left, top, width, height) as shares of the film's sides, or the path of a mask."""


@dataclass(frozen=True)
class FilmMarks:
    """A table of marks: of each row the names of a film, and its mark."""

    path: Path
    rows: tuple[tuple[tuple[str, ...], Mark], ...]

    def of(self, image_ids: Sequence[str]) -> dict[str, list[Mark]]:
        """The marks of films, of those that have some.

        Raises:
            InputError: No row names one of these films, or a name fits several.
        """
        known, found = NamedAmong(image_ids), dict[str, list[Mark]]()
        for names, mark in self.rows:
            film = known.find(names, self.path)
            if film is not None:
                found.setdefault(film, []).append(mark)
        if not found:
            first, some = self.rows[0][0][0], image_ids[0] if image_ids else "none"
            raise InputError(
                f"--boxes {self.path}: none of its {len(self.rows)} rows names a film; its first is {first!r}, that of the films {some!r}"
            )
        return found


def read_film_marks(path: Path) -> FilmMarks:
    """Read a table of boxes or masks.

    Raises:
        InputError: No such file, no rows, a column that is missing, or a box that is no numbers or not within
            the film.
    """
    if not path.exists():
        raise InputError(f"--boxes {path}: expected a csv of films and boxes, there is no such file")
    table = read_table(path, fold=True)
    names = [c for c in NAMES if c in table.columns]
    boxes, masks = all(c in table.columns for c in BOX), MASK in table.columns
    if not names or not (boxes or masks):
        raise InputError(
            f"--boxes {path}: expected columns image (or image_id, path) and x, y, width, height, or mask; got {', '.join(table.columns)}"
        )
    rows: list[tuple[tuple[str, ...], Mark]] = []
    for r in table.rows:
        film = tuple(n for c in names if (n := r.get(c)))
        if mask := r.get(MASK) if masks else "":
            rows.append((film, path.parent / mask))
            continue
        try:
            left, top, width, height = (float(r.get(c) or "") for c in BOX)
        except ValueError:
            raise InputError(
                f"--boxes {path}, line {r.line}: x, y, width and height are numbers, shares of the film's sides; got "
                f"{', '.join(str(r.get(c)) for c in BOX)}"
            ) from None
        # five digits may end a hair outside the film
        right, bottom = (min(v, 1.0) if v < _ROUNDED else v for v in (left + width, top + height))
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise InputError(
                f"--boxes {path}, line {r.line}: a box lies within the film, in shares of its sides (divide pixels by them); got "
                f"x {left:g}, y {top:g}, width {width:g}, height {height:g}"
            )
        rows.append((film, (left, top, right - left, bottom - top)))
    if not rows:
        raise InputError(f"--boxes {path}: it has no rows")
    return FilmMarks(path, tuple(rows))
