"""A table of scores from anywhere, read as predictions: its columns may have other names, one score may stand for two classes, and
probabilities may be percentages.

Convention: what a table needs is an id, a label, and a probability for each class or one score. Nothing is guessed that could be read
in two ways: percentages are recognised where the columns of every film add up to 100, else they have to be declared; a score must be a
probability of the positive class; 1 and 0 as labels are positive and negative. What was done is said, a sentence each (`notes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from hilum.artifacts.film_labels import FilmLabels
from hilum.artifacts.header import read_csv_header
from hilum.artifacts.predictions import Predictions, check_ids
from hilum.artifacts.scored_shares import read_shares
from hilum.artifacts.split import PART_SPELLINGS
from hilum.core.errors import InputError, nearest, require_known
from hilum.core.names import folded_name
from hilum.core.tables import CsvTable, known, read_table
from hilum.study.classes import positive_class
from hilum.study.several_findings import ONE_CLASS, require_one_class

FIELDS = ("image_id", "patient_id", "part", "y_true", "group", "score", "error")
"""What a column may be, besides ``p_<class>``."""

_ALIASES = {"id": "image_id", "label": "y_true", "patient": "patient_id"}
_NUMBERS = {"0": "0", "0.0": "0", "1": "1", "1.0": "1"}


@dataclass(frozen=True)
class Reading:
    """How a table is to be read.

    Attributes:
        columns: What a column is -> its name in the table.
        positive: The class that a score is the probability of, and that 1 stands for; None for that of the bundle which gave the
            predictions, else the usual one.
        percent: Whether probabilities are declared to be percentages.
        labels: Labels from another table, which go before those of this one; it needs none then.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    positive: str | None = None
    percent: bool = False
    labels: FilmLabels | None = None


@dataclass(frozen=True)
class ScoredTable:
    """A table that was read, its positive class, and what was done to read it."""

    predictions: Predictions
    positive: str
    notes: tuple[str, ...]


def parse_columns(texts: Sequence[str]) -> dict[str, str]:
    """``--map`` as typed.

    Raises:
        InputError: No NAME=COLUMN, an unknown name, or a name twice.

    >>> parse_columns(["id=file,score=prob", "p_covid=covid prob"])
    {'image_id': 'file', 'score': 'prob', 'p_covid': 'covid prob'}
    """
    pairs = []
    for pair in (p.strip() for text in texts for p in text.split(",")):
        given, equals, theirs = (x.strip() for x in pair.partition("="))
        if not equals or not given or not theirs:
            raise InputError(f"--map {pair!r}: expected NAME=COLUMN, such as image_id=file,y_true=label")
        pairs.append((given, theirs))
    return known_columns(pairs)


def known_columns(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Columns by hilum's names for them.

    Raises:
        InputError: An unknown name, or a name twice.
    """
    found: dict[str, str] = {}
    for given, theirs in pairs:
        ours = _ALIASES.get(given, given)
        if not ours.startswith("p_"):
            require_known(given, [*FIELDS, *_ALIASES, "p_<class>"], f"--map '{given}={theirs}': unknown name")
        if ours in found:
            raise InputError(f"--map names {ours!r} twice: {found[ours]!r} and {theirs!r}")
        found[ours] = theirs
    return found


def read_scored_table(path: Path, reading: Reading = Reading()) -> ScoredTable:
    """Read a table of scores.

    Raises:
        InputError: Columns that are missing, all named at once; a value that is no probability; an id twice; no positive class.
    """
    if not path.exists() or path.is_dir():
        came = "got a folder" if path.is_dir() else "there is no such file"
        raise InputError(f"{path}: expected a csv of predictions, {came}")
    header, provenance = read_csv_header(path, "predictions")
    require_one_class(str(header.options.get("task", ONE_CLASS)), str(path))
    table = read_table(path)
    at = _places(path, table, reading)
    rows = table.rows
    if not rows:
        raise InputError(f"{path}: expected a row for each film below the names of the columns, got none")
    notes: list[str] = [f"no column {name}: {what}" for name, what in _WITHOUT.items() if name not in at]
    ids = tuple(r.values.get(at["image_id"], "") for r in rows)
    lines = [r.line for r in rows]
    check_ids(path, lines, ids)

    def column(name: str) -> tuple[str, ...]:
        return tuple(r.get(at[name]) for r in rows) if name in at else ("",) * len(rows)

    errors = column("error")
    columns = {name[2:]: theirs for name, theirs in at.items() if name.startswith("p_")}
    names = [at["score"]] if "score" in at else list(columns.values())
    scores = {name: [r.values.get(name, "") for r in rows] for name in names}
    shares = read_shares(path, lines, errors, scores, reading.percent, notes)
    texts = (r.values.get(at.get("y_true", ""), "") for r in rows)
    labels = tuple(t if t in columns else known(t) for t in texts)
    if reading.labels is not None:
        labels = _given(ids, labels, reading.labels, notes)
    asked = reading.positive or str(header.options.get("positive") or "") or None
    classes, positive = _classes(path, labels, tuple(columns), replace(reading, positive=asked))
    labels = _named(labels, classes, positive, notes)
    if shares.shape[1] == 1:  # one score: the other class has the rest
        k = classes.index(positive if "score" in at else next(iter(columns)))
        shares = np.concatenate([shares, 1 - shares] if k == 0 else [1 - shares, shares], axis=1)
        notes.append(
            f"one score a film, read as the probability of {classes[k]!r}; {classes[1 - k]!r} has the rest"
        )
    parts = tuple(
        PART_SPELLINGS.get(p.lower(), p) for p in column("part")
    )  # as hilum calls them: ``Test``, ``testing``
    predictions = Predictions(
        ids, column("patient_id"), parts, labels, shares, classes, column("group"), ("",) * len(rows),
        errors, header, provenance,
    )  # fmt: skip
    return ScoredTable(predictions, positive, tuple(notes))


_WITHOUT = {
    "patient_id": "whether films share a patient is not known",
    "part": "the films are of no part",
}


def _places(path: Path, table: CsvTable, reading: Reading) -> dict[str, str]:
    """What a column is -> its name in the table; all that is missing is refused at once."""
    columns = table.columns
    for ours, theirs in reading.columns.items():
        if theirs not in columns:
            raise InputError(f"{path}: --map {ours}={theirs}: no such column; {nearest(theirs, columns)}")
    at = {c: c for c in columns if (c in FIELDS or (c.startswith("p_") and len(c) > 2)) and c != "score"}
    if any(name == "score" or name.startswith("p_") for name in reading.columns):
        at = {n: c for n, c in at.items() if not n.startswith("p_")}  # what is mapped counts alone
    at |= reading.columns
    missing = [name for name in ("image_id", "y_true") if name not in at]
    if reading.labels is not None and "y_true" in missing:
        missing.remove("y_true")
    n_classes = sum(name.startswith("p_") for name in at)
    if "score" in columns and not n_classes:
        at.setdefault("score", "score")
    if not n_classes and "score" not in at:
        missing.append("p_<class> for each class, or one score")
    if missing:
        lost = ", ".join(repr(m) for m in missing)
        raise InputError(
            f"{path}: no column {lost} (patient_id and part may be absent); it has {', '.join(columns)}. Name its columns with "
            "--map, such as --map image_id=file,y_true=label,score=prob"
        )
    names = [c[2:] for c in at if c.startswith("p_")]
    alike = [c for c in names if [folded_name(n) for n in names].count(folded_name(c)) > 1]
    if alike:
        raise InputError(
            f"{path}: the classes {' and '.join(map(repr, alike))} differ in case alone, and labels are matched without it; "
            "rename one"
        )
    scores = [c for n, c in at.items() if n == "score" or n.startswith("p_")]
    if "y_true" in at and at["y_true"] in scores:
        raise InputError(
            f"{path}: column {at['y_true']!r} is mapped as label and as score; name the column of each with --map"
        )
    if n_classes and "score" in at:
        raise InputError(f"{path}: --map gives both score and p_<class>; give one of them")
    return at


def _given(ids: Sequence[str], labels: Sequence[str], given: FilmLabels, notes: list[str]) -> tuple[str, ...]:
    """Labels of another table, else those that are there."""
    of, lost = given.of(ids)
    new = tuple(of.get(i, y) for i, y in zip(ids, labels, strict=True))
    changed = sum(bool(y) and folded_name(y) != folded_name(x) for x, y in zip(new, labels, strict=True))
    notes.append(f"{given.path} gives {len(of)} of {len(ids)} films their label")
    if changed:
        notes.append(f"it changed the label of {changed} films")
    if lost:
        notes.append(f"{lost} of its rows name no film of the predictions")
    return new


def _classes(
    path: Path, labels: Sequence[str], columns: tuple[str, ...], reading: Reading
) -> tuple[tuple[str, ...], str]:
    """The classes in order, and the positive one."""
    where = f"{path}: columns p_<class>" if columns else f"{path}: labels"
    there = sorted({y for y in labels if y})
    if len(columns) > 1:
        return columns, positive_class(reading.positive, columns, where)
    if set(there) <= set(_NUMBERS) and there:
        yes = (columns[0] if columns else None) or reading.positive or "1"
        no = "0" if yes == "1" else f"not {yes}"
        return (yes, no), yes
    if columns:
        one = columns[0]
        others = [y for y in there if folded_name(y) != folded_name(one)]
        if len(others) != 1:
            raise InputError(
                f"{path}: one column p_{one} needs labels of {one!r} and of one other class, got {', '.join(there) or 'none'}"
            )
        classes = (one, others[0])
        return classes, positive_class(reading.positive or one, classes, where)
    if len(there) != 2:
        raise InputError(
            f"{path}: one score needs labels of two classes, got {len(there)}: {', '.join(there[:6]) or 'none'}; give a column "
            "p_<class> for each class"
        )
    positive = positive_class(reading.positive, there, where)
    return (positive, next(y for y in there if y != positive)), positive


def _named(labels: Sequence[str], classes: Sequence[str], positive: str, notes: list[str]) -> tuple[str, ...]:
    """Labels as the classes are spelled; 1 and 0 are the positive class and the other of two."""
    spelled = {folded_name(c): c for c in classes}
    there = {y for y in labels if y}
    if len(classes) == 2 and there and there <= set(_NUMBERS) and not there <= set(classes):
        other = classes[1 - list(classes).index(positive)]
        notes.append(f"labels are 1 and 0, read as {positive!r} and {other!r}")
        meaning = {"1": positive, "0": other}
        return tuple(meaning[_NUMBERS[y]] if y else "" for y in labels)
    return tuple(spelled.get(folded_name(y), y) for y in labels)
