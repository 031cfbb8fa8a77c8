"""The rules of dividing: how many films of each class go to which part, by the paper's sets, by shares, as the source does, or without
a source. What is drawn is groups (`groups`); who asks, and what is written, is `split`'s.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, get_args

import numpy as np

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.split import PARTS
from hilum.core.errors import InputError, nearest, require_known
from hilum.core.seeding import generator
from hilum.splitting.groups import count_groups, draw_groups, total
from hilum.splitting.official import official_parts
from hilum.splitting.stratified import draw_stratified, finding_counts
from hilum.study.tables import Crossing, SplitMethod

METHODS: tuple[SplitMethod, ...] = get_args(SplitMethod)
OFFICIAL_VALID = Fraction(1, 5)  # of train, where the source has no validation part to speak of
_FINEST = 10**6  # .1 is taken as a tenth, not as the nearest double


@dataclass(frozen=True)
class SplitOptions:
    """How films are divided.

    Attributes:
        method: ``set1``: of each class 20 % are test, 10 % of the rest validation, both redrawn with the trial. ``set2``: half is test,
            drawn once from the seed; 20 % of the rest is validation, redrawn with the trial. ``fractions``: as `fractions` says; the
            test part drawn once. ``official``: the source's own parts (`official`); where it has no validation part to speak of, 20 %
            of train, redrawn with the trial.
        seed: Of the study.
        trial: From 1.
        fractions: Part -> share, adding up to 1; for the method ``fractions`` only.
        redraw: Parts that the trial changes; None for what the method says.
        rest_seed: Seed of the draw of validation films, where it is not `seed`.
        crossing: For ``official``: what becomes of a group in two of the source's parts.
        strata: The column of which each value has its share of every part.
        without: A source whose films are test, all of them and only those; the others are divided into train and validation in the
            proportion that the method has for these two. Films of others whose group has a film of that source are left out.
        findings: Of films whose labels are texts of findings (`hilum.artifacts.finding_labels`): shares are then of each finding instead of
            each class (`stratified`); empty for classes.

    Raises:
        InputError: Unknown method or part.
    """

    method: SplitMethod
    seed: int
    trial: int = 1
    fractions: Mapping[str, float] | None = None
    redraw: Collection[str] | None = None
    rest_seed: int | None = None
    crossing: Crossing = "refuse"
    without: str = ""
    strata: str = "label"
    findings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_known(self.method, METHODS, "unknown split method")
        for part in self.changing:
            require_known(part, PARTS, "unknown part", " to redraw")

    @property
    def changing(self) -> tuple[str, ...]:
        """The parts that the trial changes, sorted."""
        of_method = ("test", "train", "valid") if self.method == "set1" else ("train", "valid")
        return of_method if self.redraw is None else tuple(sorted(set(self.redraw)))

    def generator(self, part: str, *more: str) -> np.random.Generator:
        """What a part is drawn with: each has a generator of its own."""
        own = self.seed if part == "test" or self.rest_seed is None else self.rest_seed
        trial = self.trial if part in self.changing else 0
        return generator(own, "split", self.method, part, trial, *more)

    @property
    def shares(self) -> Shares:
        """The share of each part, but for the method ``official``.

        Raises:
            InputError: Fractions that are missing or do not add up to 1.
        """
        if self.method == "set1":
            return Shares(Fraction(1, 5), Fraction(1, 10), valid_of_rest=True, round_up=True)
        if self.method == "set2":
            return Shares(Fraction(1, 2), Fraction(1, 5), valid_of_rest=True, round_up=True)
        if self.fractions is None:
            raise InputError("the split method 'fractions' needs the share of train, valid and test")
        for part in self.fractions:
            require_known(part, PARTS, "unknown part", " in fractions")
        exact = {p: Fraction(self.fractions.get(p, 0)).limit_denominator(_FINEST) for p in PARTS}
        if any(v < 0 for v in exact.values()) or sum(exact.values()) != 1:
            raise InputError(
                f"fractions must not be negative and must add up to 1, got {dict(self.fractions)!r}"
            )
        return Shares(exact["test"], exact["valid"], valid_of_rest=False, round_up=False)


Drawn = tuple[dict[str, list[str]], dict[str, Any]]
"""Films by part, and what the header says of how they came there."""


def divided(manifest: Manifest, group_of: Mapping[str, str], options: SplitOptions) -> Drawn:
    """Films by part.

    Raises:
        InputError: Fractions that do not add up to 1; no film of the source that is left out.
        LeakageError: ``official``, and a group is in two of the source's parts.
    """
    if options.without:
        return _without_source(manifest, group_of, options)
    if options.method == "official":
        return _as_source(manifest, group_of, options)
    return _by_share(manifest, group_of, options)


def _by_share(manifest: Manifest, group_of: Mapping[str, str], options: SplitOptions) -> Drawn:
    """Test first, then validation from the rest, each class (or other stratum) its share."""
    shares = options.shares
    if options.findings:
        return _by_findings(manifest, group_of, options, shares)
    groups = count_groups(manifest, group_of, options.strata)
    sizes = {value: shares.sizes(n) for value, n in manifest.count_by(options.strata).items()}
    test = draw_groups(groups, {value: s[1] for value, s in sizes.items()}, options.generator("test"))
    rest = {name: c for name, c in groups.items() if name not in test}
    wanted = {value: min(sizes[value][0], n) for value, n in total(rest).items()}
    valid = draw_groups(rest, wanted, options.generator("valid"))
    parts: dict[str, list[str]] = {p: [] for p in PARTS}
    for image_id, name in group_of.items():
        parts["test" if name in test else "valid" if name in valid else "train"].append(image_id)
    return parts, {"fractions": {k: float(v) for k, v in shares.nominal().items()}}


def _by_findings(
    manifest: Manifest, group_of: Mapping[str, str], options: SplitOptions, shares: Shares
) -> Drawn:
    """Test first, then validation from the rest, of each finding its share."""
    ids = manifest.films.ids
    test = _stratum(manifest, group_of, options, shares.test, options.generator("test"))
    rest = manifest.only(i for i in ids if group_of[i] not in test)
    of_rest = shares.valid if shares.valid_of_rest or shares.test == 1 else shares.valid / (1 - shares.test)
    valid = _stratum(rest, group_of, options, of_rest, options.generator("valid")) if len(rest) else set()
    parts: dict[str, list[str]] = {p: [] for p in PARTS}
    for i in ids:
        parts["test" if group_of[i] in test else "valid" if group_of[i] in valid else "train"].append(i)
    return parts, {
        "fractions": {k: float(v) for k, v in shares.nominal().items()},
        "stratified": list(options.findings),
    }


def _stratum(
    films: Manifest,
    group_of: Mapping[str, str],
    options: SplitOptions,
    share: Fraction,
    rng: np.random.Generator,
) -> set[str]:
    """Groups that are a share of the films, of each finding as near as can be."""
    names, counts = finding_counts(films, group_of, options.findings)
    return {n for n, drawn in zip(names, draw_stratified(counts, share, rng), strict=True) if drawn}


def _as_source(manifest: Manifest, group_of: Mapping[str, str], options: SplitOptions) -> Drawn:
    """The source's own parts; validation drawn from train where the source has none to speak of."""
    parts, facts, because = official_parts(manifest, group_of, options.crossing)
    if because:
        parts |= _train_and_valid(
            manifest.only(parts["train"]), group_of, OFFICIAL_VALID, options, options.generator("valid")
        )
    return parts, {
        "official": {**facts, "validation": f"drawn: {because}" if because else "the source's own"}
    }


def _without_source(manifest: Manifest, group_of: Mapping[str, str], options: SplitOptions) -> Drawn:
    """All films of a source are test; the others are divided into train and validation."""
    without = options.without
    sources = manifest.texts("source")
    test = [i for i, source in zip(manifest.films.ids, sources, strict=True) if source == without]
    if not test:
        raise InputError(
            f"no film comes from source {without!r}, which is to be left out; {nearest(without, manifest.count_by('source'))}"
        )
    touched = {group_of[i] for i in test}
    others = [i for i, source in zip(manifest.films.ids, sources, strict=True) if source != without]
    kept = [i for i in others if group_of[i] not in touched]
    facts: dict[str, Any] = {"without": without, "left_out_with_source": len(others) - len(kept)}
    rest = manifest.only(kept)
    if options.method == "official":
        parts, own_facts = _as_source(rest, group_of, options)
        return {**parts, "test": test}, {**facts, **own_facts}
    shares = options.shares
    if shares.test == 1:
        raise InputError(
            "fractions put every film into test, so the films of other sources have no train and validation; correct them"
        )
    valid = shares.valid if shares.valid_of_rest else shares.valid / (1 - shares.test)
    drawn_with = options.generator("valid", "without", without)
    parts = _train_and_valid(rest, group_of, valid, options, drawn_with, shares.round_up)
    return {**parts, "test": test}, {**facts, "valid_of_others": float(valid)}


def _train_and_valid(
    films: Manifest,
    group_of: Mapping[str, str],
    share: Fraction,
    options: SplitOptions,
    rng: np.random.Generator,
    up: bool = True,
) -> dict[str, list[str]]:
    """Films divided into train and validation: of each class (other stratum, finding) its share, rounded up or to the nearest."""
    if options.findings:
        valid = _stratum(films, group_of, options, share, rng)
    else:
        wanted = {value: _rounded(share * n, up) for value, n in films.count_by(options.strata).items()}
        valid = draw_groups(count_groups(films, group_of, options.strata), wanted, rng)
    ids = films.films.ids
    return {
        "train": [i for i in ids if group_of[i] not in valid],
        "valid": [i for i in ids if group_of[i] in valid],
    }


def _rounded(x: Fraction, up: bool) -> int:
    return math.ceil(x) if up else math.floor(x + Fraction(1, 2))


@dataclass(frozen=True)
class Shares:
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
        return _rounded(x, self.round_up)

    def nominal(self) -> dict[str, Fraction]:
        """Part -> share of all films."""
        valid = self.valid * (1 - self.test) if self.valid_of_rest else self.valid
        return {"train": 1 - self.test - valid, "valid": valid, "test": self.test}
