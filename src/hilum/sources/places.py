"""What films are called by where they lie: a path's last parts, joined by "/" on every system, never a machine's own folders.

Of several films all take the same number of parts, the smallest that tells them apart, so names depend on nothing above the films.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath


def unique_tails(paths: Sequence[Path], taken: Collection[str] = ()) -> list[str]:
    """The last parts of each (absolute) path, as few as tell all of them apart, and from names that are `taken`.

    >>> unique_tails([Path("/home/a/covid/1.png"), Path("/home/a/normal/1.png")])
    ['covid/1.png', 'normal/1.png']
    """
    deepest = max((len(p.parts) for p in paths), default=0)
    tails: list[str] = []
    for n in range(1, deepest + 1):
        tails = ["/".join(p.relative_to(p.anchor).parts[-n:]) for p in paths]
        if len(set(tails)) == len(tails) and not set(tails) & set(taken):
            break
    return tails


def image_ids(films: Sequence[tuple[str, str]]) -> list[str]:
    """The image_id of films by source and place in it: without ending, but for films that differ in their ending only.

    >>> image_ids([("s", "covid/1.png"), ("s", "covid/2.png"), ("s", "covid/2.dcm")])
    ['s/covid/1', 's/covid/2.png', 's/covid/2.dcm']
    """
    short = [f"{source}/{PurePosixPath(relative).with_suffix('')}" for source, relative in films]
    n = Counter(short)
    return [
        s if n[s] == 1 else f"{source}/{relative}" for s, (source, relative) in zip(short, films, strict=True)
    ]
