"""What a failure says: the members of ``application/problem+json`` (RFC 9457), one entry of `PROBLEMS` for each status.

A problem's `type` is stable and its `detail` says what was expected, what came and what to do. It holds nothing of a film or a patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hilum import RESEARCH_NOTICE

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """A sort of failure: its status, title, when it comes, a detail for the documentation, and what a person in a browser does."""

    status: int
    title: str
    words: str
    example: str
    remedy: str


_KINDS: Final = (
    Kind(
        400, "Bad request", "The request is not as its description has it.",
        "expected a film in the body, got no bytes",
        "Go back, and try again.",
    ),
    Kind(
        401, "No token", "A token is needed, and none came, or one that is unknown, revoked or expired.",
        "expected the header Authorization: Bearer TOKEN",
        "Sign in with a token.",
    ),
    Kind(
        403, "Not allowed", "The token has not the scope, or the request came from a page of another site.",
        "expected a token with the scope 'explain'",
        "If it is the token that may not, ask whoever runs this service for another.",
    ),
    Kind(
        404, "Not found", "There is no such bundle or page.",
        "there is no bundle 'a'; known: covid",
        "Look at the address again. What it led to may also have been removed.",
    ),
    Kind(
        405, "Method not allowed", "The address is there, but not for this method.",
        "the address is there, but not for this method",
        "Go back to a page: this address is for programs, or for a page’s own buttons.",
    ),
    Kind(
        408, "Too slow", "The body did not come in time.",
        "expected the whole body within 20 seconds; send it again, or a smaller one",
        "Send it again.",
    ),
    Kind(
        409, "Not now", "Something else has to be done first.",
        "say who you are first",
        "Do that, then come back.",
    ),
    Kind(
        413, "Too large", "The body, a film or their number is above a limit.",
        "expected at most 67108864 bytes a film",
        "Send less at a time, or a smaller film.",
    ),
    Kind(
        415, "Not a film", "What came is no PNG, JPEG, BMP, TIFF or DICOM, or a sort of these that is not read.",
        "neither PNG, JPEG, BMP, TIFF nor DICOM",
        "Send a film of one of these kinds.",
    ),
    Kind(
        422, "Cannot be answered", "The film is damaged or is none, or a value is not one of those that go.",
        "the PNG ends early",
        "Look at what was asked for. If nothing is wrong with it, tell whoever runs this service.",
    ),
    Kind(
        429, "Too many requests", "The queue is full, or the token's rate is used up; Retry-After says when to come again.",
        "64 requests are waiting, as many as may",
        "Wait, then load this page again.",
    ),
    Kind(
        500, "A defect", "A defect of hilum's; its log has the trace under the request's id.",
        "a defect of hilum's; name the request's id when you report it",
        "Load this page again. If that fails too, tell whoever runs this service.",
    ),
    Kind(
        503, "Not available", "The service stops, or could not answer in time; Retry-After says when to come again.",
        "the service is stopping",
        "Wait, then load this page again.",
    ),
)  # fmt: skip
PROBLEMS: Final[Mapping[int, Kind]] = {k.status: k for k in _KINDS}
RETRIED: Final = (429, 503)
"""What a client may simply send again."""


def problem_type(title: str) -> str:
    """The stable name of a sort of failure.

    >>> problem_type("Not a film")
    'urn:hilum:problem:not-a-film'
    """
    return f"urn:hilum:problem:{title.lower().replace(' ', '-')}"


class Problem(Exception):
    """A failure on its way to the client.

    Args:
        status: One of `PROBLEMS`.
        detail: A sentence.
        retry_after_s: For 429 and 503.
        title: Where that of the status does not fit.
        more: Further members, such as a film's reason.
    """

    def __init__(
        self, status: int, detail: str, retry_after_s: int | None = None, title: str = "", **more: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.more = status, detail, more
        self.title = title or (PROBLEMS[status].title if status in PROBLEMS else "Failure")
        self.retry_after_s = 1 if retry_after_s is None and status in RETRIED else retry_after_s

    def body(self, request_id: str) -> dict[str, Any]:
        """The members of its JSON object."""
        return {
            "type": problem_type(self.title),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
            "notice": RESEARCH_NOTICE,
            **self.more,
        }

    @property
    def headers(self) -> dict[str, str]:
        """Those that go with it."""
        found = {} if self.retry_after_s is None else {"retry-after": str(self.retry_after_s)}
        return found | ({"www-authenticate": "Bearer"} if self.status == 401 else {})


_TOO_LARGE, _NO_FILM = ("too large",), ("not an image", "unsupported", "missing DICOM plugin")


def film_problem(reason: str, words: str) -> Problem:
    """The problem of a request whose only film has no answer."""
    status = 413 if reason in _TOO_LARGE else 415 if reason in _NO_FILM else 400 if reason == "empty" else 422
    return Problem(status, words, reason=reason)
