"""How many copies of each film are prepared: one each (`process`), or as many as drawn (`sample`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from hilum.core.errors import InputError
from hilum.core.seeding import generator


def process_counts(film_ids: Sequence[str]) -> dict[str, int]:
    """One copy of each film."""
    return dict.fromkeys(_distinct(film_ids), 1)


def sample_counts(film_ids: Sequence[str], n: int, seed: int) -> dict[str, int]:
    """Draw `n` copies from the films with replacement, as Augmentor's `sample(n)` does.

    Args:
        film_ids: Names of the films, each once; their order does not matter.
        n: Copies in all, at least 0. As many as films leave out about 1/e of them.
        seed: The trial's seed.

    Returns:
        Film -> copies, for the films that were drawn at least once, in the order of their names.

    Raises:
        InputError: If a name comes twice, or there is nothing to draw from.

    >>> sum(sample_counts(["a", "b", "c"], 5, seed=1).values())
    5
    """
    names = _distinct(film_ids)
    if n < 0 or (n > 0 and not names):
        raise InputError(f"cannot draw {n!r} copies from {len(names)} films")
    drawn = generator(seed, "sample").integers(0, max(len(names), 1), size=n)
    return {names[i]: count for i, count in sorted(Counter(drawn.tolist()).items())}


def _distinct(film_ids: Sequence[str]) -> list[str]:
    names = sorted(film_ids)
    twice = next((a for a, b in pairwise(names) if a == b), None)
    if twice is not None:
        raise InputError(f"film {twice!r} is listed twice; each film may be listed once")
    return names
