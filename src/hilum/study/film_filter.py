"""Which films a table of a study file means: a column of the manifest -> the values accepted there.

``{source = ["mooney"], age = [">=18 <65"]}``: a film fits when each column named has one of the values. A value is the text itself, or a
comparison of numbers: ``<``, ``<=``, ``>`` or ``>=`` and a number, several in one text for all of them at once. A text that itself
begins with one of these signs or with ``=`` is written with ``=`` before it. An empty text stands for films of which the column is not
known; such films fit no comparison.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Protocol

from pydantic import BeforeValidator

from hilum.core.errors import InputError


def _listed(value: Any) -> Any:
    """One value may stand without brackets, and a number without quotes."""
    values = value if isinstance(value, list) else [value]
    number = (int, float)
    return [str(v) if isinstance(v, number) and not isinstance(v, bool) else v for v in values]


Accepted = Annotated[list[str], BeforeValidator(_listed)]
Filter = dict[str, Accepted]
FilterLike = Mapping[str, Sequence[str]]
VOCABULARY = {"age_group": ("adult", "child"), "sex": ("F", "M")}
"""Columns whose values are hilum's own."""
_SIGNS = ("<", ">", "=")
_COMPARISON = re.compile(r"\s*(<=|>=|<|>)\s*([-+]?\d+(?:\.\d*)?|[-+]?\.\d+)\s*,?")
_COMPARES: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge
}  # fmt: skip


class HasColumns(Protocol):
    """A film of a manifest, for what a filter asks of it."""

    def value(self, column: str) -> str:
        """What stands in a column; empty where it is not known."""


def number_of(text: str) -> float | None:
    """The number that a text is, or None.

    >>> number_of("63"), number_of(" 0.5 "), number_of("63Y"), number_of("nan")
    (63.0, 0.5, None, None)
    """
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def compile_filter(table: FilterLike) -> Callable[[HasColumns], bool]:
    """Whether a film fits a table, as a function.

    Raises:
        InputError: A comparison that cannot be read.
    """
    tests = _tests(table)

    def fits(film: HasColumns) -> bool:
        return all(any(accepts(film.value(column)) for accepts in of_column) for column, of_column in tests)

    return fits


def fitting(table: FilterLike, texts: Callable[[str], Sequence[str]], n: int) -> list[bool]:
    """Which of `n` films fit a table; `texts` gives a column of all of them, of which each different text is looked at once.

    Raises:
        InputError: A comparison that cannot be read.
    """
    fits = [True] * n
    for column, of_column in _tests(table):
        values = texts(column)
        accepted = {v: any(accepts(v) for accepts in of_column) for v in set(values)}
        fits = [fit and accepted[v] for fit, v in zip(fits, values, strict=True)]
    return fits


def _tests(table: FilterLike) -> list[tuple[str, list[Callable[[str], bool]]]]:
    return [(column, [_accepts(column, v) for v in values]) for column, values in table.items()]


def _accepts(column: str, value: str) -> Callable[[str], bool]:
    comparisons = comparisons_in(column, value)
    if comparisons is None:
        wanted = value.removeprefix("=")
        return lambda text: text == wanted

    def compares(text: str) -> bool:
        x = number_of(text)
        return x is not None and all(_COMPARES[sign](x, bound) for sign, bound in comparisons)

    return compares


def comparisons_in(column: str, value: str) -> list[tuple[str, float]] | None:
    """The comparisons that a value is made of; None where it is a text.

    >>> comparisons_in("age", ">=18 <65"), comparisons_in("age", "63")
    ([('>=', 18.0), ('<', 65.0)], None)

    Raises:
        InputError: It begins as a comparison and is none.
    """
    if not value.lstrip().startswith(("<", ">")):
        return None
    found, at = [], 0
    while match := _COMPARISON.match(value, at):
        found.append((match[1], float(match[2])))
        at = match.end()
    if value[at:].strip():
        raise InputError(
            f'{column} = {value!r}: expected comparisons with numbers, such as ">=18" or ">=18 <65"; a text that begins with '
            f"{value.lstrip()[0]!r} is written with = before it"
        )
    return found


def filter_words(table: FilterLike) -> str:
    """A table in words.

    >>> filter_words({"source": ["mooney", "cohen"], "age": [">=18"], "sex": [""]})
    'source is mooney or cohen and age >=18 and sex is not known'
    """
    return " and ".join(_column_words(column, values) for column, values in table.items()) or "any film"


def _column_words(column: str, values: Sequence[str]) -> str:
    if values and all(v.lstrip().startswith(("<", ">")) for v in values):
        return f"{column} {' or '.join(values)}"
    return f"{column} is {' or '.join(v.removeprefix('=') or 'not known' for v in values)}"
