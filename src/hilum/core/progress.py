"""Progress of a long stage: a bar on a terminal (stderr) or in a notebook, a plain line now and then elsewhere, nothing when quiet."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from html import escape
from typing import Any, Protocol, TextIO, cast

_LINE_EVERY_S = 10.0
_BAR_EVERY_S = 0.2
_QUIET = "HILUM_QUIET"
"""Kept in the environment, so that processes that are started later are quiet too."""


def set_quiet(quiet: bool) -> None:
    """Switch all progress off (or on again). Errors and warnings are not progress."""
    if quiet:
        os.environ[_QUIET] = "1"
    else:
        os.environ.pop(_QUIET, None)


@contextmanager
def quieted(quiet: bool) -> Iterator[None]:
    """`set_quiet` for the block; what held before holds again after it."""
    before = _is_quiet()
    set_quiet(quiet)
    try:
        yield
    finally:
        set_quiet(before)


def _is_quiet() -> bool:
    return os.environ.get(_QUIET) == "1"


def _notebook() -> Any:
    """IPython's display where this process is a notebook's kernel, else None."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import display

    return display


class _Lenient:
    """A stream that forgets what cannot be written: work goes on where its terminal is gone or its disk is full."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def say(text: str) -> None:
    """One line to stderr (in a notebook, which shows that in red, to stdout), unless quiet."""
    if not _is_quiet():
        with suppress(OSError):
            print(text, file=sys.stdout if _notebook() else sys.stderr, flush=True)


class Step(Protocol):
    """Call it with the number of items just done."""

    def __call__(self, n: int = 1) -> None: ...


def no_progress(n: int = 1) -> None:
    """Show nothing."""


class Told:
    """Progress of tasks that say themselves how far they are where they are done in this process, and say nothing elsewhere.

    Args:
        step: Is told of each item once.

    >>> told = Told(lambda n=1: print(n, end=" "))
    >>> told(3), told.of_all(5), told.of_all(4)  # a task of five items was done here, one of four elsewhere
    3 2 4 (None, None, None)
    """

    def __init__(self, step: Step) -> None:
        self._step = step
        self._of_task = 0

    def __call__(self, n: int = 1) -> None:
        self._of_task += n
        self._step(n)

    def of_all(self, n: int) -> None:
        """The task that was on its way is done, with so many items; what it did not say itself is told now."""
        if n > self._of_task:
            self._step(n - self._of_task)
        self._of_task = 0


@contextmanager
def progress(what: str, total: int, unit: str = "films") -> Iterator[Step]:
    """Show progress of `total` items of work called `what`; the block gets a function to call with items done."""
    if _is_quiet() or total == 0:
        yield no_progress
        return
    if display := _notebook():
        with _in_notebook(display, what, total, unit) as step_there:
            yield step_there
        return
    start = last = time.monotonic()
    done = 0
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        console = Console(file=cast(TextIO, _Lenient(sys.stderr)))
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(what, total=total, rate="")

            def step(n: int = 1) -> None:
                nonlocal done
                done += n
                seconds = max(time.monotonic() - start, 1e-9)
                bar.update(task, advance=n, rate=f"{done / seconds:,.0f} {unit}/s")

            yield step
        return

    def plain(n: int = 1) -> None:
        nonlocal done, last
        done += n
        now = time.monotonic()
        if now - last >= _LINE_EVERY_S or done >= total:
            last = now
            rate = done / max(now - start, 1e-9)
            left = f", {(total - done) / rate:.0f} s left" if rate > 0 and done < total else ""
            say(f"{what}: {done}/{total} {unit}, {rate:,.1f} {unit}/s{left}")

    yield plain


@contextmanager
def _in_notebook(display: Any, what: str, total: int, unit: str) -> Iterator[Step]:
    """A bar that is drawn anew in its place, a few times a second, and is gone at the end."""
    start, last, done = time.monotonic(), -_BAR_EVERY_S, 0

    def shown() -> dict[str, str]:
        seconds = max(time.monotonic() - start, 1e-9)
        words = f"{what}: {done}/{total} {unit}, {done / seconds:,.0f} {unit}/s"
        bar = f'<progress value="{done}" max="{total}" style="width:18em;vertical-align:middle"></progress> '
        return {"text/plain": words, "text/html": bar + escape(words)}

    handle = display(shown(), raw=True, display_id=True)

    def step(n: int = 1) -> None:
        nonlocal done, last
        done += n
        if time.monotonic() - start - last >= _BAR_EVERY_S:
            last = time.monotonic() - start
            handle.update(shown(), raw=True)

    try:
        yield step
    finally:
        handle.update({"text/plain": "", "text/html": ""}, raw=True)
