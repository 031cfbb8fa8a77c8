"""How answers are made; their types are `hilum.serve.wire`."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum import RESEARCH_NOTICE, __version__
from hilum.artifacts.explanations import FilmMap
from hilum.explain.colours import map_rgba
from hilum.explain.mapped import MappedFilm
from hilum.imaging import png
from hilum.inference.reader import Reading
from hilum.serve.bundles import Served


def head(request_id: str) -> dict[str, str]:
    """What every answer says."""
    return {"request_id": request_id, "hilum": __version__, "notice": RESEARCH_NOTICE}


def predicted(request_id: str, served: Served, readings: Sequence[Reading]) -> dict[str, Any]:
    """The answer of /v1/predict."""
    return {**head(request_id), "bundle": served.facts(), "answers": [r.answer.as_json() for r in readings]}


def explained(request_id: str, served: Served, reading: Reading, made: MappedFilm) -> dict[str, Any]:
    """The answer of /v1/explain."""
    height, width = made.film.shape
    shown = {
        **_map(made.of),
        "signed": made.signed,
        "width_px": width,
        "height_px": height,
        "film_png": _png(made.film),
        "overlay_png": _png(map_rgba(made.values, made.signed)),
    }
    return {**head(request_id), "bundle": served.facts(), "answer": reading.answer.as_json(), "map": shown}


def _map(of: FilmMap) -> Mapping[str, Any]:
    checks = [{k: v for k, v in asdict(c).items() if k != "also"} for c in of.checks]
    return {"method": of.method, "target": of.target, "verdict": of.verdict, "checks": checks}


def _png(pixels: NDArray[np.uint8]) -> str:
    return base64.b64encode(png.write(pixels)).decode()
