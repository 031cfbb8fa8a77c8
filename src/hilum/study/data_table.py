"""``[data]`` of a study file: which films, and what is asked of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hilum.study.classes import GIVEN_LABEL
from hilum.study.film_filter import Filter
from hilum.study.several_findings import FindingsKeys
from hilum.study.tables import StrictTable


class SubsetTable(StrictTable):
    """``[data.subset]``: a part of the films, drawn by class, for what would take too long on all of them. Every table names it."""

    name: str
    films: Annotated[int, Field(ge=8)]


class DataTable(FindingsKeys, StrictTable):
    """``[data]``: which films, and what is asked of them (`FindingsKeys`).

    A filter (`film_filter`) names manifest columns and the values accepted: ``{source = ["mooney"], age = ">=18"}``. A film is in when one
    of `include` fits (or there is none) and none of `exclude` does. `classes` left out are the labels of those films, and
    `positive` left out is the usual one (`hilum.study.classes`) where that is one of them; names are matched to the manifest's without
    regard to case (`hilum.workflow.classes`). `merge` makes labels one class before anything else is asked of them: class -> labels, or
    ``"*"`` for every label that is not named otherwise; what a film's label was is then its column ``label_in_manifest``. `strata`
    says what a subset and the parts of a split have their share of: each ``class``, or each ``label`` of before the merging, so that a
    study that merges and one that does not can have the same films in the same parts.
    """

    manifest: str | None = None
    classes: list[str] = Field(default_factory=list)
    merge: dict[str, list[str]] = Field(default_factory=dict)
    positive: str = ""
    include: list[Filter] = Field(default_factory=list)
    exclude: list[Filter] = Field(default_factory=list)
    one_per_patient: list[str] = Field(default_factory=list)
    near_duplicates: bool = True
    strata: Literal["class", "label"] = "class"
    subset: SubsetTable | None = None

    @property
    def stratum_column(self) -> str:
        """The manifest's column, labels merged, that `strata` means."""
        return GIVEN_LABEL if self.strata == "label" and self.merge else "label"
