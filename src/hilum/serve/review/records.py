"""What a review is made of, checked where it comes in: queues, their films, regions on a film, and what a reader said."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hilum.core.errors import InputError

Kind = Literal["errors", "uncertain", "apart", "random"]
Verdict = Literal["agree", "label", "cannot tell", "not usable"]
KINDS: Final[Mapping[Kind, tuple[str, str]]] = {
    "errors": ("Errors", "films of which the model is wrong, the surest first"),
    "uncertain": ("Most uncertain", "films whose most likely class has the lowest probability"),
    "apart": ("Trials disagree", "films that the model's trials called differently, the least agreed first"),
    "random": ("At random", "films drawn by a seed: the only kind whose figures are those of the test films"),
}
"""How films come into a queue: a title, and what it means."""
MOST_FILMS: Final = 500
MOST_REGIONS, MOST_POINTS = 20, 400
MOST_COMMENT, MOST_NAME = 4000, 60
_STRICT: Final = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
Share = Annotated[float, Field(ge=0, le=1)]


class Region(BaseModel):
    """A place on a film.

    Attributes:
        kind: ``rectangle``: two opposite corners; ``polygon``: three corners or more, drawn by hand.
        points: Shares of the film's width and height, from its upper left corner.
    """

    model_config = _STRICT

    kind: Literal["rectangle", "polygon"]
    points: Annotated[tuple[tuple[Share, Share], ...], Field(min_length=2, max_length=MOST_POINTS)]

    @model_validator(mode="after")
    def _has_corners(self) -> Self:
        if (self.kind == "rectangle") != (len(self.points) == 2):
            raise ValueError("a rectangle has two corners, a polygon three or more")
        return self


class Said(BaseModel):
    """What a reader says of a film, as it is sent.

    Attributes:
        key: Of the sending: the same key twice is one answer, so that a request may be sent again.
        verdict: ``agree`` with the model's class, another ``label``, ``cannot tell``, or ``not usable``.
        label: The class; for ``label`` alone.
        regions: On the film.
        comment: Plain text.
    """

    model_config = _STRICT

    key: Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
    verdict: Verdict
    label: Annotated[str, Field(max_length=200)] = ""
    regions: Annotated[tuple[Region, ...], Field(max_length=MOST_REGIONS)] = ()
    comment: Annotated[str, Field(max_length=MOST_COMMENT)] = ""


class QueueAsked(BaseModel):
    """A queue that is asked for.

    Attributes:
        name: For people.
        run: Name of the run's folder.
        cell: Name of the model.
        kind: How films are chosen.
        films: At most so many.
        seed: Of what is drawn: the films of ``random``, and the order of a blinded queue.
        blinded: Whether the model's answer, the label and the film's id are hidden until a film is answered.
    """

    model_config = _STRICT

    name: Annotated[str, Field(min_length=1, max_length=MOST_NAME)]
    run: Annotated[str, Field(min_length=1, max_length=255)]
    cell: Annotated[str, Field(min_length=1, max_length=255)]
    kind: Kind
    films: Annotated[int, Field(ge=1, le=MOST_FILMS)] = 50
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    blinded: bool = True


class Item(BaseModel):
    """A film of a queue, and what was known of it when the queue was made.

    Attributes:
        n: Its place, from 1.
        image_id: In the run's manifest.
        label: Its class in the manifest.
        unit: What its patient's films share, for intervals.
        said: The class that the model called it.
        probabilities: Class -> mean over trials.
        votes: Class -> trials that said it.
    """

    model_config = _STRICT

    n: int
    image_id: str
    label: str
    unit: str
    said: str
    probabilities: Mapping[str, float]
    votes: Mapping[str, int]


class Queue(QueueAsked):
    """A queue as it is kept.

    Attributes:
        id: Its number.
        classes: Of the run.
        positive: Of the run.
        n_items: Films in it.
        made_by: Who made it.
        made_at: When, UTC.
    """

    id: int
    classes: tuple[str, ...]
    positive: str
    n_items: int
    made_by: str
    made_at: str


class Answer(BaseModel):
    """What a reader said of a film of a queue; never changed, a later one stands beside it.

    Attributes:
        id: In the order in which they came.
        n: The film's place in the queue.
        reader: Who.
        known: Whether the reader's name is that of a token; else it was typed.
        verdict: As sent.
        label: The class that the reader gave it, also by agreeing; empty for none.
        regions: As sent.
        comment: As sent.
        informed: Whether the model's answer could be seen before.
        at: When, UTC.
    """

    model_config = _STRICT

    id: int
    n: int
    reader: str
    known: bool
    verdict: Verdict
    label: str
    regions: tuple[Region, ...]
    comment: str
    informed: bool
    at: str

    @property
    def reading(self) -> str:
        """What was said, in a word: a class, ``cannot tell`` or ``not usable``."""
        return self.label or self.verdict


def reader_name(text: str) -> str:
    """A reader's name as it is kept: one line, no marks that cannot be seen.

    Raises:
        InputError: Nothing is left of it, or it is too long.

    >>> reader_name("  Dr  A. Reader ")
    'Dr A. Reader'
    """
    seen = "".join(
        c if unicodedata.category(c)[0] != "C" else " " for c in unicodedata.normalize("NFC", text)
    )
    name = " ".join(seen.split())
    if not 1 <= len(name) <= MOST_NAME:
        raise InputError(f"expected a name of 1 to {MOST_NAME} characters, got {len(name)}")
    return name
