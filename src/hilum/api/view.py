"""What an artefact is in Python: rows, a compact table for a notebook, figures, and words. Each kind of artefact has a class of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.core.errors import InputError, MissingExtraError, require_known

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from hilum.artifacts.manifest import FilmRow, Manifest
    from hilum.report.table import Table
    from hilum.report.view import Told

AnyPath = str | PathLike[str]
"""A path; a view stands for the path of its artefact."""
Row = dict[str, Any]
_LONG = 60


class Shown:
    """What has rows shows itself: a table in a notebook, plain text elsewhere. A view says what (`rows`, `told`, `table`)."""

    def rows(self) -> list[Row]:
        """The rows as plain values, by the name of their column."""
        raise NotImplementedError

    def told(self) -> Told:
        """What stands above the table."""
        raise NotImplementedError

    def table(self) -> Table:
        """The compact table; of the rows as they are where a view has no better."""
        return rows_table(self.rows())

    def to_pandas(self) -> pandas.DataFrame:
        """`rows` as a data frame.

        Raises:
            MissingExtraError: pandas is not installed (the extra ``notebook``).
        """
        try:
            import pandas
        except ModuleNotFoundError as e:
            raise MissingExtraError("pandas", "notebook") from e
        return pandas.DataFrame(self.rows())

    def _repr_html_(self) -> str:
        from hilum.report.view import view_html

        return view_html(self.told(), self.table())

    def __str__(self) -> str:
        from hilum.report.view import view_text

        return view_text(self.told(), self.table())


@dataclass(frozen=True, repr=False)
class View(Shown):
    """An artefact on disk.

    Attributes:
        path: Its file or folder.
    """

    path: Path

    def describe(self) -> str:
        """What `hilum show` says: what it is, its version, and where it came from, back to the films."""
        from hilum.report.artefact_words import artefact_words
        from hilum.stages.show import show

        return artefact_words(show(str(self.path)))

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of its figures."""
        return ()

    def figure(self, name: str) -> Figure:
        """A figure of its page, drawn again from the same numbers.

        Raises:
            InputError: It has none of that name.
        """
        if not self.figures:
            raise InputError(f"{self.path}: a {type(self).__name__} has no figures here")
        require_known(name, self.figures, "unknown figure")
        return self._draw(name)

    def _draw(self, name: str, /) -> Figure:
        raise NotImplementedError

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        here = Path.cwd()
        path = self.path.relative_to(here) if self.path.is_relative_to(here) else self.path
        return f"{type(self).__name__}({str(path)!r})"


class FilmRows(Shown, Sequence[Row]):
    """Films that were asked for: a row a film (and model), as a dictionary."""

    def __init__(self, title: str, rows: Sequence[Row]) -> None:
        self._title, self._rows = title, list(rows)

    def rows(self) -> list[Row]:
        """A copy of the rows."""
        return [dict(r) for r in self._rows]

    def told(self) -> Told:
        """How many there are."""
        from hilum.report.numbers import counted
        from hilum.report.view import Told

        return Told(self._title, counted(len(self), "row"))

    def table(self) -> Table:
        """All columns but the path, which is long."""
        return rows_table([{k: v for k, v in r.items() if k != "path"} for r in self._rows])

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __getitem__(self, which: Any) -> Any:
        return FilmRows(self._title, self._rows[which]) if isinstance(which, slice) else self._rows[which]

    def __repr__(self) -> str:
        return str(self)


def rows_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows as a table, without columns that are empty in all of them; long texts may be broken over lines."""
    from hilum.report.table import plain_table

    names = dict.fromkeys(k for row in rows for k, v in row.items() if v not in (None, "", [], {}))
    table = plain_table("rows", list(names), [[_plain(row.get(k)) for k in names] for row in rows])
    long = {k for k in names for row in rows if isinstance(v := row.get(k), str) and len(v) > _LONG}
    return replace(table, columns=[replace(c, prose=c.label in long) for c in table.columns])


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, str | float | int):
        return value
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def fitting(columns: Mapping[str, Any], manifest: Manifest) -> Callable[[FilmRow], bool]:
    """Whether a film of a manifest fits ``column=value`` or ``column=[value, ...]``, as the filters of a study file do.

    Raises:
        InputError: An unknown column, or a value that no film has.
    """
    from hilum.study.film_filter import compile_filter

    several = {c: v if isinstance(v, list | tuple | set) else [v] for c, v in columns.items()}
    table = {c: ["" if x is None else str(x) for x in v] for c, v in several.items()}
    manifest.check_filter(table, "films")
    return compile_filter(table)


def paths(values: AnyPath | Sequence[AnyPath]) -> list[Path]:
    """One path or several."""
    return [Path(v) for v in ([values] if isinstance(values, str | PathLike) else values)]


def chosen(
    rows: Iterable[Row],
    classes: Sequence[str],
    truth: str | None,
    predicted: str | None,
    wrong: bool | None,
) -> list[Row]:
    """Predicted films of a class, of a prediction, wrong ones, the most certain first (True), or right ones (False).

    Raises:
        InputError: No such class.
    """
    for name, value in (("truth", truth), ("predicted", predicted)):
        if value is not None:
            require_known(value, classes, f"{name}: unknown class")
    found = [
        r
        for r in rows
        if truth in (None, r["truth"])
        and predicted in (None, r["predicted"])
        and (wrong is None or (r["truth"] in classes and wrong == (r["truth"] != r["predicted"])))
    ]
    return sorted(found, key=lambda r: -r[f"p_{r['predicted']}"]) if wrong else found
