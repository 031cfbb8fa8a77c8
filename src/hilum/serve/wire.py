"""What goes over the wire, as types: of OpenAPI, and of the client. `Answer` is the reader's own."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from hilum.inference.said import Answer


class AnsweredBundle(BaseModel):
    """The bundle that answered."""

    name: str
    digest: str = Field(description="Of all that bundle.json says; it names the trained weights by digest.")
    backbone: str
    classes: list[str]
    positive: str = Field(description="The class that the operating point is about.")
    engine: str = Field(description="What computed the network.")


class Head(BaseModel):
    """What every answer says."""

    request_id: str
    hilum: str = Field(description="The version of hilum.")
    notice: str = Field(description="What this software is not.")


class Predicted(Head):
    """The answer of /v1/predict."""

    bundle: AnsweredBundle
    answers: list[Answer]


class ShownMap(BaseModel):
    """A heat map."""

    method: str
    target: str = Field(description="The class whose score it explains.")
    signed: bool = Field(description="Whether values below zero speak against the class.")
    verdict: str = Field(description="`passes`, `not checked`, or `does not pass: ...`.")
    checks: list[dict[str, Any]]
    width_px: int
    height_px: int
    film_png: str = Field(description="The film as the model saw it: a PNG, base64.")
    overlay_png: str = Field(
        description="The map's colours with their opacity, to lay over it: a PNG, base64."
    )


class Explained(Head):
    """The answer of /v1/explain."""

    bundle: AnsweredBundle
    answer: Answer
    map: ShownMap


class BundleFacts(AnsweredBundle):
    """What is known of a bundle."""

    title: str
    operating_point: dict[str, Any]
    calibration: dict[str, Any]
    conformal: bool = Field(description="Whether it has sets of classes.")
    gate: dict[str, Any]
    preparation: dict[str, Any]
    precision: str
    network: str
    engine_why: str
    runs_on: str = Field(description="The machines that the network is asked on.")
    engine_films_per_s: float
    engine_difference: float = Field(
        description="Largest difference of a probability from the predictor's own, when it was made."
    )


class BundleList(Head):
    """The answer of /v1/bundles."""

    bundles: list[BundleFacts]


class Feedback(BaseModel):
    """What somebody found out about a film that was answered."""

    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "example": {"request_id": "0f3a5b7c9d1e2f40", "sha256": "0" * 64, "label": "covid"}
        },
    }

    request_id: str = Field(min_length=1, max_length=64, pattern="^[0-9a-f]+$", description="Of the answer.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Of the film.")
    label: str = Field(min_length=1, max_length=200, description="The class that the film has.")


class Noted(Head):
    """The answer of /v1/feedback."""

    noted: bool


class SwapTo(BaseModel):
    """The bundle that is to take another's place."""

    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "example": {"folder": "/srv/bundles/2027-01", "why": "trained on 2 000 more films"}
        },
    }

    folder: str = Field(
        min_length=1,
        max_length=4096,
        description="A folder with bundle.json, inside a folder that the service may take bundles from.",
    )
    why: str = Field(default="", max_length=2000, description="For the change record.")


class ProblemBody(BaseModel):
    """A failure: RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    notice: str
    reason: str = Field(default="", description="Of a film: one of the decoder's words, such as `truncated`.")
