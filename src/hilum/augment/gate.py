"""Whether an operation acts on a film: a coin that follows from its key, and two readings of p.

`exact`: p = 0 never acts, p = 1 always, p = 0.1 on 10 % of films. `augmentor` is the published scripts' gate (Augmentor 0.2.12,
`Pipeline._execute`): the coin is rounded to one digit and compared with <=, so p acts as about p + 0.05: p = 0.1 on 15 % of films, p = 0
still on 5 %. The coin is read from the key's digest, so that the many films on which nothing acts cost no generator.
"""

from __future__ import annotations

from typing import Literal

from hilum.core.seeding import key_entropy

Gate = Literal["exact", "augmentor"]


def coin(seed: int, *key: str | int) -> float:
    """A number from 0 to below 1 that belongs to (seed, key): 53 bits of the key's digest.

    >>> 0.0 <= coin(1, "film", 0, "rotate:0") < 1.0
    True
    """
    return (key_entropy(seed, *key, "gate") >> 75) / (1 << 53)


def acts(u: float, probability: float, gate: Gate) -> bool:
    """Whether an operation of this probability acts when the coin shows `u`.

    >>> acts(0.12, 0.1, "exact"), acts(0.12, 0.1, "augmentor")
    (False, True)
    """
    return round(u, 1) <= probability if gate == "augmentor" else u < probability
