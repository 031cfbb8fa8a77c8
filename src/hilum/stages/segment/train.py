"""Films with known lungs -> weights of the lungs' network, with a card that says what they were trained on and how well they do.

A share of the patients of each source is held out; the card's Dice is that of the file as it was written, on all films of theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hilum import __version__
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.header import Header, write_json
from hilum.artifacts.json_parts import members
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.digests import digest
from hilum.core.engine import Engine
from hilum.core.errors import FilmError, InputError, require_known
from hilum.core.progress import progress
from hilum.core.seeding import generator
from hilum.imaging.as_ingested import film_as_ingested, refuse
from hilum.imaging.decode import decode_file
from hilum.models.machine import threads
from hilum.segment.films import LungFilms, coverage, joined, phantoms, squashed
from hilum.segment.network import CONVENTIONS, LUNGS
from hilum.segment.score import dice, dice_by_source
from hilum.segment.segmenter import Segmenter, write_weights
from hilum.segment.train import AUGMENTATION, LungTraining, Trained, train
from hilum.splitting.groups import draw_groups, film_groups
from hilum.training.checkpoints import Checkpoints

HELD_OUT: Final = 0.2
"""Share of each source's films that are not trained on, as near as patients allow."""

_Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True)
class LungSources:
    """Where films with known lungs are from.

    Attributes:
        manifests: Of films; those that have no lung mask are passed over.
        conventions: Source -> name of `CONVENTIONS` by which its masks are drawn; `LUNGS` where it is not said.
        phantoms: Synthetic films to add.
        duplicates: Copies among the films; a copy is on the same side of the division.
        notes: Sentences for the card, such as licences.
    """

    manifests: Sequence[Manifest]
    conventions: Mapping[str, str] = field(default_factory=dict)
    phantoms: int = 0
    duplicates: Duplicates | None = None
    notes: Sequence[str] = ()


def card_path(weights: Path) -> Path:
    """Where the card of a file of weights lies: ``lungs.safetensors`` -> ``lungs-card.json``."""
    return weights.with_name(f"{weights.stem}-card.json")


def gather(asked: LungSources, seed: int, engine: Engine) -> LungFilms:
    """Read the films and their masks.

    Raises:
        InputError: No film with a mask, an unknown source or convention, or films that cannot be used.
    """
    rows = [f for m in asked.manifests for f in m.films if f.lung_mask]
    if not rows:
        raise InputError(
            "no film of the manifests has a lung mask; ingest with masks beside the films, or with --lung-masks NAME=FOLDER"
        )
    for source, name in asked.conventions.items():
        require_known(source, {f.source for f in rows}, "--convention: no film with a lung mask is of source")
        require_known(name, CONVENTIONS, "--convention: unknown convention")
    declared = {s for m in asked.manifests for s in m.header.options.get("no_patient_ids", [])}
    together = Manifest(rows, Header("manifest", options={"no_patient_ids": sorted(declared)}))
    films, group_of = together.films, film_groups(together, asked.duplicates)
    pairs: list[_Pair] = []
    bad: list[str] = []
    with progress("segment: read", len(films)) as step:
        for row, found in zip(films, engine.map(_read, films), strict=True):
            if isinstance(found, str):
                bad.append(f"{row.image_id}: {found}")
            else:
                pairs.append(found)
            step()
    refuse(bad)
    known = list(CONVENTIONS)
    own = LungFilms(
        tuple(f.image_id for f in films),
        np.stack([pixels for pixels, _ in pairs]),
        np.stack([mask for _, mask in pairs]),
        tuple(f.source for f in films),
        tuple(group_of[f.image_id] for f in films),
        np.array([known.index(asked.conventions.get(f.source, LUNGS)) for f in films], np.int64),
    )
    return joined([own, phantoms(asked.phantoms, seed)]) if asked.phantoms else own


def _read(row: FilmRow) -> _Pair | str:
    try:
        film = film_as_ingested(row.image_id, row.path, row.sha256).pixels
        return squashed(film), coverage(decode_file(Path(row.lung_mask), mask=True).pixels)
    except FilmError as e:
        return e.reason


def divided(films: LungFilms, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Films to train on and films held out, of each source its share; no group is on both sides.

    Raises:
        InputError: A source with one group only.
    """
    groups: dict[str, Counter[str]] = {}
    for group, source in zip(films.groups, films.sources, strict=True):
        groups.setdefault(group, Counter())[source] += 1
    wanted = {source: round(HELD_OUT * n) for source, n in Counter(films.sources).items()}
    held = draw_groups(dict(sorted(groups.items())), wanted, generator(seed, "lungs", "held out"))
    out = np.array([group in held for group in films.groups])
    for source in sorted(wanted):
        here = out[np.array(films.sources) == source]
        if here.all() or not here.any():
            raise InputError(
                f"source {source!r} has too few patients with lung masks to hold some out ({len(here)} films); leave it out"
            )
    return np.flatnonzero(~out), np.flatnonzero(out)


def train_lungs(asked: LungSources, out: Path, options: LungTraining, engine: Engine) -> dict[str, Any]:
    """Train, write the weights and their card, and return the card. One that was stopped goes on from its last epoch.

    Raises:
        InputError: As `gather` and `divided`.
    """
    films = gather(asked, options.seed, engine)
    inside, outside = divided(films, options.seed)
    with threads(1):
        kept = Checkpoints(out.with_name(f".{out.name}.checkpoint"))
        state, key = kept.load(), _key(asked, options)
        state = state if state is not None and state.pop("key") == key else None
        done = train(films.take(inside), options, state, lambda now: kept.save(lambda: {**now, "key": key}))
        seconds = kept.seconds
        sha256 = write_weights(out, done.network)
        scores = score(out, films.take(outside), options.seed)
        kept.remove()
    counts = {"train": Counter(films.take(inside).sources), "held_out": Counter(films.take(outside).sources)}
    card = {
        "header": Header("lungs", inputs=_inputs(asked), options=asdict(options), seed=options.seed),
        "weights": {"file": out.name, "sha256": sha256, "bytes": out.stat().st_size},
        "date": datetime.now(UTC).date().isoformat(),
        "notes": list(asked.notes),
        "conventions": CONVENTIONS,
        "films": {
            source: {
                "convention": asked.conventions.get(source, LUNGS),
                **{part: n[source] for part, n in counts.items()},
                "left_out_as_outliers": _of_source(done, films)[source],
            }
            for source in sorted(set(films.sources))
        },
        "augmentation": AUGMENTATION.to_dict()["steps"],
        "losses": [round(x, 4) for x in done.losses],
        "seconds": round(seconds, 1),
        "dice": scores,
        "hilum": __version__,
    }
    write_json(card_path(out), card)
    return card


def score(weights: Path, films: LungFilms, seed: int) -> list[dict[str, Any]]:
    """Dice of the masks that a file of weights gives, by source, each by its source's convention; and how many masks failed."""
    scores, failed = np.zeros(len(films)), Counter[str]()
    with progress("segment: score", len(films)) as step:
        for k, convention in enumerate(CONVENTIONS):
            segmenter = Segmenter.read(weights, convention)
            which = np.flatnonzero(films.conventions == k).tolist()
            for i, found in zip(which, segmenter.masks([films.pixels[i] for i in which], step), strict=True):
                scores[i] = dice(found.mask, films.masks[i])
                failed[films.sources[i]] += bool(found.failed)
    rows = dice_by_source(scores.tolist(), films.sources, films.groups, seed)
    return [{**members(row), "masks_failed": failed[row.source]} for row in rows]


def _of_source(done: Trained, films: LungFilms) -> Counter[str]:
    source_of = dict(zip(films.names, films.sources, strict=True))
    return Counter(source_of[name] for name in done.left_out)


def _inputs(asked: LungSources) -> dict[str, str]:
    found = {f"manifest {k}": m.digest for k, m in enumerate(asked.manifests, 1)}
    return found if asked.duplicates is None else {**found, "duplicates": asked.duplicates.digest}


def _key(asked: LungSources, options: LungTraining) -> str:
    """Digest of what a training that was stopped may go on from."""
    return digest([_inputs(asked), dict(asked.conventions), asked.phantoms, asdict(options)])
