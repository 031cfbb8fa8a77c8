"""Manifest (+ duplicates) -> split: which films are in, and which of them train, validate and test.

Convention: what is drawn is groups. A group is the films of one patient and copies of one film, joined where
they touch; it may hold several classes. The test part is drawn first, then the validation part from the rest;
each draw has a generator of its own, keyed by the seed, the method and, where the trial changes that part,
the trial. Groups are taken in the order of their names, so the order of rows makes no difference.

Sizes: `set1` and `set2` round the test part up within each class, as the paper's counts do (1437 -> 719 of
1437, 724 of 3616); `fractions` rounds to the nearest. When every film is its own group the sizes are exact;
else as near as groups allow.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.filter_check import check_filter
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.split import PARTS, Split
from hilum.core.errors import InputError, nearest
from hilum.core.seeding import key_entropy
from hilum.splitting.divide import Draws, parts_by_share, parts_of_source, parts_without, shares_of
from hilum.splitting.groups import film_groups
from hilum.study.film_filter import FilterLike, compile_filter
from hilum.study.tables import Crossing, SplitMethod

METHODS: tuple[SplitMethod, ...] = get_args(SplitMethod)
REDRAW: dict[SplitMethod, tuple[str, ...]] = {
    "set1": ("train", "valid", "test"),
    "set2": ("train", "valid"),
    "fractions": ("train", "valid"),
    "official": ("train", "valid"),
}
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
            check_filter(manifest, table, f"data.{key}")
    wanted, unwanted = [compile_filter(t) for t in include], [compile_filter(t) for t in exclude]
    kept = [
        film
        for film in manifest.films
        if (labels is None or film.label in labels)
        and (not wanted or any(fits(film) for fits in wanted))
        and not any(fits(film) for fits in unwanted)
    ]
    known = {f.label for f in manifest.films}
    for label in one_per_patient:
        if label not in known:
            raise InputError(f"one_per_patient: no film has label {label!r}; {nearest(label, known)}")
    drawn: dict[tuple[str, str], tuple[int, str]] = {}
    for film in kept:
        if film.label not in one_per_patient:
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
    left = [f for f in kept if f.label not in one_per_patient or f.image_id in chosen]
    if not left:
        raise InputError(
            f"include, exclude and one_per_patient leave none of the {len(manifest)} films; "
            f"include = {[dict(t) for t in include]!r}, exclude = {[dict(t) for t in exclude]!r}"
        )
    return Manifest(left, manifest.header, manifest.provenance)


def subset(manifest: Manifest, n: int, seed: int) -> Manifest:
    """`n` films, of each class its share (by largest remainder), drawn by seed and film: a smaller subset is part of a
    larger one, but for rounding.

    Raises:
        InputError: More films than there are, or fewer than ten of a class (a split needs as many).
    """
    if n > len(manifest):
        raise InputError(f"a subset of {n} films was asked for, but there are {len(manifest)}")
    by_class: dict[str, list[str]] = {}
    for film in manifest.films:
        by_class.setdefault(film.label, []).append(film.image_id)
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
    method: SplitMethod,
    seed: int,
    trial: int = 1,
    fractions: Mapping[str, float] | None = None,
    redraw: Iterable[str] | None = None,
    *,
    rest_seed: int | None = None,
    whole: Manifest | None = None,
    selection: Mapping[str, Any] | None = None,
    crossing: Crossing = "refuse",
    without: str = "",
) -> Split:
    """Draw train, validation and test.

    Args:
        manifest: The films to divide.
        duplicates: Copies among them, or among more films; None to group by patient and equal pixels only.
        method: ``set1``: of each class 20 % are test, 10 % of the rest validation, both redrawn with the
            trial. ``set2``: half is test, drawn once from the seed; 20 % of the rest is validation, redrawn with the trial.
            ``fractions``: as `fractions` says; the test part drawn once. ``official``: the source's own parts (`official`); where it has
            no validation part to speak of, 20 % of train, redrawn with the trial.
        seed: Of the study.
        trial: From 1.
        fractions: Part -> share, adding up to 1; for the method ``fractions`` only.
        redraw: Parts that the trial changes; None for what the method says.
        rest_seed: Seed of the draw of validation films, where it is not `seed`.
        whole: The manifest that `manifest` was selected from, whose digest is then the one recorded.
        selection: How it was selected, for the record.
        crossing: For ``official``: what becomes of a group in two of the source's parts.
        without: A source whose films are test, all of them and only those; the others are divided into train and validation in the
            proportion that the method has for these two. Films of others whose group has a film of that source are left out.

    Raises:
        InputError: Unknown method or part, fractions that do not add up to 1, an empty manifest.
        DigestError: `duplicates` does not cover the films.
        LeakageError: ``official``, and a group is in two of the source's parts.
    """
    if method not in METHODS:
        raise InputError(f"unknown split method {method!r}; {nearest(method, METHODS)}")
    if len(manifest) == 0:
        raise InputError("there are no films to divide; the manifest is empty")
    changing = tuple(sorted(REDRAW[method] if redraw is None else set(redraw)))
    for part in changing:
        if part not in PARTS:
            raise InputError(f"unknown part {part!r} to redraw; {nearest(part, PARTS)}")
    draws = Draws(method, seed, seed if rest_seed is None else rest_seed, trial, changing)
    group_of = film_groups(manifest, duplicates)
    if without:
        drawn = parts_without(manifest, group_of, draws, fractions, crossing, without)
    elif method == "official":
        drawn = parts_of_source(manifest, group_of, draws, crossing)
    else:
        drawn = parts_by_share(manifest, group_of, draws, shares_of(method, fractions))
    inputs = {"manifest": (whole or manifest).digest}
    if duplicates is not None:
        inputs["duplicates"] = duplicates.digest
    members = Counter(group_of.values())
    options = {
        "method": method,
        "trial": trial,
        "redraw": list(changing),
        **drawn.facts,
        "near_duplicates": duplicates is not None,
        "selection": dict(selection or {}),
        "n_groups": len(members),
        "largest_group": max(members.values()),
        "n_films": {p: manifest.only(ids).count_by("label") for p, ids in drawn.parts.items()},
    }
    return Split(drawn.parts, group_of, Header("split", inputs=inputs, options=options, seed=seed))
