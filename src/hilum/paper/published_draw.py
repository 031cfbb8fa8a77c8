"""How the published scripts drew Set 2: each class shuffled twice, once for train and once for test, so that half of test leaks.

Replayed from the scripts' description, with Python's ``random``: films of a class are sorted by fresh random keys; the first half is
train and validation, and after all classes are done they are sorted again and the second half is test. With the scripts' seed, 88, and
the paper's counts 4147 of the 8296 test films are in train or validation too. No patient is looked at. It exists to measure what that is
worth.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Mapping

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.split import UnsafeSplit

SWITCH = "overlapping_test_draw"
PUBLISHED_SEED = 88
TRAIN_ORDER = ("viral", "covid", "normal", "bacterial")
TEST_ORDER = ("covid", "normal", "viral", "bacterial")
VALID_SHARE = 0.2


def draw_as_published(
    manifest: Manifest, seed: int, group_of: Mapping[str, str] | None = None, coin_seed: int | None = None
) -> UnsafeSplit:
    """Train, validation and test as the scripts drew them.

    Args:
        manifest: The films; classes that the paper does not have come last, by name.
        seed: Of the shuffles.
        group_of: Group of each film, for resampling; each film its own if None.
        coin_seed: Of the draw of a fifth of the first half as validation (the scripts toss a coin a film, from a generator without a
            seed; here the fifth is exact); `seed` if None.
    """
    by_class: dict[str, list[str]] = defaultdict(list)
    for film in manifest.films:
        by_class[film.label].append(film.image_id)
    rng = random.Random(seed)
    coin = random.Random(seed if coin_seed is None else coin_seed)

    def shuffled(label: str) -> list[str]:
        return sorted(by_class[label], key=lambda _: rng.random())

    def ordered(first: tuple[str, ...]) -> list[str]:
        return [c for c in first if c in by_class] + sorted(set(by_class) - set(first))

    parts: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for label in ordered(TRAIN_ORDER):
        half = shuffled(label)[: len(by_class[label]) // 2]
        valid = set(coin.sample(half, math.ceil(VALID_SHARE * len(half))))
        parts["valid"] += valid
        parts["train"] += [i for i in half if i not in valid]
    for label in ordered(TEST_ORDER):
        parts["test"] += shuffled(label)[len(by_class[label]) // 2 :]
    groups = {f.image_id: f.image_id for f in manifest.films} if group_of is None else group_of
    options = {
        "method": "as-published",
        "unsafe": [SWITCH],
        "near_duplicates": False,
        "n_groups": len(set(groups.values())),
        "n_films": {p: manifest.only(ids).count_by("label") for p, ids in parts.items()},
    }
    return UnsafeSplit(parts, groups, Header("split", {"manifest": manifest.digest}, options, seed=seed))
