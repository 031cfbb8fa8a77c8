"""Reading a csv as rows with line numbers: comma, semicolon or tab, with or without a byte-order mark.

Convention: column names are lower case with "_" for spaces; values are stripped. What columns mean is said
elsewhere.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hilum.core.errors import InputError

_MAX_FIELD_CHARS = 1 << 24  # clinical notes are long; the csv module's own limit is 131 072


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        line: Its (last) line in the file, from 1.
        values: Column -> text.
    """

    line: int
    values: Mapping[str, str]

    def get(self, *columns: str) -> str:
        """The first of these columns that the row fills, or an empty text."""
        return next((v for c in columns if (v := self.values.get(c, ""))), "")


def read_header(path: Path) -> tuple[str, ...]:
    """The columns of a csv; empty when it is no text or has no first line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as f:
            line = f.readline(1 << 16)
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(_column(c) for c in next(csv.reader([line], delimiter=_delimiter(line)), []))


def read_rows(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """Read a csv.

    Returns:
        Columns, and rows that are not blank.

    Raises:
        InputError: No such file, not UTF-8, no header, a column twice, or a row of too many fields.
    """
    csv.field_size_limit(_MAX_FIELD_CHARS)
    try:
        with path.open(encoding="utf-8-sig", newline="") as f:
            delimiter = _delimiter(f.readline(1 << 16))
            f.seek(0)
            reader = csv.reader(f, delimiter=delimiter)
            columns = tuple(_column(c) for c in next(reader, []))
            twice = sorted({c for c in columns if c and columns.count(c) > 1})
            if not any(columns) or twice:
                came = f"{twice[0]!r} twice" if twice else "none"
                raise InputError(f"{path} line 1: expected the names of the columns, got {came}")
            rows: list[Row] = []
            for fields in reader:
                if not any(x.strip() for x in fields):
                    continue
                if any(x.strip() for x in fields[len(columns) :]):
                    raise InputError(
                        f"{path} line {reader.line_num}: expected {len(columns)} fields, got {len(fields)}; "
                        'a value that holds the separator needs "quotes"'
                    )
                values = {c: x.strip() for c, x in zip(columns, fields, strict=False) if c}
                rows.append(Row(reader.line_num, values))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as e:
        raise InputError(f"{path}: cannot be read: {e.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as e:
        raise InputError(f"{path}: expected a csv in UTF-8: {e}") from None
    return columns, rows


def _column(text: str) -> str:
    return "_".join(text.strip().lower().split())


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)
