"""Chance as data: a generator is a function of a seed and a key, never of what was drawn before.

hilum has no global generator. Whoever draws says for what: `generator(seed, "split", "covid")`. So neither the
number of workers nor the order of work changes a draw, and each one can be made again alone.
"""

from __future__ import annotations

import hashlib

import numpy as np


def key_entropy(seed: int, *key: str | int) -> int:
    """The 128-bit number that a seed and a key stand for."""
    text = "\x1f".join([str(int(seed)), *(f"{type(k).__name__}:{k}" for k in key)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


def generator(seed: int, *key: str | int) -> np.random.Generator:
    """A generator of its own for (seed, key).

    >>> float(generator(1, "split").random()) == float(generator(1, "split").random())
    True
    >>> float(generator(1, "split").random()) == float(generator(1, "valid").random())
    False
    """
    return np.random.Generator(np.random.Philox(key=key_entropy(seed, *key)))
