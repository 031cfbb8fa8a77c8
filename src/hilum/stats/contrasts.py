"""The clean contrasts: questions in which age and source do not give the class away.

In the paper's films covid is adult, viral and bacterial are children's, and normal is mixed, so the headline
figures mix the disease with the age. Beside them hilum asks: the positive class against adult normals;
bacterial against viral (both children's), by p_b / (p_b + p_v); and child normals alone. Ages come from the
manifest; a film whose age group is not known takes no part in a question about age. This module chooses
films, scores and decisions; figures and intervals are made elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.core.errors import InputError
from hilum.stats.confusion import class_numbers, predicted_class

AGE_UNKNOWN = "the films' age groups are not known"


@dataclass(frozen=True)
class Contrast:
    """One question about some of the films.

    Attributes:
        name: Takes the place of the class in tables, such as ``"covid vs adult normal"``.
        rows: bool (n_films,), the films it is about.
        positive: bool (n_films,), films of the class asked for.
        said: bool (n_films,), films predicted as that class.
        score: float64 (n_films,), what ranks them, 0 .. 1.
        only: Names of the figures that make sense; None for all.
        note: What the reader must know, else empty.
    """

    name: str
    rows: NDArray[np.bool_]
    positive: NDArray[np.bool_]
    said: NDArray[np.bool_]
    score: NDArray[np.float64]
    only: tuple[str, ...] | None = None
    note: str = ""


def contrasts(
    y_true: ArrayLike,
    y_score: ArrayLike,
    age_group: ArrayLike | None,
    classes: Sequence[str],
    positive: str = "covid",
) -> list[Contrast]:
    """The clean contrasts that these classes allow.

    Args:
        y_true: Class numbers, (n_films,).
        y_score: Probabilities, (n_films, n_classes).
        age_group: ``"adult"``, ``"child"`` or anything else for unknown, (n_films,); None where no age is
            known.
        classes: Names, in the order of the columns.
        positive: The positive class.

    Returns:
        "<positive> vs adult normal" and "<positive> among child normals" where there is a class ``"normal"``,
        "bacterial vs viral" where there are these two. Without ages the first two have no film and say why.

    Raises:
        InputError: `positive` is not a class, or lengths differ.
    """
    names = list(classes)
    if positive not in names:
        raise InputError(f"the positive class {positive!r} is not one of {names!r}")
    true = class_numbers(y_true, len(names), "y_true")
    score = np.asarray(y_score, dtype=np.float64)
    age = np.full(len(true), "") if age_group is None else np.asarray(age_group).astype(str)
    if score.shape != (len(true), len(names)) or age.shape != true.shape:
        raise InputError(
            f"{len(true)} films, scores of shape {score.shape}, {len(age)} age groups: they must agree"
        )
    note = AGE_UNKNOWN if not np.isin(age, ("adult", "child")).any() else ""
    k = names.index(positive)
    is_positive, said = true == k, predicted_class(score) == k
    found = []
    if "normal" in names and positive != "normal":
        normal = true == names.index("normal")
        adults = (is_positive | (normal & (age == "adult"))) if not note else np.zeros(len(true), np.bool_)
        found.append(
            Contrast(f"{positive} vs adult normal", adults, is_positive, said, score[:, k], note=note)
        )
        children = normal & (age == "child")
        found.append(
            Contrast(
                f"{positive} among child normals",
                children,
                is_positive,
                said,
                score[:, k],
                ("specificity",),
                note,
            )
        )
    if "bacterial" in names and "viral" in names:
        b, v = names.index("bacterial"), names.index("viral")
        both = score[:, b] + score[:, v]
        share = np.divide(score[:, b], both, out=np.full(len(true), 0.5), where=both > 0)
        rows = (true == b) | (true == v)
        found.append(Contrast("bacterial vs viral", rows, true == b, score[:, b] >= score[:, v], share))
    return found
