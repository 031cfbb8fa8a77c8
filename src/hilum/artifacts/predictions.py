"""predictions.csv: one row a film: image_id, patient_id, part, y_true, then p_<class> for each class.

hilum's own files have three more columns at the end: ``group`` (what may not be divided; the unit that intervals
resample), ``operating_point`` (1 when the positive class reaches the bundle's threshold) and ``error`` (why a film has no
probabilities); those of `hilum predict` two more, ``study_uid`` and ``view``, as a film's DICOM header has them. Where the bundle has what
they need, the columns of `JUDGED` follow. A bare csv with the first columns is accepted from anywhere.

Of several findings a film (``task`` of the header) there is a probability for each finding, which need not add up to 1; ``y_true`` is what
is known of them (`hilum.artifacts.finding_labels`), and ``operating_point`` names those that reach their thresholds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.finding_labels import finding_matrix
from hilum.artifacts.header import Header, Provenance, read_csv_header, write_with_header
from hilum.artifacts.scored_shares import read_shares
from hilum.core.cycles import no_cycles
from hilum.core.errors import InputError, require_known
from hilum.core.tables import known, read_by_column, table_parts
from hilum.study.several_findings import MULTILABEL, ONE_CLASS, require_one_class

_FIRST = ("image_id", "patient_id", "part", "y_true")
JUDGED = ("set_90", "set_95", "stranger", "stranger_score", "spread")
"""Columns that follow from the bundle: classes of a set, joined by ``|``; 1 where the gate holds the film for a stranger, and the gate's
score; standard deviation of the positive class's probability over several bundles."""
_OF_FILMS = (
    "image_ids", "patient_ids", "parts", "y_true", "groups", "operating_point", "errors", "study_uids", "views",
)  # fmt: skip


@dataclass(frozen=True)
class Predictions:
    """Probabilities for n films: what a film has is a tuple of n texts, empty where it is not known.

    Attributes:
        image_ids: Unique.
        y_true: Names of classes; of several findings what is known of them.
        probabilities: float64, shape (n, n_classes), rows that add up to 1 (but for several findings); NaN for a film with an error.
        classes: In the order of the columns; of several findings those.
        operating_point: Decisions: "1", "0" or empty.
        errors: Reasons; empty for a film that was read.
        study_uids: StudyInstanceUIDs; no entry at all, as of `views`, where they were not asked for.
        judged: Column of `JUDGED` -> its texts, those that there are.
    """

    image_ids: tuple[str, ...]
    patient_ids: tuple[str, ...]
    parts: tuple[str, ...]
    y_true: tuple[str, ...]
    probabilities: NDArray[np.float64]
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    operating_point: tuple[str, ...]
    errors: tuple[str, ...]
    header: Header
    provenance: Provenance = "hilum"
    study_uids: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    judged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.image_ids)

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> Predictions:
        """The rows named, in that order."""
        k = [int(r) for r in rows]
        picked = {c: tuple(values[i] for i in k) for c in _OF_FILMS if (values := getattr(self, c))}
        judged = {name: tuple(values[i] for i in k) for name, values in self.judged.items()}
        return replace(self, probabilities=self.probabilities[k], judged=judged, **picked)  # type: ignore[arg-type]

    def of_part(self, part: str) -> Predictions:
        """The films of a part that have probabilities."""
        return self.take([i for i in range(len(self)) if self.parts[i] == part and not self.errors[i]])

    @property
    def task(self) -> str:
        """``classes``, or ``multilabel`` where each column is a finding by itself."""
        return str(self.header.options.get("task", ONE_CLASS))

    def known(self) -> NDArray[np.int64]:
        """What is known of each finding: 1, 0 or `UNKNOWN`, int64 (n, n_findings).

        Raises:
            InputError: A film has a finding that is none of these.
        """
        return finding_matrix(self.y_true, self.classes, "y_true of the predictions")

    def y_index(self) -> NDArray[np.int64]:
        """True class as an index into `classes`, shape (n,).

        Raises:
            InputError: A film has a label that is no class, or it has several findings.
        """
        require_one_class(self.task, "these predictions")
        index = {c: k for k, c in enumerate(self.classes)}
        for i, y in zip(self.image_ids, self.y_true, strict=True):
            require_known(y, index, f"film {i!r}: y_true", " is no class of these predictions")
        return np.array([index[y] for y in self.y_true], dtype=np.int64)

    def write(self, path: Path) -> None:
        """Write predictions.csv and its header."""
        more = {
            n: v for n, v in (("study_uid", self.study_uids), ("view", self.views), *self.judged.items()) if v
        }
        columns = [*_FIRST, *(f"p_{c}" for c in self.classes), "group", "operating_point", "error", *more]
        shares = (["" if np.isnan(p) else f"{p:.9g}" for p in row] for row in self.probabilities)
        before = zip(self.image_ids, self.patient_ids, self.parts, self.y_true, strict=True)
        after = zip(self.groups, self.operating_point, self.errors, *more.values(), strict=True)
        rows = ((*first, *mid, *last) for first, mid, last in zip(before, shares, after, strict=True))
        write_with_header(path, table_parts(columns, rows), self.header)

    @classmethod
    @no_cycles()
    def read(cls, path: Path) -> Predictions:
        """Read any csv with the columns above.

        Raises:
            InputError: A missing column, a value that is no probability, rows that do not add up to 1, an id twice.
        """
        if not path.is_file():
            raise InputError(f"{path}: no such predictions file")
        header, provenance = read_csv_header(path, "predictions")
        table = read_by_column(path)
        got, n = table.columns, len(table.lines)
        for name in _FIRST:
            if name not in got:
                raise InputError(f"{path}: expected a column {name!r}, got {', '.join(got)!r}")
        classes = tuple(c[2:] for c in got if c.startswith("p_"))
        if len(classes) < 2:
            raise InputError(
                f"{path}: expected a column p_<class> for each of two or more classes, got {', '.join(got)!r}"
            )

        def column(name: str) -> tuple[str, ...]:
            return tuple(got[name].mapped(known)) if name in got else ("",) * n

        ids = tuple(got["image_id"])  # a film may be called "none"
        y_true = tuple(got["y_true"].mapped(lambda y: y.strip() if y.strip() in classes else known(y)))
        check_ids(path, table.lines, ids)
        errors, several = column("error"), header.options.get("task") == MULTILABEL
        shares = read_shares(
            path, table.lines, errors, {f"p_{c}": got[f"p_{c}"] for c in classes}, add_up=not several
        )
        study_uids, views = (column(c) if c in got else () for c in ("study_uid", "view"))
        judged = {c: tuple(got[c]) for c in JUDGED if c in got}
        return cls(
            ids, column("patient_id"), column("part"), y_true, shares, classes,
            column("group"), column("operating_point"), errors, header, provenance, study_uids, views, judged,
        )  # fmt: skip


def check_ids(path: Path, lines: Iterable[int], ids: Sequence[str]) -> None:
    """Check that every row of a table, by its line, has an id of its own.

    Raises:
        InputError: A row has none, or one that another has.
    """
    blank = next((line for line, i in zip(lines, ids, strict=True) if not i), None)
    if blank is not None:
        raise InputError(f"{path} line {blank}: expected the id of a film (image_id), got none")
    twice = [i for i, n in Counter(ids).items() if n > 1]
    if twice:
        raise InputError(f"{path}: image_id {twice[0]!r} is there more than once; one row a film")
