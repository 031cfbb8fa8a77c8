"""The page Studies: the finished runs of a workspace, read from their artefacts: figures, curves, matrices and the films behind them.

Convention: nothing is computed anew but the matrix, which counts films by the class of the highest mean probability over trials. Opening
the films behind a cell is a look at test films and is counted, once for a reader while the service runs. A film is found by its id among
the run's test films, never by a path.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from hilum.artifacts.looks import count_look, looks
from hilum.artifacts.run import RunCell
from hilum.artifacts.statistics import ALL_CLASSES, StudyRow
from hilum.serve.pages import curves, pictures
from hilum.serve.pages.protection import require_scope
from hilum.serve.pages.rendering import rendered
from hilum.serve.pages.review import ReviewPages
from hilum.serve.pages.site import Site
from hilum.serve.problems import Problem
from hilum.serve.review.runs import FinishedRun, Runs, Tested
from hilum.stats.answers import Films
from hilum.study.faults import unsafe_among
from hilum.study.metrics import METRIC, formulas, metric_label, shown_in

A_PAGE = 60
"""Films of a list that are shown at a time."""


@dataclass(frozen=True)
class FigureRow:
    """A row of a table of figures: its words, and a row of statistics, or None, for each metric."""

    words: Sequence[str]
    figures: Sequence[StudyRow | None]


class StudiesPages:
    """The page Studies and what it asks for.

    Args:
        site: The service.
        runs: Of the workspace.
        reviews: Who reads what blinded.
    """

    def __init__(self, site: Site, runs: Runs, reviews: ReviewPages) -> None:
        self.site, self.runs, self.reviews = site, runs, reviews
        self._lock = threading.Lock()
        self._looked: set[tuple[object, ...]] = set()

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        for path, function in (
            ("/studies", self.listing),
            ("/studies/{name}", self.study),
            ("/studies/{name}/films", self.films),
            ("/studies/{name}/film", self.film),
        ):
            router.add_api_route(path, function, methods=["GET"], response_model=None)

    def listing(self, request: Request) -> Response:
        """All finished runs."""
        require_scope(self.site, request, "review")
        found, broken = self.runs.readable()
        rows = [{"run": r, "looks": looks(r.folder), "n_films": len(r.folder.manifest)} for r in found]
        return rendered(
            self.site,
            request,
            "studies.html",
            "/studies",
            rows=rows,
            broken=broken,
            has_workspace=self.site.workspace is not None,
        )

    def study(self, request: Request, name: str) -> Response:
        """A run."""
        require_scope(self.site, request, "review")
        run = self._run(name)
        folder, tested = run.folder, run.tested
        headline, by_class = shown_in("headline"), shown_in("by class")
        matrices = [
            {
                "cell": k,
                "label": run.label(c),
                "counts": tested.answers.matrix(k).tolist(),
                "unsafe": unsafe_among(c.switches),
            }
            for k, c in enumerate(folder.cells)
        ]
        return rendered(
            self.site, request, "study.html", "/studies", run=run, record=folder.record, matrices=matrices,
            looks=looks(folder), n_tested=len(tested.films), plots=curves.plots(run), geometry=curves,
            headline=_columns(headline), by_model=self._by_model(run, headline), by_class=_columns(by_class),
            classes=self._by_class(run, by_class), comparisons=run.comparisons, metric_label=metric_label, unit=run.evaluation.unit,
        )  # fmt: skip

    def films(self, request: Request, name: str, cell: int, label: int, said: int, page: int = 1) -> Response:
        """The films behind a cell of a matrix."""
        require_scope(self.site, request, "review")
        run = self._run(name)
        self._refuse_the_blinded(request, run)
        classes = run.folder.classes
        if not (0 <= cell < len(run.folder.cells) and 0 <= label < len(classes) and 0 <= said < len(classes)):
            raise Problem(404, "The matrix has no such cell.")
        tested = run.tested
        behind = tested.answers.behind(cell, label, said)
        self._count(request, run, behind, (cell, label, said))
        pages = max(1, -(-len(behind) // A_PAGE))
        page = min(max(1, page), pages)
        shown = behind[(page - 1) * A_PAGE : page * A_PAGE]
        return rendered(
            self.site, request, "films.html", "/studies", run=run, model=run.label(run.folder.cells[cell]), cell=cell, label=label,
            said=said, classes=classes, films=[_told(run, tested, cell, int(k)) for k in shown], n=len(behind), page=page, pages=pages,
            looks=looks(run.folder),
        )  # fmt: skip

    def film(self, request: Request, name: str, id: str, whole: bool = False) -> Response:
        """A test film of a run as a picture."""
        require_scope(self.site, request, "review")
        run = self._run(name)
        film = next((f for f in run.tested.films if f.image_id == id), None)
        if film is None:
            raise Problem(404, "The run has no such test film.")
        return pictures.whole(film) if whole else pictures.thumb(film)

    def _run(self, name: str) -> FinishedRun:
        run = self.runs.get(name)
        if run is None:
            raise Problem(404, "There is no such finished run in the workspace.")
        return run

    def _refuse_the_blinded(self, request: Request, run: FinishedRun) -> None:
        """Films with answers are not shown to a reader who is in the middle of a blinded queue of the run.

        Raises:
            Problem: 409, with the queue's name.
        """
        reader, _ = self.reviews.reader(request)
        for queue in self.reviews.store.unfinished(reader) if reader else ():
            if queue.blinded and queue.run == run.name:
                raise Problem(
                    409,
                    f"You are reading {queue.name!r} blinded; finish it, then the model's answers are shown.",
                )

    def _count(self, request: Request, run: FinishedRun, films: Films, at: tuple[int, int, int]) -> None:
        reader, _ = self.reviews.reader(request)
        key = (reader, run.name, run.record.study_digest, *at)
        with self._lock:
            if key in self._looked:
                return
            self._looked.add(key)
        count_look(run.folder, "studies", {run.tested.films[k].pixels_sha256 for k in films})

    @staticmethod
    def _by_model(run: FinishedRun, metrics: Sequence[str]) -> list[FigureRow]:
        positive = run.folder.positive
        return [
            FigureRow((run.label(c),), [_figure(run, c, m, positive) for m in metrics])
            for c in run.folder.cells
        ]

    @staticmethod
    def _by_class(run: FinishedRun, metrics: Sequence[str]) -> list[FigureRow]:
        return [
            FigureRow((run.label(c), k), [_figure(run, c, m, k) for m in metrics])
            for c in run.folder.cells
            for k in run.statistics.classes()
            if k != ALL_CLASSES and any(_figure(run, c, m, k) for m in metrics)
        ]


def _columns(metrics: Sequence[str]) -> list[tuple[str, str]]:
    """Label and formula of each metric."""
    known = formulas()
    return [(METRIC[m].label, known.get(m, "")) for m in metrics]


def _figure(run: FinishedRun, cell: RunCell, metric: str, class_: str) -> StudyRow | None:
    """A model's figure: the mean over trials, or that of its one trial."""
    found = run.statistics.find(cell.name, None, metric, class_)
    return found or (run.statistics.find(cell.name, 1, metric, class_) if run.folder.n_trials == 1 else None)


def _told(run: FinishedRun, tested: Tested, cell: int, k: int) -> dict[str, Any]:
    """What stands under a film."""
    answers, classes = tested.answers, run.folder.classes
    votes = [classes[v] for v in answers.votes[cell, :, k] if v >= 0]
    return {
        "film": tested.films[k],
        "said": classes[int(answers.said[cell, k])],
        "sure": float(answers.sure[cell, k]),
        "votes": {c: votes.count(c) for c in dict.fromkeys(votes)} if len(set(votes)) > 1 else {},
    }
