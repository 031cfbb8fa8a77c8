"""How a failure goes out: a page to a browser, ``application/problem+json`` to a program; status and headers are the same."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from hilum.serve.browsers import wants_a_page
from hilum.serve.pages.rendering import rendered
from hilum.serve.pages.site import Site
from hilum.serve.problems import MEDIA_TYPE, PROBLEMS, Problem

Failed = Callable[[Request, Problem], Response]
"""What answers a request that failed."""


def failures_of(site: Site) -> Failed:
    """What answers requests that failed; pages look as the site's do."""

    def failed(request: Request, problem: Problem) -> Response:
        body = problem.body(request.state.request_id)
        if not wants_a_page(request):
            return JSONResponse(body, problem.status, problem.headers, MEDIA_TYPE)
        kind = PROBLEMS.get(problem.status)
        response = rendered(
            site, request, "failed.html", status=problem.status, title=body["title"], words=_sentence(problem.detail),
            remedy=kind.remedy if kind else "", wait_s=problem.retry_after_s, request_id=body["request_id"],
        )  # fmt: skip
        response.headers.update(problem.headers)
        return response

    return failed


def add_failures(app: FastAPI, failed: Failed) -> None:
    """Have an app's failures answered so, wherever in it they come from."""

    async def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return failed(request, error)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind = PROBLEMS.get(error.status_code)
        words = kind.words if kind else "the request cannot be answered"
        detail = "there is nothing at this address" if error.status_code == 404 else words
        response = failed(request, Problem(error.status_code, detail))
        response.headers.update(error.headers or {})
        return response

    async def not_valid(request: Request, error: Exception) -> Response:
        """A value that does not go; the value itself is not said again."""
        assert isinstance(error, RequestValidationError)
        wrong = [f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors()[:5]]
        status = 400 if any(e["type"] == "json_invalid" for e in error.errors()) else 422
        return failed(request, Problem(status, "; ".join(wrong)))

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, not_valid)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
