"""Labels of films from a table of their own: a manifest, or any csv that names films and says what they are.

Convention: a row names a film by its id or its path. Films are matched by the longest name that fits: the whole, then without ending,
then the file's name, then that without ending; a name that fits several films is refused where they would get different labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from hilum.core.errors import InputError
from hilum.core.tables import read_table

NAMES = ("image_id", "path", "image", "filename", "file", "id")
LABELS = ("label", "y_true", "class", "diagnosis")


class NamedAmong:
    """Films, to be found by the names that a table has for them."""

    def __init__(self, image_ids: Sequence[str]) -> None:
        self._by: dict[tuple[int, str], list[str]] = defaultdict(list)
        for i in image_ids:
            for form in _forms(i):
                self._by[form].append(i)

    def find(self, names: Sequence[str], path: Path) -> str | None:
        """The film that one of these names fits; None for none. `path` is the table, for messages.

        Raises:
            InputError: The longest name that fits is that of several films.
        """
        by_length = sorted((form for n in names for form in _forms(n)), key=lambda form: form[0])
        films = next((self._by[form] for form in by_length if form in self._by), [])
        if len(films) > 1:
            raise InputError(
                f"{path}: {names[0]!r} fits {len(films)} films, such as {films[0]!r} and {films[1]!r}; give longer paths"
            )
        return films[0] if films else None


@dataclass(frozen=True)
class FilmLabels:
    """A table of labels: of each row the names of a film (its id and its path, where both are there), and its label."""

    path: Path
    rows: tuple[tuple[tuple[str, ...], str], ...]

    def of(self, image_ids: Sequence[str]) -> tuple[dict[str, str], int]:
        """Labels of films.

        Returns:
            image_id -> label of those that the table names, and the number of its rows that name none of them.

        Raises:
            InputError: No row names a film, or two rows give one film different labels.
        """
        known = NamedAmong(image_ids)
        found: dict[str, str] = {}
        lost = 0
        for names, label in self.rows:
            film = known.find(names, self.path)
            lost += film is None
            if film is not None and found.setdefault(film, label) != label:
                raise InputError(
                    f"{self.path}: film {film!r} has two labels, {found[film]!r} and {label!r}; keep one"
                )
        if not found:
            first = repr(self.rows[0][0][0]) if self.rows else "none"
            some = repr(image_ids[0]) if image_ids else "none"
            raise InputError(
                f"{self.path}: none of its {len(self.rows)} rows with a label names a film of the predictions; its first is {first}, "
                f"that of the predictions {some}"
            )
        return found, lost


def read_film_labels(path: Path) -> FilmLabels:
    """Read a table of labels.

    Raises:
        InputError: No such file, or a column that is missing.
    """
    if not path.exists():
        raise InputError(f"--labels {path}: expected a csv of films and their labels, there is no such file")
    table = read_table(path, fold=True)
    names = [c for c in NAMES if c in table.columns]
    label = next((c for c in LABELS if c in table.columns), None)
    lost = ([] if names else ["image_id or path"]) + ([] if label else ["label"])
    if lost or label is None:
        raise InputError(
            f"--labels {path}: no column {' and no column '.join(lost)}; it has {', '.join(table.columns)}"
        )
    rows = [(tuple(n for c in names if (n := r.get(c))), r.get(label)) for r in table.rows]
    return FilmLabels(path, tuple((n, y) for n, y in rows if n and y))


def _forms(name: str) -> list[tuple[int, str]]:
    """The forms of a film's name, numbered from the longest."""
    path = PurePosixPath(normalize("NFC", name).replace("\\", "/"))
    forms = (str(path), str(path.with_suffix("")), path.name, path.stem) if path.name else (name,) * 4
    return list(enumerate(forms))
