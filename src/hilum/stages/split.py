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
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np

from hilum.artifacts.duplicates import Duplicates, joined
from hilum.artifacts.film_filter import FilterLike, check_filter, compile_filter
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.split import PARTS, Split
from hilum.core.errors import InputError, nearest
from hilum.core.seeding import generator, key_entropy

Method = Literal["set1", "set2", "fractions"]
METHODS: tuple[Method, ...] = get_args(Method)
REDRAW: dict[Method, tuple[str, ...]] = {
    "set1": ("train", "valid", "test"),
    "set2": ("train", "valid"),
    "fractions": ("train", "valid"),
}
_FEWEST = 10  # films of a class in a subset
_FINEST = 10**6  # .1 is taken as a tenth, not as the nearest double


def select(
    manifest: Manifest,
    include: Sequence[FilterLike] = (),
    exclude: Sequence[FilterLike] = (),
    one_per_patient: Sequence[str] = (),
    seed: int = 0,
) -> Manifest:
    """The films that a study uses.

    Args:
        manifest: All films.
        include: Tables of `film_filter`; a film is in when one of them fits, or when there is no table.
        exclude: Tables of the same form; a film that fits one is out.
        one_per_patient: Labels of which one film a patient is drawn, by seed, patient and film.
        seed: Seed of that draw.

    Raises:
        InputError: An unknown column or value, no film left, or a film without a patient id where one is
        needed.
    """
    for key, tables in (("include", include), ("exclude", exclude)):
        for table in tables:
            check_filter(manifest, table, f"data.{key}")
    wanted, unwanted = [compile_filter(t) for t in include], [compile_filter(t) for t in exclude]
    kept = [
        film
        for film in manifest.films
        if (not wanted or any(fits(film) for fits in wanted)) and not any(fits(film) for fits in unwanted)
    ]
    labels = {f.label for f in manifest.films}
    for label in one_per_patient:
        if label not in labels:
            raise InputError(f"one_per_patient: no film has label {label!r}; {nearest(label, labels)}")
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


def film_groups(manifest: Manifest, duplicates: Duplicates | None) -> dict[str, str]:
    """image_id -> name of its group: what may not be divided.

    Films with one patient id, with equal pixels or bytes, and confirmed copies are joined; also when the link
    between them is a film that the manifest does not hold.

    Raises:
        DigestError: `duplicates` does not cover the manifest.
    """
    links: list[Sequence[str]] = [(f.image_id,) for f in manifest.films]
    for column in ("patient_id", "pixels_sha256", "sha256"):
        by_value: dict[str, list[str]] = {}
        for f in manifest.films:
            if value := str(getattr(f, column)):
                by_value.setdefault(value, []).append(f.image_id)
        links.extend(ids for ids in by_value.values() if len(ids) > 1)
    if duplicates is not None:
        duplicates.check(manifest)
        links.extend(duplicates.groups)
    out: dict[str, str] = {}
    for ids in joined(links):
        here = [manifest.by_id[i] for i in ids if i in manifest.by_id]
        if not here:
            continue
        patients = {f.patient_id for f in here}
        if len(here) == 1:
            name = here[0].image_id
        elif len(patients) == 1 and "" not in patients:
            name = f"patient {here[0].patient_id}"
        else:
            name = f"copy of {here[0].image_id}"
        out.update((f.image_id, name) for f in here)
    return out


def draw_split(
    manifest: Manifest,
    duplicates: Duplicates | None,
    method: Method,
    seed: int,
    trial: int = 1,
    fractions: Mapping[str, float] | None = None,
    redraw: Iterable[str] | None = None,
    *,
    rest_seed: int | None = None,
    whole: Manifest | None = None,
    selection: Mapping[str, Any] | None = None,
) -> Split:
    """Draw train, validation and test.

    Args:
        manifest: The films to divide.
        duplicates: Copies among them, or among more films; None to group by patient and equal pixels only.
        method: ``set1``: of each class 20 % are test, 10 % of the rest validation, both redrawn with the
        trial. ``set2``:
            half is test, drawn once from the seed; 20 % of the rest is validation, redrawn with the trial.
            ``fractions``: as `fractions` says; the test part drawn once.
        seed: Of the study.
        trial: From 1.
        fractions: Part -> share, adding up to 1; for the method ``fractions`` only.
        redraw: Parts that the trial changes; None for what the method says.
        rest_seed: Seed of the draw of validation films, where it is not `seed`.
        whole: The manifest that `manifest` was selected from, whose digest is then the one recorded.
        selection: How it was selected, for the record.

    Raises:
        InputError: Unknown method or part, fractions that do not add up to 1, an empty manifest.
        DigestError: `duplicates` does not cover the films.
    """
    if method not in METHODS:
        raise InputError(f"unknown split method {method!r}; {nearest(method, METHODS)}")
    if len(manifest) == 0:
        raise InputError("there are no films to divide; the manifest is empty")
    changing = tuple(sorted(REDRAW[method] if redraw is None else set(redraw)))
    for part in changing:
        if part not in PARTS:
            raise InputError(f"unknown part {part!r} to redraw; {nearest(part, PARTS)}")
    shares = _shares(method, fractions)
    group_of = film_groups(manifest, duplicates)
    groups = _counted(manifest, group_of)
    counts = Counter(f.label for f in manifest.films)

    def rng(part: str) -> np.random.Generator:
        own = seed if part == "test" or rest_seed is None else rest_seed
        return generator(own, "split", method, part, trial if part in changing else 0)

    sizes = {label: shares.sizes(n) for label, n in counts.items()}
    test = _draw(groups, {label: s[1] for label, s in sizes.items()}, rng("test"))
    rest = {name: c for name, c in groups.items() if name not in test}
    left = _totals(rest)
    valid = _draw(rest, {label: min(sizes[label][0], n) for label, n in left.items()}, rng("valid"))
    parts: dict[str, list[str]] = {p: [] for p in PARTS}
    for image_id, name in group_of.items():
        parts["test" if name in test else "valid" if name in valid else "train"].append(image_id)
    inputs = {"manifest": (whole or manifest).digest}
    if duplicates is not None:
        inputs["duplicates"] = duplicates.digest
    options = {
        "method": method,
        "trial": trial,
        "redraw": list(changing),
        "fractions": {k: float(v) for k, v in shares.nominal().items()},
        "near_duplicates": duplicates is not None,
        "selection": dict(selection or {}),
        "n_groups": len(groups),
        "largest_group": max(sum(c.values()) for c in groups.values()),
        "n_films": {p: manifest.only(ids).count_by("label") for p, ids in parts.items()},
    }
    return Split(parts, group_of, Header("split", inputs=inputs, options=options, seed=seed))


@dataclass(frozen=True)
class _Shares:
    """Shares of a class: of all its films for test, then either of what is left or of all for validation."""

    test: Fraction
    valid: Fraction
    valid_of_rest: bool
    round_up: bool

    def sizes(self, n: int) -> tuple[int, int]:
        """Number of validation and of test films of a class of n."""
        test = min(n, self._round(self.test * n))
        valid = min(n - test, self._round(self.valid * (n - test if self.valid_of_rest else n)))
        return valid, test

    def _round(self, x: Fraction) -> int:
        return math.ceil(x) if self.round_up else math.floor(x + Fraction(1, 2))

    def nominal(self) -> dict[str, Fraction]:
        """Part -> share of all films."""
        valid = self.valid * (1 - self.test) if self.valid_of_rest else self.valid
        return {"train": 1 - self.test - valid, "valid": valid, "test": self.test}


def _shares(method: Method, fractions: Mapping[str, float] | None) -> _Shares:
    if method == "set1":
        return _Shares(Fraction(1, 5), Fraction(1, 10), valid_of_rest=True, round_up=True)
    if method == "set2":
        return _Shares(Fraction(1, 2), Fraction(1, 5), valid_of_rest=True, round_up=True)
    if fractions is None:
        raise InputError("the split method 'fractions' needs the share of train, valid and test")
    for part in fractions:
        if part not in PARTS:
            raise InputError(f"unknown part {part!r} in fractions; {nearest(part, PARTS)}")
    exact = {p: Fraction(fractions.get(p, 0)).limit_denominator(_FINEST) for p in PARTS}
    if any(v < 0 for v in exact.values()) or sum(exact.values()) != 1:
        raise InputError(f"fractions must not be negative and must add up to 1, got {dict(fractions)!r}")
    return _Shares(exact["test"], exact["valid"], valid_of_rest=False, round_up=False)


def _counted(manifest: Manifest, group_of: Mapping[str, str]) -> dict[str, Counter[str]]:
    groups: dict[str, Counter[str]] = {}
    for film in manifest.films:
        groups.setdefault(group_of[film.image_id], Counter())[film.label] += 1
    return dict(sorted(groups.items()))


def _totals(groups: Mapping[str, Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for c in groups.values():
        total.update(c)
    return total


def _draw(
    groups: Mapping[str, Counter[str]], wanted: Mapping[str, int], rng: np.random.Generator
) -> set[str]:
    """Draw groups whose films add up to the wanted number of each class, as near as groups allow.

    The largest groups are placed first, in random order among equals, each with the chance that its classes'
    wanted films have among those not yet placed, as long as it fits; so patients with many films are not all
    on one side, and single films, placed last, make the sizes exact.
    """
    names = list(groups)
    order = rng.permutation(len(names))
    by_size = sorted(order.tolist(), key=lambda k: -sum(groups[names[k]].values()))
    chance = rng.random(len(names))
    need = Counter(wanted)
    spare = _totals(groups)
    spare.subtract(need)
    drawn: set[str] = set()
    for k in by_size:
        films = groups[names[k]]
        over_in = sum(max(0, n - max(0, need[c])) for c, n in films.items())
        over_out = sum(max(0, n - max(0, spare[c])) for c, n in films.items())
        if over_in == over_out:
            open_in = sum(max(0, need[c]) for c in films)
            open_out = sum(max(0, spare[c]) for c in films)
            take = chance[k] * (open_in + open_out) < open_in
        else:
            take = over_in < over_out
        if take:
            drawn.add(names[k])
        (need if take else spare).subtract(films)
    return drawn
