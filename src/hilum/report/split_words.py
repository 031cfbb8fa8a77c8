"""A split in plain text: films by part and class, what the groups are, and what to know of it."""

from __future__ import annotations

from collections import Counter

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.split import PARTS, Split
from hilum.core.text import counted
from hilum.report.table import plain_table


def split_words(split: Split, films: Manifest) -> str:
    """What `hilum split` prints.

    Args:
        split: As drawn.
        films: The films that were divided.
    """
    options, labels = split.header.options, sorted(films.count_by("label"))
    counts = {p: [options["n_films"][p].get(label, 0) for label in labels] for p in PARTS}
    counts["all"] = [sum(n) for n in zip(*counts.values(), strict=True)]
    members = Counter(split.group_of.values())
    largest = max(sorted(members), key=members.__getitem__)
    several = [n for n in members.values() if n > 1]
    notes = [
        f"{counted(options['n_groups'], 'group')}; {len(several)} of more than one film, {sum(several)} films in them; "
        f"the largest has {members[largest]} ({largest})"
    ]
    if official := options.get("official"):
        notes.append(f"validation: {official['validation']}")
        if n := official["left_out_crossing"]:
            notes.append(
                f"{counted(n, 'film')} left out: their patient or a copy is in a part held back more (keep-test)"
            )
    if not options["near_duplicates"]:
        notes.append("near-duplicates were not looked for: copies that were re-encoded may be in two parts")
    if films.provenance != "hilum":
        notes.append(f"the manifest's provenance is {films.provenance}")
    rows = [(part, *n, sum(n)) for part, n in counts.items()]
    return plain_table("split", ("part", *labels, "all"), rows, notes=notes).to_text()
