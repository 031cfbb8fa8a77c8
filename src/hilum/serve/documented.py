"""What OpenAPI says of the routes besides their models: bodies, problems, examples."""

from __future__ import annotations

from typing import Any, Final

from hilum import RESEARCH_NOTICE
from hilum.serve.problems import MEDIA_TYPE, PROBLEMS, problem_type
from hilum.serve.wire import ProblemBody

_FILM: Final = {"type": "string", "format": "binary"}
ONE_FILM: Final = {
    "image/png": {"schema": _FILM},
    "image/jpeg": {"schema": _FILM},
    "image/tiff": {"schema": _FILM},
    "application/dicom": {"schema": _FILM},
    "application/octet-stream": {"schema": _FILM},
}
_FORM: Final = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {
                "films": {
                    "type": "array",
                    "items": _FILM,
                    "minItems": 1,
                    "description": "Files; the name of the field does not matter.",
                }
            },
            "required": ["films"],
        }
    }
}
FILMS: Final = {
    "requestBody": {
        "required": True,
        "description": "One film, or a form of several.",
        "content": {**ONE_FILM, **_FORM},
    }
}
FILM: Final = {
    "requestBody": {"required": True, "description": "One film.", "content": {**ONE_FILM, **_FORM}}
}
ALWAYS: Final = (401, 403, 429, 503)
OF_FILMS: Final = (400, *ALWAYS, 404, 408, 413, 415, 422)
OPEN: Final = ("/healthz", "/readyz")
"""Routes that need no token."""
_BEARER: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "Of `hilum token new`; a service on its own machine without tokens asks for none.",
}


def secured(openapi: dict[str, Any]) -> dict[str, Any]:
    """The description with what it says of tokens."""
    openapi.setdefault("components", {})["securitySchemes"] = {"token": _BEARER}
    for path, methods in openapi["paths"].items():
        for route in methods.values():
            route["security"] = [] if path in OPEN else [{"token": []}]
    return openapi


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The failures of a route, for OpenAPI: schema and an example for each status."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        kind = PROBLEMS[status]
        example = {
            "type": problem_type(kind.title), "title": kind.title, "status": status,
            "detail": kind.example, "request_id": "0f3a5b7c9d1e2f40", "notice": RESEARCH_NOTICE,
        }  # fmt: skip
        found[status] = {
            "description": f"{kind.title}. {kind.words}",
            "content": {MEDIA_TYPE: {"schema": ProblemBody.model_json_schema(), "example": example}},
        }
    return found
