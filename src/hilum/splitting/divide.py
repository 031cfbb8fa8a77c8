"""The rules of dividing: how many films of each class go to which part, by the paper's sets, by shares, as the source does, or without
a source. What is drawn is groups (`groups`); who asks, and what is written, is `split`'s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.split import PARTS
from hilum.core.errors import InputError, nearest
from hilum.core.seeding import generator
from hilum.splitting.groups import count_groups, draw_groups, total
from hilum.splitting.official import official_parts
from hilum.study.tables import Crossing, SplitMethod

OFFICIAL_VALID = Fraction(1, 5)  # of train, where the source has no validation part to speak of
_FINEST = 10**6  # .1 is taken as a tenth, not as the nearest double


@dataclass(frozen=True)
class Draws:
    """The generators of a split's draws, one a part."""

    method: SplitMethod
    seed: int
    rest_seed: int
    trial: int
    changing: tuple[str, ...]

    def of(self, part: str, *more: str) -> np.random.Generator:
        own = self.seed if part == "test" else self.rest_seed
        trial = self.trial if part in self.changing else 0
        return generator(own, "split", self.method, part, trial, *more)


@dataclass(frozen=True)
class Drawn:
    """Films by part, and what the header says of how they came there."""

    parts: dict[str, list[str]]
    facts: dict[str, Any]


def parts_by_share(manifest: Manifest, group_of: Mapping[str, str], draws: Draws, shares: Shares) -> Drawn:
    """Test first, then validation from the rest, each class its share."""
    groups = count_groups(manifest, group_of)
    sizes = {label: shares.sizes(n) for label, n in manifest.count_by("label").items()}
    test = draw_groups(groups, {label: s[1] for label, s in sizes.items()}, draws.of("test"))
    rest = {name: c for name, c in groups.items() if name not in test}
    wanted = {label: min(sizes[label][0], n) for label, n in total(rest).items()}
    valid = draw_groups(rest, wanted, draws.of("valid"))
    parts: dict[str, list[str]] = {p: [] for p in PARTS}
    for image_id, name in group_of.items():
        parts["test" if name in test else "valid" if name in valid else "train"].append(image_id)
    return Drawn(parts, {"fractions": {k: float(v) for k, v in shares.nominal().items()}})


def parts_of_source(
    manifest: Manifest, group_of: Mapping[str, str], draws: Draws, crossing: Crossing
) -> Drawn:
    """The source's own parts; validation drawn from train where the source has none to speak of."""
    found = official_parts(manifest, group_of, crossing)
    parts = {p: list(ids) for p, ids in found.parts.items()}
    if found.drawn_because:
        parts |= _train_and_valid(manifest.only(parts["train"]), group_of, OFFICIAL_VALID, draws.of("valid"))
    facts = {
        "source_parts": dict(found.source_parts),
        "crossing": crossing,
        "left_out_crossing": len(found.left_out),
        "validation": f"drawn: {found.drawn_because}" if found.drawn_because else "the source's own",
    }
    return Drawn(parts, {"official": facts})


def parts_without(
    manifest: Manifest,
    group_of: Mapping[str, str],
    draws: Draws,
    fractions: Mapping[str, float] | None,
    crossing: Crossing,
    without: str,
) -> Drawn:
    """All films of a source are test; the others are divided into train and validation."""
    test = [f.image_id for f in manifest.films if f.source == without]
    if not test:
        sources = manifest.count_by("source")
        raise InputError(
            f"no film comes from source {without!r}, which is to be left out; {nearest(without, sources)}"
        )
    touched = {group_of[i] for i in test}
    others = [f.image_id for f in manifest.films if f.source != without]
    kept = [i for i in others if group_of[i] not in touched]
    facts: dict[str, Any] = {"without": without, "left_out_with_source": len(others) - len(kept)}
    rest = manifest.only(kept)
    if draws.method == "official":
        own = parts_of_source(rest, group_of, draws, crossing)
        return Drawn({**own.parts, "test": test}, {**facts, **own.facts})
    shares = shares_of(draws.method, fractions)
    if shares.test == 1:
        raise InputError(
            "fractions put every film into test, so the films of other sources have no train and validation; correct them"
        )
    valid = shares.valid if shares.valid_of_rest else shares.valid / (1 - shares.test)
    parts = _train_and_valid(rest, group_of, valid, draws.of("valid", "without", without), shares.round_up)
    return Drawn({**parts, "test": test}, {**facts, "valid_of_others": float(valid)})


def _train_and_valid(
    films: Manifest, group_of: Mapping[str, str], share: Fraction, rng: np.random.Generator, up: bool = True
) -> dict[str, list[str]]:
    """Films divided into train and validation: of each class its share, rounded up or to the nearest."""
    groups = count_groups(films, group_of)
    wanted = {label: _rounded(share * n, up) for label, n in films.count_by("label").items()}
    valid = draw_groups(groups, wanted, rng)
    ids = [f.image_id for f in films.films]
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


def shares_of(method: SplitMethod, fractions: Mapping[str, float] | None) -> Shares:
    """What share of the groups each part has under a method; `fractions` is read by the method of that name alone."""
    if method == "set1":
        return Shares(Fraction(1, 5), Fraction(1, 10), valid_of_rest=True, round_up=True)
    if method == "set2":
        return Shares(Fraction(1, 2), Fraction(1, 5), valid_of_rest=True, round_up=True)
    if fractions is None:
        raise InputError("the split method 'fractions' needs the share of train, valid and test")
    for part in fractions:
        if part not in PARTS:
            raise InputError(f"unknown part {part!r} in fractions; {nearest(part, PARTS)}")
    exact = {p: Fraction(fractions.get(p, 0)).limit_denominator(_FINEST) for p in PARTS}
    if any(v < 0 for v in exact.values()) or sum(exact.values()) != 1:
        raise InputError(f"fractions must not be negative and must add up to 1, got {dict(fractions)!r}")
    return Shares(exact["test"], exact["valid"], valid_of_rest=False, round_up=False)
