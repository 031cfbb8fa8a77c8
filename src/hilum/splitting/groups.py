"""Groups of films: what may not be divided, and the drawing of groups.

A group is the films of one patient and copies of one film, joined where they touch; it may hold several classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from hilum.artifacts.duplicates import Duplicates, joined
from hilum.artifacts.manifest import Manifest


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


def count_groups(
    manifest: Manifest, group_of: Mapping[str, str], column: str = "label"
) -> dict[str, Counter[str]]:
    """Of each group, how many films of each label, or value of another column, it has; in the order of the groups' names."""
    groups: dict[str, Counter[str]] = {}
    for film in manifest.films:
        groups.setdefault(group_of[film.image_id], Counter())[film.value(column)] += 1
    return dict(sorted(groups.items()))


def total(groups: Mapping[str, Counter[str]]) -> Counter[str]:
    """How many films of each label there are in all groups together."""
    total: Counter[str] = Counter()
    for c in groups.values():
        total.update(c)
    return total


def draw_groups(
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
    spare = total(groups)
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
