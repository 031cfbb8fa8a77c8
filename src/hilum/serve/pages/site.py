"""What the pages need to know of the service around them; whoever builds the service gives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request

from hilum import RESEARCH_NOTICE, __version__
from hilum.inference.opened import Opened, open_film
from hilum.inference.reader import Reader


@dataclass(frozen=True)
class ServedBundle:
    """A bundle that the service answers with.

    Attributes:
        name: What the API calls it.
        digest: Its version.
        classes: In the order of its probabilities.
        positive: The class that its operating point is about.
        folder: Where it lies.
    """

    name: str
    digest: str
    classes: tuple[str, ...]
    positive: str
    folder: Path


def opened_here(reader: Reader, data: bytes) -> Opened:
    """Open a film in this process."""
    return reader.opener("film", data)


def decoded_here(data: bytes) -> Opened:
    """Decode a film in this process."""
    return open_film("film", data)


@dataclass(frozen=True)
class Site:
    """The service as its pages see it.

    Attributes:
        state: Folder of the service's own files; reviews are kept in it.
        bundles: Gives the bundles as they are now.
        workspace: The workspace whose runs are shown; None for none.
        who: Name of whoever asks, from a token; empty where nobody is known by name, then a reader types one.
        allowed: Whether whoever asks may do what a scope names (``predict``, ``explain``, ``review``, ``admin``).
        reader: Gives a bundle's reader by its name, for the nearest training films; None where it may not be had.
        opened: Opens a film for a reader; a service puts its worker processes here.
        decoded: Opens a film and keeps its pixels; likewise.
        signs_in: Whether people give a token to be known.
        most_bytes: Of a film.
        templates: Folders of further templates, which may extend ``base.html``.
        notice: Stands on every page.
        version: Of hilum.
    """

    state: Path
    bundles: Callable[[], Sequence[ServedBundle]]
    workspace: Path | None = None
    who: Callable[[Request], str] = lambda _: ""
    allowed: Callable[[Request, str], bool] = lambda _, __: True
    reader: Callable[[str], Reader | None] = lambda _: None
    opened: Callable[[Reader, bytes], Opened] = opened_here
    decoded: Callable[[bytes], Opened] = decoded_here
    signs_in: bool = False
    most_bytes: int = 64 * 2**20
    templates: tuple[Path, ...] = ()
    notice: str = RESEARCH_NOTICE
    version: str = __version__
