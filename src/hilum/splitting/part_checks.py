"""Whether every part of a split has films of every class; where not, the cause in the films: a patient id that covers too much, too few
groups, a small share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.split import PARTS, AnySplit
from hilum.core.errors import InputError
from hilum.core.text import counted

_WORDS = ("no part", "one part", "two parts", "three parts")
_COVERS = 0.5
"""Share of the films from which one group is named as the cause."""


def require_parts(
    split: AnySplit, manifest: Manifest, classes: Sequence[str], parts: Sequence[str] = PARTS
) -> None:
    """Refuse a split that leaves one of `parts` without a film, or without a film of one of `classes`.

    Raises:
        InputError: Names every such part and class, with the cause.
    """
    problems = part_problems(split, manifest, classes, parts)
    if problems:
        raise InputError("; ".join(problems))


def part_problems(
    split: AnySplit, manifest: Manifest, classes: Sequence[str], parts: Sequence[str] = PARTS
) -> list[str]:
    """What `require_parts` would refuse, a sentence each. The test films of a source left out need not be of every class."""
    without = split.header.options.get("without", "")
    counts = {p: Counter(manifest.texts_of("label", split.parts[p])) for p in parts}
    whole = [p for p in parts if not counts[p]]
    found = []
    if whole:
        cause = _cause("", manifest.films, split, len(parts))
        found.append(f"no film is left for {_listed(whole)}: {cause}")
    for label in classes:
        needed = [p for p in parts if counts[p] and not (without and p == "test")]
        lacking = [p for p in needed if not counts[p][label]]
        if lacking:
            films = [f for f in manifest.films if f.label == label]
            if not films:
                found.append(f"class {label!r} has no film at all")
                continue
            cause = _cause(label, films, split, len(parts))
            found.append(f"no film of class {label!r} is left for {_listed(lacking)}: {cause}")
    return found


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(parts)


def _cause(label: str, films: Sequence[FilmRow], split: AnySplit, n_parts: int) -> str:
    """Why films that are there did not reach a part."""
    what = f"class {label!r}" if label else "the study"
    of_class = f" of class {label!r}" if label else ""
    if without := split.header.options.get("without", ""):
        others = [f for f in films if f.source != without]
        if not others:
            return f"all {len(films)} films{of_class} come from the source left out, {without!r}"
        films, n_parts = others, n_parts - 1
    gone = [f for f in films if f.image_id not in split.group_of]
    if len(gone) >= _COVERS * len(films):
        where = f"among the films of {without!r}" if without else "in a part held back more"
        return f"{len(gone)} of the {len(films)} films{of_class} left to train on have a patient or a copy {where}, so they are left out"
    groups = Counter(split.group_of.get(f.image_id, f.image_id) for f in films)
    biggest, size = groups.most_common(1)[0]
    members = [f for f in films if split.group_of.get(f.image_id) == biggest]
    if size > 1 and size >= _COVERS * len(films):
        return f"{_covering(members)} {size} of {len(films)} films{of_class}, and a group is in one part only{_remedy(members)}"
    n_groups = counted(len(groups), "group")
    if len(groups) < n_parts:
        return (
            f"{what} has {n_groups} (patients, or single films), {_WORDS[n_parts]} need {n_parts}; add films, or leave the "
            "class out"
        )
    official = split.header.options.get("official")
    if official is not None:
        sources = ", ".join(f"{p} {n}" for p, n in Counter(f.source_part for f in films).items())
        return f"the source divides the films{of_class} so ({sources}); method official keeps that"
    if faults := split.header.options.get("unsafe"):
        return f"the faults that are switched on ({', '.join(faults)}) leave none of its {counted(len(films), 'film')} there"
    share = _share_words(split.header.options.get("fractions") or {})
    return (
        f"{what} has {counted(len(films), 'film')} in {n_groups}, too few for the shares{share}; add films or give that part a larger "
        "share"
    )


def _covering(members: Sequence[FilmRow]) -> str:
    patients = {f.patient_id for f in members}
    if len(patients) == 1 and "" not in patients:
        own = members[0].patient_id
        return f"one patient id, {own.partition(':')[2] or own!r}, covers"
    return f"one group of copies and patients, that of film {members[0].image_id!r}, covers"


def _remedy(members: Sequence[FilmRow]) -> str:
    if len({f.patient_id for f in members}) > 1 or not members[0].patient_id:
        return ""
    return (
        "; if that is no patient's id, give the films' own ids (`hilum ingest --labels`) or declare that the source has none "
        f"(`--no-patient-ids {members[0].source}`)"
    )


def _share_words(fractions: Mapping[str, float]) -> str:
    words = ", ".join(f"{p} {x:g}" for p, x in fractions.items())
    return f" ({words})" if words else ""
