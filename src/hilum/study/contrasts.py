"""``[[contrast]]`` and ``[[subgroup]]`` of a study file: questions about some of the films, beside the headline."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hilum.study.film_filter import Filter
from hilum.study.tables import StrictTable


class ContrastTable(StrictTable):
    """``[[contrast]]``: films of one side against films of the other.

    Attributes:
        name: Takes the place of the class in tables.
        positive: Films that should be called what is asked for; left out where there are none, and only the specificity makes sense.
        negative: Films that should not.
        score: What ranks the films and decides. ``all``: the probability among all classes, and the class of the highest one. ``pair``:
            the probability among the classes of both sides only, and which of the two is higher.

    What is asked for is the class (or classes) that `positive` names as ``label``, else the study's positive class.
    """

    name: Annotated[str, Field(min_length=1)]
    positive: Filter | None = None
    negative: Filter
    score: Literal["all", "pair"] = "all"


class SubgroupTable(StrictTable):
    """``[[subgroup]]``: films of which the headline is asked again.

    Attributes:
        by: A column; each of its values is a subgroup.
        name: Of a single subgroup, with `films`.
        films: Its films.
    """

    by: str = ""
    name: str = ""
    films: Filter | None = None
