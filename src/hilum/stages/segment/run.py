"""Films -> lung masks in a store, each film's own from its source and a model's, and a table of what is thought of them.

A task is some films; those that have the model's mask already are not computed again. A source's own mask is read each time, so that a
mended one counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from hilum.artifacts.header import Header, write_with_header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.masks import SOURCE, LungMask, MaskStore
from hilum.core.digests import pixels_sha256
from hilum.core.engine import Engine
from hilum.core.errors import FilmError
from hilum.core.files import write_bytes
from hilum.core.progress import progress
from hilum.core.tables import table_text
from hilum.imaging.as_ingested import changed, film_as_ingested, refuse
from hilum.imaging.decode import decode_file
from hilum.inference.lungs import SHIPPED, segmenter_named
from hilum.segment.network import LUNGS
from hilum.segment.score import dice
from hilum.segment.segmenter import Segmenter, source_mask

CHUNK: Final = 64
"""Films a task: the unit that is repeated after a kill."""
QUALITY, SHEET = "lungs.csv", "lungs.png"
SHOWN: Final = 24
"""Films of the sheet."""
COLUMNS: Final = (
    "image_id", "source", "label", "origin", "area", "n_lungs", "touches_border", "agreement", "failed", "dice_with_own",
)  # fmt: skip


@dataclass(frozen=True)
class Which:
    """The network whose masks are wanted: the weights that hilum ships, or a file's, and the convention of its masks."""

    convention: str = LUNGS
    weights: Path | None = None

    @classmethod
    def named(cls, weights: str, convention: str) -> Which:
        """As a study or a bundle names it: ``shipped``, or a file of weights."""
        return cls(convention, None if weights == SHIPPED else Path(weights))

    @property
    def _weights_name(self) -> str:
        return SHIPPED if self.weights is None else str(self.weights)

    def load(self) -> Segmenter:
        """The segmenter.

        Raises:
            InputError: The file of its weights is not there, or is none.
        """
        return segmenter_named(self._weights_name, self.convention)

    @property
    def facts(self) -> dict[str, str]:
        """What a bundle says of it: digest, convention, and where its weights are from."""
        return {"model": self.load().digest, "convention": self.convention, "weights": self._weights_name}


@dataclass(frozen=True)
class MaskTask:
    """Some films.

    Attributes:
        films: (image_id, path, sha256, pixels_sha256) of each film that has no mask of the model yet.
        own: (image_id, pixels_sha256, path of the mask) of each film whose source has a mask.
    """

    films: tuple[tuple[str, str, str, str], ...]
    own: tuple[tuple[str, str, str], ...]


def plan(films: Sequence[FilmRow], store: MaskStore, origin: str) -> list[MaskTask]:
    """What is to be done so that each film has a mask of the model and, where there is one, its source's own."""
    missing = set(store.missing((f.pixels_sha256 for f in films), origin))
    tasks = []
    for at in range(0, len(films), CHUNK):
        some = films[at : at + CHUNK]
        todo = tuple(
            (f.image_id, f.path, f.sha256, f.pixels_sha256) for f in some if f.pixels_sha256 in missing
        )
        own = tuple((f.image_id, f.pixels_sha256, f.lung_mask) for f in some if f.lung_mask)
        if todo or own:
            tasks.append(MaskTask(todo, own))
    return tasks


class Masker:
    """Does tasks: makes masks and keeps them.

    Args:
        folder: Of the store.
        which: The network.
    """

    def __init__(self, folder: Path, which: Which) -> None:
        self._folder, self._which = folder, which

    def __call__(self, task: MaskTask) -> list[str]:
        """Do one task; films that cannot be used, as ``image_id: reason``."""
        made: dict[str, LungMask] = {}
        bad: list[str] = []
        films = []
        for image_id, path, sha256, pixels in task.films:
            try:
                film = film_as_ingested(image_id, path, sha256).pixels
                if pixels_sha256(film) != pixels:
                    raise changed(image_id)
                films.append((pixels, film))
            except FilmError as e:
                bad.append(f"{image_id}: {e.reason}")
        found = self._which.load().masks([film for _, film in films]) if films else []
        made = {pixels: mask for (pixels, _), mask in zip(films, found, strict=True)}
        store = MaskStore(self._folder)
        store.write(made)
        store.write(_own(task, bad))
        return bad


def _own(task: MaskTask, bad: list[str]) -> dict[str, LungMask]:
    """The sources' own masks of a task's films."""
    own = {}
    for image_id, pixels, path in task.own:
        try:
            own[pixels] = source_mask(decode_file(Path(path), mask=True).pixels)
        except FilmError as e:
            bad.append(f"{image_id}: its lung mask is of no use ({e.reason})")
    return own


def make_masks(films: Sequence[FilmRow], folder: Path, which: Which, engine: Engine) -> MaskStore:
    """Masks of films, kept in a store.

    Raises:
        InputError: Films or masks that cannot be used; the masks of the others are kept.
    """
    store = MaskStore(folder)
    tasks = plan(films, store, which.load().digest)
    bad: list[str] = []
    with progress("segment", sum(len(t.films) for t in tasks)) as step:
        for task, lost in zip(tasks, engine.map(Masker(folder, which), tasks), strict=True):
            bad += lost
            step(len(task.films))
    refuse(bad)
    store.refresh()
    return store


@dataclass(frozen=True)
class Masked:
    """A film and what is thought of its masks.

    Attributes:
        mask: That counts: its source's own, else the model's.
        dice_with_own: Dice of the model's with the source's own, where there is one.
    """

    film: FilmRow
    mask: LungMask
    dice_with_own: float | None


def masked(films: Iterable[FilmRow], store: MaskStore, model: str) -> Iterator[Masked]:
    """Each film with its mask."""
    for film in films:
        own, found = store.find(film.pixels_sha256, SOURCE), store.find(film.pixels_sha256, model)
        assert found is not None
        agree = None if own is None else round(dice(found.mask, own.mask), 4)
        yield Masked(film, own or found, agree)


def summary(rows: Sequence[Masked]) -> list[tuple[str | int, ...]]:
    """Of each source: films, masks of its own, masks that failed and why, mean Dice of the model's with its own."""
    out: list[tuple[str | int, ...]] = []
    for source in sorted({r.film.source for r in rows}):
        here = [r for r in rows if r.film.source == source]
        own = [r.dice_with_own for r in here if r.dice_with_own is not None]
        why = Counter(r.mask.failed for r in here if r.mask.failed)
        words = ", ".join(f"{reason}: {n}" for reason, n in why.most_common())
        out.append((source, len(here), len(own), why.total(), words, f"{np.mean(own):.3f}" if own else ""))
    return out


def write_quality(path: Path, manifest: Manifest, rows: Sequence[Masked], which: Which) -> None:
    """Write the table, a film a row."""
    header = Header(
        "lung-quality",
        {"manifest": manifest.digest, "model": which.load().digest},
        {"convention": which.convention},
    )
    text = table_text(
        COLUMNS,
        (
            (
                r.film.image_id, r.film.source, r.film.label, r.mask.origin, f"{r.mask.quality.area:.4f}", r.mask.quality.n_lungs,
                int(r.mask.quality.touches_border), _number(r.mask.quality.agreement), r.mask.failed, _number(r.dice_with_own),
            )
            for r in rows
        ),
    )  # fmt: skip
    write_with_header(path, text, header)


def write_sheet(path: Path, rows: Sequence[Masked]) -> None:
    """Write a picture of the films whose masks are least to be trusted, the worst first."""

    def trust(row: Masked) -> tuple[bool, float]:
        told = (row.mask.quality.agreement, row.dice_with_own)
        return not row.mask.failed, min((x for x in told if x is not None), default=1.0)

    from hilum.report import style
    from hilum.report.lung_sheet import Outlined, lung_sheet  # late: matplotlib

    worst = sorted(rows, key=trust)[:SHOWN]
    films = [
        Outlined(decode_file(Path(r.film.path)).pixels, r.mask.mask, f"{r.film.image_id}; {_words(r)}")
        for r in worst
    ]
    title = f"Films whose lungs are least to be trusted: {len(films)} of {len(rows)}, the worst first"
    write_bytes(path, style.png_bytes(lung_sheet(films, title)))


def _words(row: Masked) -> str:
    """What is thought of a mask, for beneath its film."""
    known = {"mirrored": row.mask.quality.agreement, "with own": row.dice_with_own}
    told = [f"{name} {value:.2f}" for name, value in known.items() if value is not None]
    return "; ".join([row.mask.failed or "two lungs", *told])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
