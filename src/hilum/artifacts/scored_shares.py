"""Probabilities of a table of scores: shares, or percentages.

Convention: percentages are recognised where all numbers have a % sign or the columns of every film add up to 100, else they have to be
declared. Nothing else is scaled, but for what rounding left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import InputError
from hilum.core.tables import number

_SUM_IS_OFF_BY = 1e-3
_WHOLE_PERCENT_IS_OFF_BY = 0.0101  # columns of whole percentages may add up to 99 or 101
_ROUNDED_BY = 1e-6  # sums of shares are printed as 1.0000000000000002, or 1.0000001


def read_shares(
    path: Path,
    lines: Sequence[int] | NDArray[np.int64],
    errors: Sequence[str],
    columns: Mapping[str, Iterable[str]],
    declared: bool = False,
    notes: list[str] | None = None,
    add_up: bool = True,
) -> NDArray[np.float64]:
    """Read probabilities.

    Args:
        path: The table, for messages.
        lines: The line of each row.
        errors: Of each film; one that has an error has no probability.
        columns: Name -> its text in every row: one for each class, or a single one.
        declared: They are percentages, as the user says.
        notes: What was done to read them is added.
        add_up: Whether the columns of a film are shares of one whole; not so where each is a question of its own.

    Returns:
        (n, columns), float64, 0 to 1; NaN for a film with an error.

    Raises:
        InputError: A value that is no probability, with its line.
    """
    values, signs = _values(path, lines, errors, columns)
    there = ~np.isnan(values).all(axis=1)
    sums = values[there].sum(axis=1)
    several = len(columns) > 1 and add_up
    off_by = _SUM_IS_OFF_BY
    if (values[there] == np.round(values[there])).all():
        off_by = _WHOLE_PERCENT_IS_OFF_BY
    percent = (
        declared or signs or (several and bool(len(sums)) and bool((np.abs(sums / 100 - 1) <= off_by).all()))
    )
    if percent:
        values = values / 100
        how = "they have a % sign" if signs else "the columns of every film add up to 100"
        if notes is not None:
            notes.append(f"probabilities are percentages: {'as --percent says' if declared else how}")
    for k in map(int, np.flatnonzero(there)):
        line, v = lines[k], values[k]
        off = abs(v.sum() - 1) if several else 0.0
        if not (np.all(v >= -_ROUNDED_BY) and np.all(v <= 1 + _ROUNDED_BY)) or off > (
            off_by if percent else _SUM_IS_OFF_BY
        ):
            what = "be >= 0 and add up to 1" if several else "lie between 0 and 1"
            hint = (
                "" if percent else "; percentages have to be declared with --percent" if np.any(v > 1) else ""
            )
            came = v.tolist() if several else float(v[0])
            raise InputError(f"{path} line {line}: the probabilities must {what}, got {came!r}{hint}")
    values = values.clip(0, 1)
    if percent and several:
        values = values / values.sum(axis=1, keepdims=True)
    return values


def _values(
    path: Path,
    lines: Sequence[int] | NDArray[np.int64],
    errors: Sequence[str],
    columns: Mapping[str, Iterable[str]],
) -> tuple[NDArray[np.float64], bool]:
    """Numbers as they stand, NaN for a film with an error; and whether they have a % sign, which all must have or none."""
    values = np.full((len(lines), len(columns)), np.nan)
    first = ""
    for k, texts in enumerate(zip(*columns.values(), strict=True)):
        for j, (name, text) in enumerate(() if errors[k] else zip(columns, texts, strict=True)):
            first = first or text
            try:
                values[k, j] = number(text.removesuffix("%"))
            except ValueError:
                values[k, j] = np.nan
            if not np.isfinite(values[k, j]):
                raise InputError(
                    f"{path} line {lines[k]}: {name} must be a number, got {text!r}; correct it, or leave the row out"
                )
            if text.endswith("%") != first.endswith("%"):
                raise InputError(
                    f"{path} line {lines[k]}: a % sign on all numbers or none, got {first!r} and {text!r}"
                )
    return values, first.endswith("%")
