"""A run's ``statistics.json``: the rows of `hilum.artifacts.statistics`, each with its cell and trial.

Convention: ``trial`` is null for a cell's mean over trials. (cell, trial, metric, class, part) names a row
and occurs once. Beside the file lies ``statistics.header.json`` with the digests of the predictions that it
was computed from.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from hilum.artifacts.header import Header, checked, read_json, write_rows
from hilum.artifacts.statistics import StatisticsRow
from hilum.core.errors import InputError

AT_OPERATING_POINT = "@operating_point"


class _Place(BaseModel):
    cell: str
    trial: int | None = None


class StudyRow(StatisticsRow, _Place):
    """A figure of a cell, by its name, or of one of its trials, numbered from 1; None for the mean over trials."""


def study_row(row: StatisticsRow, cell: str, trial: int | None) -> StudyRow:
    """A row with its place in the study."""
    return StudyRow(**row.model_dump(by_alias=True), cell=cell, trial=trial)


class StudyRows:
    """The rows of a study, found by name.

    Raises:
        InputError: Two rows have one name.
    """

    def __init__(self, rows: Iterable[StudyRow]) -> None:
        self.rows = tuple(rows)
        self._index: dict[tuple[str, int | None, str, str, str], StudyRow] = {}
        for r in self.rows:
            key = (r.cell, r.trial, r.metric, r.class_, r.part)
            if key in self._index:
                raise InputError(
                    f"statistics row {key!r} occurs twice; (cell, trial, metric, class, part) names a row"
                )
            self._index[key] = r

    def find(
        self, cell: str, trial: int | None, metric: str, class_: str, part: str = "test"
    ) -> StudyRow | None:
        """The row of that name, or None."""
        return self._index.get((cell, trial, metric, class_, part))

    def value(
        self, cell: str, trial: int | None, metric: str, class_: str, part: str = "test"
    ) -> float | None:
        """The estimate of that name; None where there is no row or nothing could be computed."""
        row = self.find(cell, trial, metric, class_, part)
        return row.estimate if row else None

    def classes(self) -> tuple[str, ...]:
        """Every class or contrast that occurs, in the order of first occurrence."""
        return tuple(dict.fromkeys(r.class_ for r in self.rows))

    def write(self, path: Path, header: Header) -> None:
        """Write a JSON list, one row a line; the header beside it first: a list that is there is whole."""
        write_rows(path, self.rows, header)

    @classmethod
    def read(cls, path: Path) -> StudyRows:
        """Read and check.

        Raises:
            InputError: No such file, no list, or a row that does not fit; says which row and field.
        """
        return cls(checked(read_json(path), list[StudyRow], path))
