"""What an artefact is in Python: rows, a compact table for a notebook, figures, and words. Each kind of artefact has a class of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hilum.core.errors import InputError, MissingExtraError, require_known
from hilum.core.text import counted as counted
from hilum.report.table import Table as Table
from hilum.report.table import plain_table as plain_table
from hilum.report.view import Told as Told
from hilum.report.view import view_html, view_text

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from hilum.artifacts.lineage import Artefact
    from hilum.artifacts.manifest import FilmRow, Manifest

AnyPath = str | PathLike[str]
"""A path; a view stands for the path of its artefact."""
Row = dict[str, Any]
Figures = Mapping[str, Callable[[], "Figure"]]
"""Name of a figure -> what draws it."""
_LONG = 60


class Shown:
    """What has rows shows itself: a table in a notebook, plain text elsewhere."""

    columns: ClassVar[tuple[str, ...]] = ()
    """Columns of the compact table; none for all."""

    def rows(self) -> list[Row]:
        """The rows as plain values, by the name of their column."""
        raise NotImplementedError

    def told(self) -> Told:
        """What stands above the table."""
        raise NotImplementedError

    def table(self) -> Table:
        """The compact table."""
        return rows_table(self.rows(), self.columns)

    def to_pandas(self) -> pandas.DataFrame:
        """`rows` as a data frame; pandas comes with the extra ``notebook``."""
        try:
            import pandas
        except ModuleNotFoundError as e:
            raise MissingExtraError("pandas", "notebook") from e
        return pandas.DataFrame(self.rows())

    def _repr_html_(self) -> str:
        return view_html(self.told(), self.table())

    def __str__(self) -> str:
        return view_text(self.told(), self.table())


class View(Shown):
    """An artefact on disk, read when it is asked. Of one that has no class of its own, a row a fact that `hilum show` knows.

    Args:
        path: Its file or folder.
        made: What the call that wrote it found; None for an artefact that was loaded.
        report: Its page, where that is not `page_name` beside it.
    """

    page_name: ClassVar[str] = ""

    def __init__(self, path: AnyPath, made: Any = None, report: Path | None = None) -> None:
        self._given, self._whole = Path(path), Path(path).absolute()
        self.made, self._report = made, report

    @property
    def path(self) -> Path:
        """Its file or folder: as it was given, or in full once the current folder is another one."""
        return self._given if self._given.absolute() == self._whole else self._whole

    @property
    def report(self) -> Path | None:
        """Its page; None where it has none."""
        folder = self.path if self.path.is_dir() else self.path.parent
        return self._report or (folder / self.page_name if self.page_name else None)

    @cached_property
    def _known(self) -> Artefact:
        from hilum.stages.show import show

        return show(str(self.path))[0]

    @property
    def kind(self) -> str:
        """What it is, as `hilum show` has it."""
        return self._known.kind

    def rows(self) -> list[Row]:
        return [{"fact": k, "value": str(v)} for k, v in self._known.facts.items() if v not in (None, "")]

    def told(self) -> Told:
        return Told(f"{self.kind} {self._known.name}")

    def describe(self) -> str:
        """What `hilum show` says: what it is, its version, and where it came from, back to the films."""
        from hilum.report.artefact_words import artefact_words

        return artefact_words([self._known])

    def drawn(self) -> Figures:
        """Its figures, each drawn when it is called."""
        return {}

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of its figures."""
        return tuple(self.drawn())

    def figure(self, name: str) -> Figure:
        """A figure of its page, drawn again from the same numbers."""
        figures = self.drawn()
        if not figures:
            raise InputError(f"{self.path}: a {type(self).__name__} has no figures here")
        require_known(name, figures, "unknown figure")
        return figures[name]()

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"


class FilmRows(Shown, Sequence[Row]):
    """Films that were asked for: a row a film (and model), as a dictionary."""

    def __init__(self, title: str, rows: Iterable[Row]) -> None:
        self._title, self._rows = title, list(rows)

    def rows(self) -> list[Row]:
        """A copy of the rows."""
        return [dict(r) for r in self._rows]

    def told(self) -> Told:
        return Told(self._title, counted(len(self), "row"))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, which: Any) -> Any:
        return FilmRows(self._title, self._rows[which]) if isinstance(which, slice) else self._rows[which]

    __repr__ = Shown.__str__


def rows_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> Table:
    """Rows as a table, without paths and columns that are empty in all of them; long texts may be broken over lines."""
    used = dict.fromkeys(k for row in rows for k, v in row.items() if v not in (None, "", [], {}))
    names = [k for k in columns or used if k in used and k != "path"]
    table = plain_table("rows", names, [[_plain(row.get(k)) for k in names] for row in rows])
    long = {k for k in names for row in rows if isinstance(v := row.get(k), str) and len(v) > _LONG}
    return replace(table, columns=[replace(c, prose=c.label in long) for c in table.columns])


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, str | float | int):
        return value
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def fitting(columns: Mapping[str, Any], manifest: Manifest) -> Callable[[FilmRow], bool]:
    """Whether a film of a manifest fits ``column=value`` or ``column=[value, ...]``, as the filters of a study file do."""
    from hilum.study.film_filter import compile_filter

    several = {c: v if isinstance(v, list | tuple | set) else [v] for c, v in columns.items()}
    table = {c: ["" if x is None else str(x) for x in v] for c, v in several.items()}
    manifest.check_filter(table, "films")
    return compile_filter(table)


def chosen(
    rows: Iterable[Row],
    classes: Sequence[str],
    truth: str | None,
    predicted: str | None,
    wrong: bool | None,
) -> list[Row]:
    """Predicted films of a class, of a prediction, wrong ones, the most certain first (True), or right ones (False)."""
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


def paths(values: AnyPath | Sequence[AnyPath] | None) -> list[Path]:
    """One path, several, or none."""
    return [Path(v) for v in ([values] if isinstance(values, str | PathLike) else values or ())]


def path_or_none(value: AnyPath | None) -> Path | None:
    """A path, where there is one."""
    return None if value is None else Path(value)
