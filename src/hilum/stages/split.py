"""Manifest (+ duplicates) -> split: which films are in, and which of them train, validate and test.

Groups are drawn (`hilum.splitting.groups`): the test part first, then the validation part from the rest; each draw has a generator of its
own, keyed by the seed, the method and, where the trial changes that part, the trial. Groups are taken in the order of their names, so the
order of rows makes no difference. `set1` and `set2` round the test part up within each class, as the paper's counts do (1437 -> 719 of
1437, 724 of 3616); `fractions` rounds to the nearest. Sizes are exact when every film is its own group, else as near as groups allow.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.split import Split
from hilum.core.errors import InputError, require_known
from hilum.core.seeding import key_entropy
from hilum.splitting.divide import SplitOptions, divided
from hilum.splitting.groups import film_groups
from hilum.study.film_filter import FilterLike, compile_filter

_FEWEST = 10  # films of a class in a subset


def select(
    manifest: Manifest,
    include: Sequence[FilterLike] = (),
    exclude: Sequence[FilterLike] = (),
    one_per_patient: Sequence[str] = (),
    seed: int = 0,
    labels: Sequence[str] | None = None,
) -> Manifest:
    """The films that a study uses.

    Args:
        manifest: All films.
        include: Tables of `film_filter`; a film is in when one of them fits, or when there is no table.
        exclude: Tables of the same form; a film that fits one is out.
        one_per_patient: Labels of which one film a patient is drawn, by seed, patient and film.
        seed: Seed of that draw.
        labels: The study's classes, of which its films are; filters may name others, as what they leave out. None for all.

    Raises:
        InputError: An unknown column or value, no film left, or a film without a patient id where one is needed.
    """
    for key, tables in (("include", include), ("exclude", exclude)):
        for table in tables:
            manifest.check_filter(table, f"data.{key}")
    wanted, unwanted = [compile_filter(t) for t in include], [compile_filter(t) for t in exclude]
    kept = [
        k
        for k, film in enumerate(manifest.films)
        if (labels is None or film.label in labels)
        and (not wanted or any(fits(film) for fits in wanted))
        and not any(fits(film) for fits in unwanted)
    ]
    known = set(manifest.texts("label"))
    for label in one_per_patient:
        require_known(label, known, "one_per_patient: no film has label")
    if one_per_patient:
        kept = _one_a_patient(manifest.taken(kept), kept, one_per_patient, seed)
    if not kept:
        raise InputError(
            f"include, exclude and one_per_patient leave none of the {len(manifest)} films; "
            f"include = {[dict(t) for t in include]!r}, exclude = {[dict(t) for t in exclude]!r}"
        )
    return manifest.taken(kept)


def _one_a_patient(films: Manifest, rows: Sequence[int], labels: Sequence[str], seed: int) -> list[int]:
    """The rows of films that are left when one film a patient was drawn of those labels."""
    drawn: dict[tuple[str, str], tuple[int, str]] = {}
    for film in films.films:
        if film.label not in labels:
            continue
        if not film.patient_id:
            raise InputError(
                f"one film a patient cannot be drawn for label {film.label!r}: film {film.image_id!r} of "
                f"source {film.source!r} has no patient_id; leave out that source or that label"
            )
        ticket = (key_entropy(seed, "one per patient", film.patient_id, film.image_id), film.image_id)
        who = (film.label, film.patient_id)
        drawn[who] = min(drawn.get(who, ticket), ticket)
    chosen = {image_id for _, image_id in drawn.values()}
    there = zip(rows, films.films.ids, films.texts("label"), strict=True)
    return [row for row, image_id, label in there if label not in labels or image_id in chosen]


def subset(manifest: Manifest, n: int, seed: int, strata: str = "label") -> Manifest:
    """`n` films, of each class (or value of another column) its share (by largest remainder), drawn by seed and film: a smaller subset is
    part of a larger one, but for rounding.

    Raises:
        InputError: More films than there are, or fewer than ten of a class (a split needs as many).
    """
    if n > len(manifest):
        raise InputError(f"a subset of {n} films was asked for, but there are {len(manifest)}")
    by_class: dict[str, list[str]] = {}
    for value, image_id in zip(manifest.texts(strata), manifest.films.ids, strict=True):
        by_class.setdefault(value, []).append(image_id)
    exact = {label: n * len(ids) / len(manifest) for label, ids in by_class.items()}
    shares = {label: math.floor(x) for label, x in exact.items()}
    by_remainder = sorted(exact, key=lambda label: shares[label] - exact[label])
    for label in by_remainder[: n - sum(shares.values())]:
        shares[label] += 1
    kept: list[str] = []
    for label, ids in by_class.items():
        share = shares[label]
        if share < _FEWEST:
            raise InputError(
                f"a subset of {n} films has {share} of class {label!r}; ask for at least {math.ceil(_FEWEST * len(manifest) / len(ids))}"
            )
        kept += sorted(ids, key=lambda i: key_entropy(seed, "subset", i))[:share]
    return manifest.only(kept)


def draw_split(
    manifest: Manifest,
    duplicates: Duplicates | None,
    options: SplitOptions,
    whole: Manifest | None = None,
    selection: Mapping[str, Any] | None = None,
) -> Split:
    """Draw train, validation and test.

    Args:
        manifest: The films to divide.
        duplicates: Copies among them, or among more films; None to group by patient and equal pixels only.
        options: How they are divided.
        whole: The manifest that `manifest` was selected from, whose digest is then the one recorded.
        selection: How it was selected, for the record.

    Raises:
        InputError: As `divided`, or an empty manifest.
        DigestError: `duplicates` does not cover the films.
        LeakageError: As `divided`.
    """
    if len(manifest) == 0:
        raise InputError("there are no films to divide; the manifest is empty")
    group_of = film_groups(manifest, duplicates)
    parts, facts = divided(manifest, group_of, options)
    inputs = {"manifest": (whole or manifest).digest}
    if duplicates is not None:
        inputs["duplicates"] = duplicates.digest
    members = Counter(group_of.values())
    record = {
        "method": options.method,
        "trial": options.trial,
        "redraw": list(options.changing),
        **facts,
        "near_duplicates": duplicates is not None,
        "selection": dict(selection or {}),
        "n_groups": len(members),
        "largest_group": max(members.values()),
        "n_films": {
            p: dict(sorted(Counter(manifest.texts_of("label", ids)).items())) for p, ids in parts.items()
        },
    }
    header = Header("split", inputs=inputs, options=record, seed=options.seed)
    return Split(parts, group_of, header)
