"""How answers are made; their types are `hilum.serve.wire`."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum import RESEARCH_NOTICE, __version__
from hilum.artifacts.explanations import FilmMap
from hilum.explain.colours import map_rgba
from hilum.explain.mapped import MappedFilm
from hilum.serve.bundles import Served
from hilum.serve.service import ReadFilm


def head(request_id: str) -> dict[str, str]:
    """What every answer says."""
    return {"request_id": request_id, "hilum": __version__, "notice": RESEARCH_NOTICE}


def predicted(request_id: str, served: Served, films: Sequence[ReadFilm]) -> dict[str, Any]:
    """The answer of /v1/predict."""
    return {**head(request_id), "bundle": served.facts(), "films": [_film(film) for film in films]}


def explained(request_id: str, served: Served, film: ReadFilm, made: MappedFilm) -> dict[str, Any]:
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
    return {**head(request_id), "bundle": served.facts(), "film": _film(film), "map": shown}


def _film(film: ReadFilm) -> dict[str, Any]:
    return {"sha256": film.sha256, "answer": film.reading.answer.as_json()}


def _map(of: FilmMap) -> Mapping[str, Any]:
    checks = [{k: v for k, v in asdict(c).items() if k != "also"} for c in of.checks]
    return {"method": of.method, "target": of.target, "verdict": of.verdict, "checks": checks}


def _png(pixels: NDArray[np.uint8]) -> str:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG", compress_level=3)
    return base64.b64encode(data.getvalue()).decode()
