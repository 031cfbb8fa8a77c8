"""Reading a csv, whoever wrote it: the one reader of every table that hilum reads, and the text of those that it writes.

Convention: separated by comma, semicolon, tab or ``|``, told from the header and the first rows; text as `hilum.core.text`
reads it; lines end in LF, CRLF or CR; Excel's first line ``sep=;`` is obeyed. Values are stripped, blank rows are passed over,
and the line of a row is its last in the file, from 1. What columns mean is said elsewhere, but what stands for "not known" is
said here, once: `MISSING`.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from hilum.core.columns import Building, Column, blocks
from hilum.core.errors import InputError
from hilum.core.text import opened_text

MISSING = frozenset(
    {"", "nan", "na", "n/a", "n.a.", "#n/a", "<na>", "none", "null", "nil", "(null)", "-", "--", "---", "?", "??",
     "unknown", "not known", "missing", "blank", "(blank)", "not available", "undefined"}
)  # fmt: skip
"""Texts that stand for a value that is not known, in lower case."""

_SEPARATORS = ",;\t|"
_MAX_FIELD_CHARS = 1 << 24  # clinical notes are long; the csv module's own limit is 131 072
_SAMPLE_ROWS, _SAMPLE_CHARS = 20, 1 << 16


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its (last) line in the file, from 1, and column -> text, as it stands there."""

    line: int
    values: Mapping[str, str]

    def get(self, *columns: str) -> str:
        """The first of these columns whose value is known, or an empty text."""
        return next((v for c in columns if (v := known(self.values.get(c, "")))), "")


@dataclass(frozen=True, slots=True)
class CsvTable:
    """The columns that have a name, in order, and the rows that are not blank."""

    columns: tuple[str, ...]
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class ColumnTable:
    """The columns that have a name, in order, each with the text of every row that is not blank; and the rows' lines in the file, (n,)."""

    columns: Mapping[str, Column[str]]
    lines: NDArray[np.int64]


def known(text: str) -> str:
    """A value, stripped, or an empty text where it stands for "not known".

    >>> known(" P12 "), known("NaN"), known("N/A"), known("0")
    ('P12', '', '', '0')
    """
    text = text.strip()
    return "" if text.lower() in MISSING else text


def number(text: str) -> float:
    """A number with a point or, as some tables have it, a comma.

    Raises:
        ValueError: It is none.

    >>> number("0.25"), number("0,25")
    (0.25, 0.25)
    """
    if "_" in text:  # which Python would pass over
        raise ValueError(text)
    return float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)


def folded(column: str) -> str:
    """A column's name in lower case, with "_" for spaces.

    >>> folded(" Patient  ID")
    'patient_id'
    """
    return "_".join(column.strip().lower().split())


def read_table(path: Path, *, fold: bool = False, exact: bool = False) -> CsvTable:
    """Read a csv.

    Args:
        path: The file.
        fold: Names of columns are matched as `folded`.
        exact: Values keep spaces around them, as hilum's own tables need: a file's name may end with one.

    Raises:
        InputError: No such file, an encoding that is not read, no header, a column twice, a row of too many fields, or a quote
            that is not closed.
    """
    with opened_text(path) as f:
        records = _records(path, f, exact)
        columns = _columns(path, records, fold)
        rows = [
            Row(line, {c: x for c, x in zip(columns, fields, strict=False) if c})
            for line, fields in _fitting(path, records, len(columns))
        ]
    return CsvTable(tuple(c for c in columns if c), rows)


def read_by_column(path: Path) -> ColumnTable:
    """Read a csv of many rows, its values as they stand, column by column and not row by row.

    Raises:
        InputError: As `read_table`.
    """
    with opened_text(path) as f:
        records = _records(path, f, exact=True)
        columns = _columns(path, records, fold=False)
        lines, found = array("Q"), [Building[str]() for _ in columns]
        for block in blocks(_fitting(path, records, len(columns))):
            lines.extend(line for line, _ in block)
            width = len(columns)
            padded = ((fields + [""] * width)[:width] for _, fields in block)
            for column, values in zip(found, zip(*padded, strict=True), strict=True):
                column.extend(values)
    named = {c: column.column() for c, column in zip(columns, found, strict=True) if c}
    return ColumnTable(named, np.array(lines, dtype=np.int64))


def _fitting(
    path: Path, records: Iterable[tuple[int, list[str]]], n_columns: int
) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table, refused where one has more fields than there are columns."""
    for line, fields in records:
        if any(x.strip() for x in fields[n_columns:]):
            raise InputError(
                f"{path} line {line}: expected {n_columns} fields, got {len(fields)}; "
                'a value that holds the separator needs "quotes"'
            )
        yield line, fields


def table_text(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A csv as hilum writes it: separated by comma, quoted where needed, lines ended by a newline."""
    return "".join(table_parts(columns, rows))


def table_parts(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The same, many rows at a time."""
    for block in blocks(chain([columns], rows)):
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(block)
        yield out.getvalue()


def read_columns(path: Path, *, fold: bool = False) -> tuple[str, ...]:
    """The columns of a csv; empty when it is no table. In an encoding that is not read it has columns too: who reads it hears of that."""
    try:
        with opened_text(path, lenient=True) as f:
            return tuple(c for c in _columns(path, _records(path, f), fold) if c)
    except InputError:
        return ()


def count_rows(path: Path) -> int:
    """Number of rows of a csv below its header.

    Raises:
        InputError: As `read_table`.
    """
    with opened_text(path) as f:
        return max(0, sum(1 for _ in _records(path, f)) - 1)


def _columns(path: Path, records: Iterator[tuple[int, list[str]]], fold: bool) -> tuple[str, ...]:
    line, fields = next(records, (1, []))
    columns = tuple(folded(c) if fold else c.strip() for c in fields)
    twice = sorted({c for c in columns if c and columns.count(c) > 1})
    if not any(columns) or twice:
        came = f"{twice[0]!r} twice" if twice else "none"
        raise InputError(f"{path} line {line}: expected the names of the columns, got {came}")
    return columns


def _records(path: Path, f: TextIO, exact: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Line and fields of every row that is not blank; the fields are stripped unless `exact`."""
    csv.field_size_limit(_MAX_FIELD_CHARS)
    separator, skip = _separator(f)
    lines = _Lines(f)
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=not exact)
    try:
        for fields in reader:
            stripped = [x.strip() for x in fields]
            if reader.line_num <= skip or not any(stripped):
                continue
            if lines.at_end:  # a row that is given out after the last line was still inside quotes
                raise InputError(
                    f'{path}: a value that begins with a quote (") is not closed before the end of the file'
                )
            yield reader.line_num, fields if exact else stripped
    except csv.Error as e:
        raise InputError(f"{path} line {reader.line_num}: expected a csv: {e}") from None


class _Lines:
    """Lines of a file, and whether they have come to their end."""

    def __init__(self, f: TextIO) -> None:
        self._f, self.at_end = f, False

    def __iter__(self) -> Iterator[str]:
        yield from self._f
        self.at_end = True


def _separator(f: TextIO) -> tuple[str, int]:
    """What separates the fields, and how many lines stand before the header; the file is at its beginning afterwards."""
    sample: list[str] = []
    for text in itertools.islice(f, 4 * _SAMPLE_ROWS):
        sample.append(text)
        if sum(map(len, sample)) > _SAMPLE_CHARS:
            break
    f.seek(0)
    if sample and (told := re.fullmatch(r'"?sep=(.)"?', sample[0].strip("\r\n"), re.IGNORECASE)):
        return told[1], 1
    return max(_SEPARATORS, key=lambda s: _fits(sample, s)), 0


def _fits(sample: list[str], separator: str) -> tuple[bool, float, int]:
    """How well a separator explains some lines: several columns, rows of as many fields as the header, many columns."""
    try:
        records = [r for r in csv.reader(sample, delimiter=separator, skipinitialspace=True) if any(r)]
    except csv.Error:
        return False, 0.0, 0
    if not records or len(records[0]) < 2:
        return False, 0.0, 0
    rows = records[1 : _SAMPLE_ROWS + 1]
    alike = sum(len(r) == len(records[0]) for r in rows) / len(rows) if rows else 1.0
    return True, alike, len(records[0])
