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
    links: list[Sequence[str]] = [(i,) for i in manifest.films.ids]
    for column in ("patient_id", "pixels_sha256", "sha256"):
        links.extend(ids for ids in ids_by(manifest, column).values() if len(ids) > 1)
    if duplicates is not None:
        duplicates.check(manifest)
        links.extend(duplicates.groups)
    out: dict[str, str] = {}
    patient_of, row_of = manifest.texts("patient_id"), manifest.films.row_of
    for ids in joined(links):
        here = [i for i in ids if i in row_of]
        if not here:
            continue
        patients = {patient_of[row_of[i]] for i in here}
        if len(here) == 1:
            name = here[0]
        elif len(patients) == 1 and "" not in patients:
            name = f"patient {patients.pop()}"
        else:
            name = f"copy of {here[0]}"
        out.update(dict.fromkeys(here, name))
    return out


def ids_by(manifest: Manifest, column: str) -> dict[str, list[str]]:
    """Value of a column -> the films that have it, in order; those of which it is not known are left out."""
    found: dict[str, list[str]] = {}
    for value, image_id in zip(manifest.texts(column), manifest.films.ids, strict=True):
        if value:
            found.setdefault(value, []).append(image_id)
    return found


def count_groups(
    manifest: Manifest, group_of: Mapping[str, str], column: str = "label"
) -> dict[str, Counter[str]]:
    """Of each group, how many films of each label, or value of another column, it has; in the order of the groups' names."""
    groups: dict[str, Counter[str]] = {}
    for image_id, value in zip(manifest.films.ids, manifest.texts(column), strict=True):
        groups.setdefault(group_of[image_id], Counter())[value] += 1
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
