"""A typed client of a hilum service: films to answers, with another try where the service says that it has too much to do.

It imports nothing that learns or decodes. A request that was refused with 429 or 503 was not answered, so it is sent again, after the
seconds that the service names; one whose connection broke may have been answered, and is not.

>>> Client("http://localhost:1", tries=1).health()
Traceback (most recent call last):
hilum.client.ServiceError: http://localhost:1: not reached: [Errno 111] Connection refused
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from hilum.core.errors import InputError
from hilum.serve.problems import RETRIED
from hilum.serve.wire import BundleFacts, BundleList, Explained, Head, Noted, Predicted, ProblemBody

Film = Path | tuple[str, bytes]
"""A file, or a name with the bytes of one."""
Model = TypeVar("Model", bound=BaseModel)
_LONGEST_WAIT_S: Final = 30.0


class ServiceError(InputError):
    """The service refused, or could not be reached.

    Attributes:
        status: HTTP status; 0 where there was no answer.
        problem: What the service said of it; None where it said nothing of that form.
    """

    def __init__(self, message: str, status: int = 0, problem: ProblemBody | None = None) -> None:
        super().__init__(message)
        self.status, self.problem = status, problem


class Client:
    """A connection to a service.

    Args:
        url: Of the service, such as ``http://localhost:8000``.
        token: Of `hilum token new`; empty for a service on this machine without tokens.
        tries: How often a request is sent that is refused with 429 or 503.
        seconds: How long an answer may take.
        transport: Another way to the service, for tests.
    """

    def __init__(
        self, url: str, token: str = "", tries: int = 5, seconds: float = 60, transport: httpx.BaseTransport | None = None
    ) -> None:  # fmt: skip
        self.url, self.tries = url, tries
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=seconds, transport=transport)

    def predict(self, films: Iterable[Film], bundle: str = "") -> Predicted:
        """What a bundle says of films, in order.

        Raises:
            ServiceError: The service refused; one film that cannot be answered is refused, of several each has its own error.
        """
        return self._sent("POST", "/v1/predict", Predicted, {"bundle": bundle}, files=_form(films))

    def explain(
        self, film: Film, method: str = "grad-cam", target: str = "", checks: bool = True, bundle: str = ""
    ) -> Explained:
        """The heat map of a film, with its checks.

        Raises:
            ServiceError: The service refused.
        """
        asked = {"bundle": bundle, "method": method, "target": target, "checks": str(checks).lower()}
        return self._sent("POST", "/v1/explain", Explained, asked, files=_form([film]))

    def bundles(self) -> list[BundleFacts]:
        """What answers there."""
        return self._sent("GET", "/v1/bundles", BundleList).bundles

    def feedback(self, request_id: str, sha256: str, label: str, bundle: str = "") -> Noted:
        """Tell what a film showed, as it became known later."""
        told = {"request_id": request_id, "sha256": sha256, "label": label}
        return self._sent("POST", "/v1/feedback", Noted, {"bundle": bundle}, json=told)

    def put_bundle(self, name: str, folder: Path, why: str = "") -> list[BundleFacts]:
        """Put another bundle in one's place; `folder` is on the service's machine."""
        to = {"folder": str(folder), "why": why}
        return self._sent("PUT", f"/v1/bundles/{name}", BundleList, json=to).bundles

    def health(self) -> Head:
        """Whether the service lives."""
        return self._sent("GET", "/healthz", Head)

    def ready(self) -> Head:
        """Whether it takes requests."""
        return self._sent("GET", "/readyz", Head)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _sent(
        self, method: str, path: str, of: type[Model], asked: Mapping[str, str] | None = None, **body: Any
    ) -> Model:
        """Send a request, again where it is refused for a while, and read the answer."""
        params = {k: v for k, v in (asked or {}).items() if v}
        for left in range(self.tries - 1, -1, -1):
            try:
                response = self._http.request(method, path, params=params, **body)
            except httpx.HTTPError as e:
                raise ServiceError(f"{self.url}: not reached: {e}") from e
            if response.status_code not in RETRIED or not left:
                break
            time.sleep(min(_LONGEST_WAIT_S, float(response.headers.get("retry-after", "1"))))
        return self._read(response, of)

    def _read(self, response: httpx.Response, of: type[Model]) -> Model:
        try:
            if response.status_code < 400:
                return of.model_validate_json(response.content)
            problem = ProblemBody.model_validate_json(response.content)
        except ValidationError as e:
            raise ServiceError(
                f"{self.url}: expected an answer of hilum, got something else", response.status_code
            ) from e
        raise ServiceError(f"{problem.title}: {problem.detail}", response.status_code, problem)


def _form(films: Iterable[Film]) -> list[tuple[str, tuple[str, bytes]]]:
    named = [(f.name, f.read_bytes()) if isinstance(f, Path) else f for f in films]
    return [("films", film) for film in named]
