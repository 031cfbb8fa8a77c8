"""The page Review: queues of films, one film at a time, and what came of them.

Convention: in a blinded queue neither a page nor any other answer of these routes holds the model's answer, the film's label, its id or how
the films were chosen, before the reader has answered the film. Figures and exports are withheld from a reader who has begun a queue and not
finished it, since they hold what others said. What waits for the disk, or for another writer, does so in a thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict

from hilum.artifacts.looks import count_look
from hilum.artifacts.manifest import FilmRow
from hilum.core.errors import InputError
from hilum.serve.pages import pictures
from hilum.serve.pages.protection import require_own_page, require_scope, sent
from hilum.serve.pages.rendering import csv_file, rendered
from hilum.serve.pages.site import Site
from hilum.serve.problems import Problem
from hilum.serve.review import exports
from hilum.serve.review.figures import METRICS, queue_figures
from hilum.serve.review.queues import queue_items
from hilum.serve.review.records import (
    KINDS,
    MOST_FILMS,
    MOST_NAME,
    Answer,
    Item,
    Queue,
    QueueAsked,
    Said,
    reader_name,
)
from hilum.serve.review.runs import FinishedRun, Runs
from hilum.serve.review.store import ReviewStore
from hilum.study.metrics import metric_label

COOKIE = "hilum-reader"
_DAYS = 30


class _Name(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


class ReviewPages:
    """The page Review and what it asks for.

    Args:
        site: The service.
        runs: Of the workspace.
        store: Where reviews are kept.
    """

    def __init__(self, site: Site, runs: Runs, store: ReviewStore) -> None:
        self.site, self.runs, self.store = site, runs, store

    def add_to(self, router: APIRouter) -> None:
        """Add the routes."""
        for path, method, function in (
            ("/review", "GET", self.listing),
            ("/review/name", "POST", self.name),
            ("/review/queues", "POST", self.make),
            ("/review/{number}", "GET", self.overview),
            ("/review/{number}/labels.csv", "GET", self.labels),
            ("/review/{number}/answers.csv", "GET", self.answers),
            ("/review/{number}/figures.csv", "GET", self.figures),
            ("/review/{number}/{n}", "GET", self.film_page),
            ("/review/{number}/{n}", "POST", self.answer),
            ("/review/{number}/{n}/film.png", "GET", self.picture),
        ):
            router.add_api_route(path, function, methods=[method], response_model=None)

    def reader(self, request: Request) -> tuple[str, bool]:
        """Name of the reader, and whether a token says so; empty where none was typed yet."""
        if who := self.site.who(request):
            return who, True
        try:
            return reader_name(unquote(request.cookies.get(COOKIE, ""))), False
        except InputError:
            return "", False

    # pages

    def listing(self, request: Request) -> Response:
        """All queues, and a form for a new one."""
        require_scope(self.site, request, "review")
        reader, known = self.reader(request)
        queues = [
            {
                "queue": q,
                "done": len(self.store.answered(q.id, reader)) if reader else 0,
                "open": self._may_see(request, q),
            }
            for q in self.store.queues()
        ]
        found, _ = self.runs.readable()
        runs = [
            {
                "name": r.name,
                "title": r.record.title or r.record.name,
                "cells": [(c.name, r.label(c)) for c in r.folder.cells],
            }
            for r in found
        ]
        return rendered(
            self.site, request, "review.html", "/review", me=reader, known=known, queues=queues, runs=runs, kinds=KINDS,
            most_films=MOST_FILMS, most_name=MOST_NAME,
        )  # fmt: skip

    def overview(self, request: Request, number: int) -> Response:
        """A queue: how far the reader is, and what came of it where it may be seen."""
        require_scope(self.site, request, "review")
        queue = self._queue(number)
        reader, _ = self.reader(request)
        done = self.store.answered(number, reader) if reader else set()
        left = next((n for n in range(1, queue.n_items + 1) if n not in done), None)
        may_see = self._may_see(request, queue)
        answers = self.store.answers(number) if may_see else []
        figures = queue_figures(queue, self.store.items(number), answers) if answers else None
        return rendered(
            self.site, request, "queue.html", "/review", queue=queue, me=reader, done=len(done), left=left, may_see=may_see,
            figures=figures, metrics=[(m, metric_label(m)) for m in METRICS], titles={m: metric_label(m) for m in METRICS},
            n_answers=len(answers),
            kind=KINDS[queue.kind] if may_see or not queue.blinded else None,
        )  # fmt: skip

    def film_page(self, request: Request, number: int, n: int) -> Response:
        """A film to be answered."""
        require_scope(self.site, request, "review")
        queue, item = self._queue(number), self._item(number, n)
        reader, _ = self.reader(request)
        if not reader:
            return RedirectResponse("/review", 303)
        self.store.note_opening(number, n, reader)
        mine = [a for a in self.store.answers(number, reader) if a.n == n]
        done = self.store.answered(number, reader)
        revealed = self._revealed(queue, item, mine)
        state = {
            "address": f"/review/{number}/{n}", "classes": queue.classes, "known": revealed,
            "mine": mine[-1].model_dump(mode="json", include={"verdict", "label", "regions", "comment"}) if mine else None,
            "next": self._next(queue, done, n),
        }  # fmt: skip
        return rendered(
            self.site, request, "review_film.html", "/review", queue=queue, n=n, me=reader, done=len(done), state=state, revealed=revealed,
            mine=mine,
        )  # fmt: skip

    # what pages ask for

    async def name(self, request: Request) -> Response:
        """Keep a reader's name in the browser, where no token has one."""
        require_own_page(request)
        require_scope(self.site, request, "review")
        if self.site.who(request):
            raise Problem(409, "Your token has a name already.")
        name = reader_name((await sent(request, _Name)).name)
        response = JSONResponse({"name": name})
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, quote(name), max_age=_DAYS * 86400, httponly=True, samesite="strict", secure=secure
        )
        return response

    async def make(self, request: Request) -> Response:
        """Make a queue; its films count as looked at."""
        require_own_page(request)
        require_scope(self.site, request, "review")
        return await run_in_threadpool(self._made, request, await sent(request, QueueAsked))

    async def answer(self, request: Request, number: int, n: int) -> Response:
        """Keep what a reader says of a film; then tell what was hidden."""
        require_own_page(request)
        require_scope(self.site, request, "review")
        return await run_in_threadpool(self._kept, request, number, n, await sent(request, Said))

    def _made(self, request: Request, asked: QueueAsked) -> Response:
        reader, _ = self._who(request)
        run = self._run(asked.run)
        items = queue_items(run, asked)
        number = self.store.make_queue(asked, items, run.folder.classes, run.folder.positive, reader)
        digests = {run.folder.manifest.by_id[i.image_id].pixels_sha256 for i in items}
        count_look(run.folder, "review", digests)
        return JSONResponse({"address": f"/review/{number}"}, 201)

    def _kept(self, request: Request, number: int, n: int, said: Said) -> Response:
        queue, item = self._queue(number), self._item(number, n)
        reader, known = self._who(request)
        kept = self.store.add(queue, item, reader, known, said)
        done = self.store.answered(number, reader)
        body = {
            "kept": kept.model_dump(mode="json", include={"id", "at", "verdict", "label"}), "revealed": self._revealed(queue, item, [kept]),
            "next": self._next(queue, done, n), "done": len(done),
        }  # fmt: skip
        return JSONResponse(body, 201)

    def _who(self, request: Request) -> tuple[str, bool]:
        """As `reader`, but somebody.

        Raises:
            Problem: 409: nobody said who they are.
        """
        reader, known = self.reader(request)
        if not reader:
            raise Problem(409, "Say who you are first.")
        return reader, known

    def picture(self, request: Request, number: int, n: int) -> Response:
        """The film, under no name."""
        require_scope(self.site, request, "review")
        return pictures.whole(self._film(self._queue(number), self._item(number, n)))

    def labels(self, request: Request, number: int) -> Response:
        """The csv for ``hilum ingest --labels``."""
        queue = self._opened(request, number)
        text = exports.labels_csv(queue, self.store.items(number), self.store.answers(number))
        return csv_file(text, f"labels-queue-{number}.csv")

    def answers(self, request: Request, number: int) -> Response:
        """Every answer, as csv."""
        self._opened(request, number)
        text = exports.answers_csv(self.store.items(number), self.store.answers(number))
        return csv_file(text, f"answers-queue-{number}.csv")

    def figures(self, request: Request, number: int) -> Response:
        """The figures of the queue's page, as csv."""
        queue = self._opened(request, number)
        found = queue_figures(queue, self.store.items(number), self.store.answers(number))
        return csv_file(exports.figures_csv(found), f"figures-queue-{number}.csv")

    # what is there, and who may see it

    def _queue(self, number: int) -> Queue:
        queue = self.store.queue(number)
        if queue is None:
            raise Problem(404, "There is no such queue.")
        return queue

    def _item(self, number: int, n: int) -> Item:
        item = self.store.item(number, n)
        if item is None:
            raise Problem(404, "There is no such film in this queue.")
        return item

    def _run(self, name: str) -> FinishedRun:
        run = self.runs.get(name)
        if run is None:
            raise Problem(404, "There is no such finished run in the workspace.")
        return run

    def _film(self, queue: Queue, item: Item) -> FilmRow:
        film = self._run(queue.run).folder.manifest.by_id.get(item.image_id)
        if film is None:
            raise Problem(404, "This film is no longer in the run's manifest.")
        return film

    def _may_see(self, request: Request, queue: Queue) -> bool:
        """Whether what others said may be seen: the reader has finished, or has not begun and may do everything."""
        reader, _ = self.reader(request)
        if reader and len(self.store.answered(queue.id, reader)) >= queue.n_items:
            return True
        begun = bool(reader) and any(q.id == queue.id for q in self.store.unfinished(reader))
        return not begun and self.site.allowed(request, "admin")

    def _opened(self, request: Request, number: int) -> Queue:
        require_scope(self.site, request, "review")
        queue = self._queue(number)
        if not self._may_see(request, queue):
            raise Problem(403, "What others said is shown when you have answered every film of this queue.")
        return queue

    @staticmethod
    def _revealed(queue: Queue, item: Item, mine: Sequence[Answer]) -> dict[str, Any] | None:
        """What is known of a film; None while it is hidden."""
        if queue.blinded and not mine:
            return None
        return item.model_dump(mode="json", include={"image_id", "label", "said", "probabilities", "votes"})

    @staticmethod
    def _next(queue: Queue, done: set[int], n: int) -> int | None:
        """The next film without an answer, after `n` first; None where none is left."""
        order = [*range(n + 1, queue.n_items + 1), *range(1, n)]
        return next((k for k in order if k not in done), None)
