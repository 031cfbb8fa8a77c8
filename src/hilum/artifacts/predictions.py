"""predictions.csv: one row a film: image_id, patient_id, part, y_true, then p_<class> for each class.

hilum's own files have three more columns at the end: ``group`` (what may not be divided; the unit that intervals
resample), ``operating_point`` (1 when the positive class reaches the bundle's threshold) and ``error`` (why a film has no
probabilities); those of `hilum predict` two more, ``study_uid`` and ``view``, as a film's DICOM header has them. A bare csv with the
first columns is accepted from anywhere.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.header import Header, Provenance, read_csv_header, write_with_header
from hilum.core.errors import InputError, nearest
from hilum.core.tables import known, number, read_table

_FIRST = ("image_id", "patient_id", "part", "y_true")


@dataclass(frozen=True)
class Predictions:
    """Probabilities for films.

    Attributes:
        image_ids: n ids, unique.
        patient_ids: n ids, empty where unknown.
        parts: n parts.
        y_true: n class names, empty where unknown.
        probabilities: float64, shape (n, n_classes), rows that add up to 1; NaN for a film with an error.
        classes: Class names, the order of the columns.
        groups: n groups, empty where unknown.
        operating_point: n decisions ("1", "0" or empty).
        errors: n reasons, empty for a film that was read.
        header: Where it comes from.
        provenance: ``hilum``, ``edited`` or ``unknown``.
        study_uids: n StudyInstanceUIDs, empty where unknown; none at all where they were not asked for.
        views: n views, likewise.
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

    def __len__(self) -> int:
        return len(self.image_ids)

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> Predictions:
        """The rows named, in that order."""
        k = [int(r) for r in rows]

        def pick(values: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(values[i] for i in k) if values else ()

        return Predictions(
            pick(self.image_ids), pick(self.patient_ids), pick(self.parts), pick(self.y_true), self.probabilities[k],
            self.classes, pick(self.groups), pick(self.operating_point), pick(self.errors), self.header, self.provenance,
            pick(self.study_uids), pick(self.views),
        )  # fmt: skip

    def of_part(self, part: str) -> Predictions:
        """The films of a part that have probabilities."""
        return self.take([i for i in range(len(self)) if self.parts[i] == part and not self.errors[i]])

    def y_index(self) -> NDArray[np.int64]:
        """True class as an index into `classes`, shape (n,).

        Raises:
            InputError: A film has a label that is no class.
        """
        index = {c: k for k, c in enumerate(self.classes)}
        for i, y in zip(self.image_ids, self.y_true, strict=True):
            if y not in index:
                raise InputError(
                    f"film {i!r}: y_true {y!r} is no class of these predictions; {nearest(y, self.classes)}"
                )
        return np.array([index[y] for y in self.y_true], dtype=np.int64)

    def write(self, path: Path) -> None:
        """Write predictions.csv and its header."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        more = {n: v for n, v in (("study_uid", self.study_uids), ("view", self.views)) if v}
        writer.writerow(
            [*_FIRST, *(f"p_{c}" for c in self.classes), "group", "operating_point", "error", *more]
        )
        for k in range(len(self)):
            probs = ["" if np.isnan(p) else f"{p:.9g}" for p in self.probabilities[k]]
            first = (self.image_ids[k], self.patient_ids[k], self.parts[k], self.y_true[k])
            writer.writerow(
                [
                    *first,
                    *probs,
                    self.groups[k],
                    self.operating_point[k],
                    self.errors[k],
                    *(v[k] for v in more.values()),
                ]
            )
        write_with_header(path, out.getvalue(), self.header)

    @classmethod
    def read(cls, path: Path) -> Predictions:
        """Read any csv with the columns above.

        Raises:
            InputError: A missing column, a value that is no probability, rows that do not add up to 1, an id twice.
        """
        if not path.is_file():
            raise InputError(f"{path}: no such predictions file")
        header, provenance = read_csv_header(path, "predictions")
        table = read_table(path, exact=True)
        got, rows = table.columns, table.rows
        for name in _FIRST:
            if name not in got:
                raise InputError(f"{path}: expected a column {name!r}, got {', '.join(got)!r}")
        classes = tuple(c[2:] for c in got if c.startswith("p_"))
        if len(classes) < 2:
            raise InputError(
                f"{path}: expected a column p_<class> for each of two or more classes, got {', '.join(got)!r}"
            )
        probs = np.full((len(rows), len(classes)), np.nan)
        for k, row in enumerate(rows):
            if row.get("error"):
                continue
            for j, c in enumerate(classes):
                try:
                    probs[k, j] = number(row.get(f"p_{c}"))
                except ValueError:
                    came = row.values.get(f"p_{c}", "")
                    raise InputError(
                        f"{path} line {row.line}: p_{c} must be a number, got {came!r}"
                    ) from None
            if not (np.all(probs[k] >= 0) and abs(probs[k].sum() - 1) < 1e-3):
                raise InputError(
                    f"{path} line {row.line}: the probabilities must be >= 0 and add up to 1, got {probs[k].tolist()!r}"
                )

        def column(name: str) -> tuple[str, ...]:
            return tuple(row.get(name) for row in rows)

        ids = tuple(row.values.get("image_id", "") for row in rows)  # a film may be called "none"
        y_true = tuple(
            y if (y := row.values.get("y_true", "").strip()) in classes else known(y) for row in rows
        )
        if len(set(ids)) != len(ids):
            twice = next(i for i in ids if ids.count(i) > 1)
            raise InputError(f"{path}: image_id {twice!r} is there more than once; one row a film")
        return cls(
            ids, column("patient_id"), column("part"), y_true, probs, classes,
            column("group"), column("operating_point"), column("error"), header, provenance,
            *(column(c) if c in got else () for c in ("study_uid", "view")),
        )  # fmt: skip
