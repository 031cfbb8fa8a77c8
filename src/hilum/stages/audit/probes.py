"""What plain models make of films without seeing disease: one probe a shortcut. Each film is opened once. Probes that see categories are
small trees, the others logistic regressions; a patient's films and copies stay in one fold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.errors import FilmError
from hilum.core.progress import progress
from hilum.core.seeding import key_entropy
from hilum.imaging.as_ingested import film_as_ingested, refuse
from hilum.imaging.decode import decode_file
from hilum.imaging.shortcuts import border, exposure, grain, reduced, stretch, thumbnail, without_lungs
from hilum.report.class_words import against
from hilum.stats.probe import Asked, Probe, alarms, probe

MAX_PROBED: Final = 6000
"""Films that the probes look at; more hardly move an AUC."""

_BY_TREE: Final = ("source", "metadata", "container")
ERASED: Final = "lungs erased"
_SEES: Final = {
    "source": "which source the film is from",
    "metadata": "width and height in pixels, view, age group and sex as the manifest has them",
    "container": "how the film is stored: format of the file, grey or colour, bits",
    "stretch": "how far the greys reach: least, 1st and 99th percentile, greatest, number of greys that occur",
    "exposure": "mean and standard deviation of grey values",
    "grain": "how rough the film is from pixel to pixel: noise of the device, sharpness, compression",
    "border": "the outer sixteenth of each side: markers, letters, collimation, positioning",
    "thumbnail": "the film at 8 by 8 pixels",
    ERASED: "the film at 16 by 16 pixels with the lungs painted over (films with a lung mask)",
}
"""Probe -> what it sees."""
_SEES_DISEASE: Final = ("exposure", "thumbnail")
"""Probes that a clouded lung changes too, as films that hilum draws show: they are listed and give no alarm."""


@dataclass(frozen=True)
class Looked:
    """What the probes keep of a film.

    Attributes:
        film: Its row.
        stored: Container, and how it holds its greys: ``"jpeg RGB"``.
        features: Name of a probe -> what it sees.
    """

    film: FilmRow
    stored: str
    features: Mapping[str, NDArray[np.float32]]


def look(manifest: Manifest, seed: int) -> list[Looked]:
    """Open the films, at most `MAX_PROBED` of them (the seed decides which), in the order of their ids.

    Raises:
        InputError: Films that changed since they were ingested, or cannot be decoded.
    """
    some = sorted(manifest.films, key=lambda f: key_entropy(seed, "probed", f.image_id))[:MAX_PROBED]
    out: list[Looked] = []
    bad: list[str] = []
    with progress("audit: read", len(some)) as step:
        for f in sorted(some, key=lambda f: f.image_id):
            try:
                out.append(_looked(f))
            except FilmError as e:
                bad.append(f"{f.image_id}: {e.reason}")
            step()
    refuse(bad)
    return out


def _looked(f: FilmRow) -> Looked:
    decoded = film_as_ingested(f.image_id, f.path, f.sha256)
    pixels = decoded.pixels
    small = reduced(pixels)
    features = {
        "stretch": stretch(pixels),
        "exposure": exposure(pixels),
        "grain": grain(pixels),
        "border": border(small),
        "thumbnail": thumbnail(small),
    }
    if f.lung_mask:
        erased = without_lungs(pixels, _mask(f.lung_mask))
        if erased is not None:
            features[ERASED] = erased
    return Looked(f, f"{decoded.format} {decoded.mode}", features)


def _mask(path: str) -> NDArray[np.uint8]:
    try:
        return decode_file(Path(path), mask=True).pixels
    except FilmError as e:
        raise FilmError(
            f"its lung mask {path} is of no use ({e.reason}): mend it or take it away", str(e)
        ) from e


def probes(
    looked: Sequence[Looked], groups: Mapping[str, str], positive: str, seed: int
) -> list[dict[str, Any]]:
    """A row for each probe, which looks for the class `positive`; films of one group stay in one fold."""
    some = [x.film for x in looked]
    features = {
        "source": _encoded(some, ("source",)),
        "metadata": _encoded(some, ("view", "age_group", "sex"), sizes=True),
        "container": np.stack(_one_hot([x.stored for x in looked]), axis=1),
        **{
            name: np.stack([x.features[name] for x in looked])
            for name in looked[0].features
            if name != ERASED
        },
    }
    asked = dict.fromkeys(features, _asked(some, groups, positive, seed))
    films = dict.fromkeys(features, some)
    if masked := [x for x in looked if ERASED in x.features]:
        features[ERASED], films[ERASED] = (
            np.stack([x.features[ERASED] for x in masked]),
            [x.film for x in masked],
        )
        asked[ERASED] = _asked(films[ERASED], groups, positive, seed)
    rows, measured = [], {}
    for name, seen in features.items():
        found = measured[name] = probe(seen, asked[name], tree=name in _BY_TREE)
        labels = sorted({film.label for film in films[name]})
        rows.append(
            {
                "name": name,
                "sees": _SEES[name],
                "auc": found.auc,
                "spread": found.spread,
                "n_images": found.n_images,
                "n_positive": found.n_positive,
                "meaning": _meaning(found, against(positive, labels)),
            }
        )
    alarmed = alarms({name: found for name, found in measured.items() if name not in _SEES_DISEASE})
    return [{**row, "alarm": row["name"] in alarmed} for row in rows]


def _asked(films: Sequence[FilmRow], groups: Mapping[str, str], positive: str, seed: int) -> Asked:
    return Asked(
        np.array([f.label == positive for f in films]), np.array([groups[f.image_id] for f in films]), seed
    )


def _meaning(found: Probe, asked: str) -> str:
    if found.auc is None:
        return f"Not measured: {found.reason}."
    auc = found.auc
    if auc >= 0.95:
        how = "nearly gives the class away: a high score of a trained model need not mean that it reads lungs"
    elif auc >= 0.8:
        how = "tells much: compare a trained model's score with this one, not with .5"
    elif auc >= 0.65:
        how = "tells something"
    else:
        how = "tells little"
    return f"Without looking at disease, this {how} ({asked}, AUC {auc:.2f})."


def _encoded(films: Sequence[FilmRow], columns: Sequence[str], sizes: bool = False) -> NDArray[np.float32]:
    """One column of 0 and 1 for each value, and sizes in pixels."""
    parts: list[NDArray[np.float32]] = []
    for column in columns:
        parts += _one_hot([f.value(column) for f in films])
    if sizes:
        width = np.array([f.width_px for f in films], np.float32)
        height = np.array([f.height_px for f in films], np.float32)
        parts += [width, height, np.asarray(width / np.maximum(height, 1), np.float32)]
    return np.stack(parts, axis=1)


def _one_hot(values: Sequence[str]) -> list[NDArray[np.float32]]:
    """A column of 0 and 1 for each value."""
    return [np.array([v == known for v in values], np.float32) for known in sorted(set(values))]
