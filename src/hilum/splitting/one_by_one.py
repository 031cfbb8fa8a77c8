"""A split as it would be were films drawn one by one: patients and copies of test films are trained on. To measure what a leak is worth."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from hilum.core.seeding import key_entropy


def drawn_one_by_one(
    parts: Mapping[str, Sequence[str]], group_of: Mapping[str, str], label_of: Mapping[str, str], seed: int
) -> dict[str, tuple[str, ...]]:
    """Leave one test film of each group and train on the others; as many training films of their classes go, so that train stays as large.

    What a film's seed decides does not follow from the trial, so that trials with one test part have one here too.

    Args:
        parts: Part -> image_ids of a split that does not leak.
        group_of: image_id -> its group.
        label_of: image_id -> its class.
        seed: Of the choices.

    >>> drawn_one_by_one({"train": ["c", "d"], "valid": [], "test": ["a", "b"]}, dict(a="p", b="p"), dict.fromkeys("abcd", "x"), 1)
    {'train': ('d', 'a'), 'valid': (), 'test': ('b',)}
    """

    def rank(image_id: str) -> int:
        return key_entropy(seed, "one by one", image_id)

    members = defaultdict[str, list[str]](list)
    for i in parts["test"]:
        members[group_of[i]].append(i)
    stay = {min(ids, key=rank) for ids in members.values()}
    moved = [i for i in parts["test"] if i not in stay]
    gone = set[str]()
    for label, n in Counter(label_of[i] for i in moved).items():
        gone.update(sorted((i for i in parts["train"] if label_of[i] == label), key=rank)[:n])
    return {
        "train": (*(i for i in parts["train"] if i not in gone), *moved),
        "valid": tuple(parts["valid"]),
        "test": tuple(i for i in parts["test"] if i in stay),
    }
