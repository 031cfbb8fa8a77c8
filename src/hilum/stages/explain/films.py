"""Films are explained: what the model says of each, its maps and their checks, what it looks like, and its picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hilum.artifacts.explanations import ExplainedFilm, FilmMap, write_film
from hilum.artifacts.film_marks import Mark
from hilum.artifacts.manifest import FilmRow
from hilum.core.errors import FilmError, InputError
from hilum.core.files import write_bytes
from hilum.explain.filters import feature_maps, first_filters
from hilum.explain.mapped import mapped
from hilum.explain.neighbours import neighbours_of
from hilum.explain.network import explained
from hilum.explain.places import hits, intersection_over_union, lung_centres, share_in
from hilum.explain.seen import Seeing, SeenFilm
from hilum.imaging.decode import decode_named
from hilum.inference.predictor import Scored
from hilum.report import style
from hilum.report.network_figures import FILTERS, MAPS, filters_figure, maps_figure, network_path
from hilum.report.overlay import FilmOverlay, overlay_figure, picture_path, said_of
from hilum.segment.segmenter import Segmenter
from hilum.stages.explain.asked import Asked


@dataclass(frozen=True)
class FilmTask:
    """A film to explain.

    Attributes:
        row: What its manifest says.
        marks: What somebody marked on it.
        data: Its bytes; None for a film that cannot be read.
        error: Why.
        key: By which it is found again.
        name: Stem of its files.
        first: Whether it is the first that was named: what the network makes of it inside is drawn too.
    """

    row: FilmRow
    marks: Sequence[Mark]
    data: bytes | None
    error: str = ""
    key: str = ""
    name: str = ""
    first: bool = False


def unit_of(row: FilmRow) -> str:
    """What an interval resamples: the patient where one is known, else the film."""
    return row.patient_id or row.image_id


class Explainer:
    """A bundle's model, ready to explain films.

    Args:
        folder: The bundle.
        methods: What was asked -> its options.
        asked: All that was asked.
        out: Where maps and pictures go.
        device: ``cpu`` or ``cuda``.

    Attributes:
        opened: Digests of the pixels of the films that were explained.
    """

    def __init__(
        self, folder: Path, methods: Mapping[str, Mapping[str, Any]], asked: Asked, out: Path, device: str
    ) -> None:
        self.model = explained(folder, device)
        predictor = self.model.predictor
        own = predictor.segmenter
        network = None if asked.lungs == "none" else own or Segmenter.shipped()
        self.seeing = Seeing(predictor.pipeline.certain, own, network, asked.lungs == "own")
        self.neighbours, self.why_none = (
            neighbours_of(folder, predictor.frozen) if asked.neighbours else (None, "")
        )
        self.methods, self.asked, self.out = methods, asked, out
        self.opened: list[str] = []

    def films(self, tasks: Sequence[FilmTask]) -> Iterator[ExplainedFilm]:
        """Explain films, at most a batch of the bundle's; what is made of each is written before it is given."""
        named = [(t.row.image_id, t.data) for t in tasks if t.data is not None]
        scores = dict(zip([n for n, _ in named], self.model.predictor.score(named), strict=True))
        seen: dict[str, SeenFilm] = {}
        errors: dict[str, str] = {}
        for t in tasks:
            image_id, scored = t.row.image_id, scores[t.row.image_id]
            errors[image_id] = scored.error or t.error
            if not errors[image_id] and t.data is not None:
                try:
                    seen[image_id] = self.seeing.film(decode_named(t.data, t.row.path), t.row, t.marks)
                except FilmError as e:
                    errors[image_id] = e.reason
        films = [s.film for s in seen.values()]
        found = self.neighbours.of(films, self.asked.neighbours) if self.neighbours else []
        near = dict(zip(seen, found, strict=False))
        for t in tasks:
            image_id = t.row.image_id
            film = ExplainedFilm(image_id, t.row.label, unit_of(t.row), error=errors[image_id])
            if image_id in seen:
                film = replace(film, name=t.name, nearest=near.get(image_id, ()), why_none_near=self.why_none)
                film = self._film(t, film, seen[image_id], scores[image_id])
            yield film

    def _film(self, task: FilmTask, film: ExplainedFilm, seen: SeenFilm, scored: Scored) -> ExplainedFilm:
        b = self.model.bundle
        p = [round(float(v), 6) for v in scored.probabilities] if scored.probabilities is not None else []
        target = b.classes.index(self.asked.target) if self.asked.target else int(np.argmax(p))
        values: dict[str, NDArray[np.float32]] = {}
        maps: list[FilmMap] = []
        for method in self.methods:
            values[method], made = mapped(
                self.model, seen, target, method, self.methods[method], self.asked.checks, self.asked.seed
            )
            maps.append(made)
        area = None if seen.found is None else round(float(seen.found.mean()), 6)
        done = replace(
            film, probabilities=tuple(p), positive=scored.positive, maps=tuple(maps), baseline=_baseline(seen), area=area,
            mm_per_px=seen.mm_per_px,
        )  # fmt: skip
        if self.asked.pictures:
            self._draw(done, seen, values)
            if task.first:
                self._draw_network(seen.film)
        write_film(self.out, done, values, task.key)
        self.opened.append(seen.pixels_sha256)
        return done

    def _draw(self, film: ExplainedFilm, seen: SeenFilm, values: Mapping[str, NDArray[np.float32]]) -> None:
        b = self.model.bundle
        said = said_of(film, b.classes, b.positive, float(b.operating_point["threshold"]))
        overlay = FilmOverlay(film, seen.film, values, self.methods, said, seen.lungs, seen.found)
        write_bytes(picture_path(self.out, film.name), style.png_bytes(overlay_figure(overlay)))

    def _draw_network(self, film: NDArray[np.uint8]) -> None:
        """Filters of the first convolution, and maps of the first and the last stage; a network without them has none."""
        stages = list(dict.fromkeys(self.model.network.b.stages[k][0] for k in (0, -1)))
        drawn: dict[str, Callable[[], Figure]] = {
            FILTERS: lambda: filters_figure(first_filters(self.model)),
            MAPS: lambda: maps_figure([(s, feature_maps(self.model, film, s)[0]) for s in stages]),
        }
        for name, figure in drawn.items():
            with suppress(InputError):
                write_bytes(network_path(self.out, name), style.png_bytes(figure()))


def _baseline(seen: SeenFilm) -> dict[str, float]:
    """How the map that points at the middle of a lung fares on a film, by check; empty where lungs or marks are not known."""
    if seen.found is None or seen.lungs is None or not seen.lungs.any():
        return {}
    heat = lung_centres(seen.lungs)
    mass, overlap = share_in(heat, seen.found) or 0.0, intersection_over_union(heat, seen.found)
    return {"pointing": float(hits(heat, seen.found)), "mass": mass, "overlap": overlap}
