"""The parts that a source itself defines (``source_part``): whose films train, validate and test, as its publishers divided them.

The test part is the source's own, film by film. Validation is too where it is large enough; else its films join train, and the caller draws
validation from there, for a part of a few films chooses nothing. A group with films in two parts is refused, or ``keep-test`` leaves
out its films that are not in the part held back most (test before valid before train); nothing is ever moved into test.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.split import PART_SPELLINGS, PARTS
from hilum.core.errors import InputError, LeakageError, nearest
from hilum.core.text import counted
from hilum.study.tables import Crossing

FEWEST_VALID = 10
"""Films of each class that a source's own validation part must have, to be used as it is."""


def official_parts(
    manifest: Manifest, group_of: Mapping[str, str], crossing: Crossing
) -> tuple[dict[str, list[str]], dict[str, Any], str]:
    """The parts of the films as their sources have them.

    Returns:
        Part -> image ids, ``valid`` empty where it is to be drawn from train; what the header says of it; and why it is to be drawn,
        empty where it is the source's own.

    Raises:
        InputError: A film without a part, or with one that is none.
        LeakageError: A group with films in two parts, unless `crossing` says what becomes of it.
    """
    part_of = _parts_of(manifest)
    source_parts = {p: sum(v == p for v in part_of.values()) for p in PARTS}
    because = _why_drawn(manifest, part_of)
    if because:
        part_of = {i: "train" if p == "valid" else p for i, p in part_of.items()}
    held_back: dict[str, str] = {}
    first: dict[str, dict[str, str]] = defaultdict(dict)
    for film in manifest.films:
        part, group = part_of[film.image_id], group_of[film.image_id]
        held_back[group] = max(held_back.get(group, part), part, key=PARTS.index)
        first[group].setdefault(part, film.image_id)
    left_out = tuple(i for i, p in part_of.items() if p != held_back[group_of[i]])
    if left_out and crossing == "refuse":
        raise LeakageError(_crossing_message(first, len(left_out)))
    gone = set(left_out)
    parts = {p: [i for i, q in part_of.items() if q == p and i not in gone] for p in PARTS}
    facts = {"source_parts": source_parts, "crossing": crossing, "left_out_crossing": len(left_out)}
    return parts, facts, because


def _parts_of(manifest: Manifest) -> dict[str, str]:
    without = [f for f in manifest.films if not f.source_part]
    if without:
        raise InputError(
            f"method official: {len(without)} of {len(manifest)} films have no source_part ({_by_source(without)}); leave them out "
            '(exclude = [{ source_part = "" }], or `hilum split --exclude source_part=`), or give them one in the source\'s table'
        )
    found = {}
    for film in manifest.films:
        part = PART_SPELLINGS.get(film.source_part.strip().lower())
        if part is None:
            raise InputError(
                f"method official: film {film.image_id!r} has source_part {film.source_part!r}, which is no part; "
                f"{nearest(film.source_part, PART_SPELLINGS)}"
            )
        found[film.image_id] = part
    return found


def _why_drawn(manifest: Manifest, part_of: Mapping[str, str]) -> str:
    counts = Counter(f.label for f in manifest.films if part_of[f.image_id] == "valid")
    if not counts:
        return "the source has no validation part"
    fewest, label = min((counts[c], c) for c in manifest.count_by("label"))
    if fewest >= FEWEST_VALID:
        return ""
    return (
        f"the source's validation part has {counted(counts.total(), 'film')}, {fewest} of class {label!r}; "
        f"fewer than {FEWEST_VALID} of a class choose nothing, so they join train"
    )


def _by_source(films: list[FilmRow]) -> str:
    return ", ".join(f"{n} of {s}" for s, n in Counter(f.source for f in films).most_common(3))


def _crossing_message(first: Mapping[str, Mapping[str, str]], n_left_out: int) -> str:
    crossing = {g: parts for g, parts in first.items() if len(parts) > 1}
    group, parts = next(iter(sorted(crossing.items())))
    where = ", ".join(f"{p}: {parts[p]!r}" for p in PARTS if p in parts)
    return (
        f"method official: films of one patient, or copies of one film, are in two of the source's parts "
        f"({counted(len(crossing), 'group')}, the first is {group!r}: {where}); a group may be in one part only. "
        'Correct the ids, or take split.crossing = "keep-test" '
        f"(`hilum split --crossing keep-test`), which leaves out {counted(n_left_out, 'film')} of train and validation "
        "whose group is in a part held back more"
    )
