"""Manifest (+ split) -> findings: what is wrong with these films before anything is trained on them.

Which films are copies, and of what; do copies disagree on the label; does a patient, a copy or a label conflict cross the parts of a
split; is class nearly source, or age; how far do shortcuts go, scored by plain models that never see lungs; which films look odd, and which
labels. It changes nothing and refuses nothing: `hilum split` and `hilum run` do. Findings are plain JSON-able values, so that audit.json
and the page say the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hilum.artifacts.duplicates import KINDS, Duplicates, joined
from hilum.artifacts.header import Header, write_json
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.split import AnySplit, Split
from hilum.core.engine import Engine, Local
from hilum.core.errors import InputError
from hilum.report.audit_findings import Accepted, Findings, with_accepted
from hilum.report.audit_page import PAGE, audit_page
from hilum.report.audit_quality import pictured
from hilum.report.page import Page, write_page
from hilum.sources.patients import one_id_on_many
from hilum.splitting.groups import ids_by
from hilum.stages.audit.films import look_at_all, quality
from hilum.stages.audit.labels import NO_LABELS, SHAPE, Labels, label_suspects
from hilum.stages.audit.pairs import pairs_to_see, thumbnails
from hilum.stages.audit.probes import look, probes
from hilum.study.classes import positive_class

NAME = "audit.json"
_LISTED = 200  # conflicts listed by name


def audit(
    manifest: Manifest,
    duplicates: Duplicates,
    split: Split | None = None,
    positive: str | None = None,
    seed: int = 0,
    engine: Engine | None = None,
    labels_by: Labels = NO_LABELS,
    allowed: Sequence[Accepted] = (),
) -> dict[str, Any]:
    """Look for what would make a study of these films invalid.

    Args:
        manifest: The films.
        duplicates: Copies among them.
        split: Parts to check for leaks.
        positive: The class that the probes look for; None for the usual one (`hilum.study.classes`).
        seed: Seed of the probes' folds and, above 6000 films, of which are read.
        engine: Where films are opened; None for this process.
        labels_by: What labels are judged by (`hilum.stages.audit.labels`): ``none``, ``shape``, or a backbone's name.
        allowed: Findings that somebody accepts.

    Raises:
        InputError: No film of the class `positive`, or of another.
        DigestError: `duplicates` or `split` belongs to other films.
    """
    labels = manifest.count_by("label")
    positive = positive_class(positive, labels, "the manifest")
    if len(labels) < 2:
        raise InputError(f"all films have label {positive!r}; an audit compares two or more classes")
    duplicates.check(manifest)
    if split is not None:
        _check_split(manifest, split)
    groups = _groups(manifest, duplicates)
    looked = look(manifest, seed)
    seen = look_at_all(manifest, engine or Local(0), labels_by == SHAPE)
    inputs = {"manifest": manifest.digest, "duplicates": duplicates.digest}
    inputs |= {"split": split.digest} if split is not None else {}
    found: dict[str, Any] = {
        "header": Header("audit", inputs=inputs, options={"positive": positive}, seed=seed).to_dict(),
        **facts_of_rows(manifest, duplicates, split, positive),
        "class_by_container": _counted((x.stored, x.film.label) for x in looked),
        "quality": quality(manifest, seen),
        "labels": label_suspects(manifest, seen.shapes, groups, labels_by, seed),
        "source_rule": _source_rule(manifest),
        "probes": probes(looked, groups, positive, seed),
    }
    return with_accepted(found, allowed)


def facts_of_rows(
    manifest: Manifest, duplicates: Duplicates, split: Split | None, positive: str
) -> dict[str, Any]:
    """What rows say of films that are not opened: counts, copies, conflicts, patients, leaks, classes by source, age and view."""
    patients = manifest.count_by("patient_id")
    return {
        "provenance": manifest.provenance,
        "n_films": len(manifest),
        "n_patients": len(patients) - ("" in patients),
        "n_without_patient": patients.get("", 0),
        "positive": positive,
        "classes": list(manifest.count_by("label")),
        "copies": _copies(manifest, duplicates),
        "label_conflicts": _label_conflicts(manifest, duplicates),
        "patients": _patients(manifest),
        "leaks": None if split is None else leaks(manifest, duplicates, split),
        "class_by_source": _crossed(manifest, "source"),
        "class_by_age_group": _crossed(manifest, "age_group"),
        "class_by_view": _crossed(manifest, "view"),
    }


def write_audit(
    found: Findings, folder: Path, title: str = "Audit of a manifest", films: Manifest | None = None
) -> Page:
    """Write audit.json and its page into a folder; with the films, copies, odd films and suspects stand on the page as pictures."""
    write_json(folder / NAME, found)
    of_pairs = [f["image_id"] for pair in found["copies"]["shown"] for f in pair["films"]]
    page = audit_page(found, title, thumbnails(films, [*of_pairs, *pictured(found)]) if films else {})
    write_page(page, folder / PAGE)
    return page


def _check_split(manifest: Manifest, split: Split) -> None:
    known = manifest.by_id
    strange = [i for i in split.part_of if i not in known]
    if strange:
        raise InputError(
            f"film {strange[0]!r} of the split is not in the manifest ({len(strange)} such films); "
            "give the manifest that the split was drawn from"
        )


def _groups(manifest: Manifest, duplicates: Duplicates) -> dict[str, str]:
    links: list[Sequence[str]] = [(i,) for i in manifest.films.ids]
    links.extend(ids_by(manifest, "patient_id").values())
    links.extend(duplicates.groups)
    return {i: ids[0] for ids in joined(links) for i in ids}


def _copies(manifest: Manifest, duplicates: Duplicates) -> dict[str, Any]:
    source = dict(zip(manifest.films.ids, manifest.texts("source"), strict=True))
    pairs = [p for p in duplicates.pairs if p.first in source and p.second in source]
    by_sources: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for p in pairs:
        a, b = sorted((source[p.first], source[p.second]))
        by_sources[a, b][p.kind] += 1
    groups = [g for g in (tuple(i for i in g if i in source) for g in duplicates.groups) if len(g) > 1]
    largest = max(groups, key=len, default=())
    return {
        "n_pairs": {k: sum(p.kind == k for p in pairs) for k in KINDS},
        "n_groups": len(groups),
        "n_films": sum(len(g) for g in groups),
        "n_surplus": sum(len(g) - 1 for g in groups),
        "largest_group": list(largest),
        "sizes": {str(n): c for n, c in sorted(Counter(len(g) for g in groups).items())},
        "by_sources": [
            {"first": a, "second": b, **{k: n[k] for k in KINDS}} for (a, b), n in sorted(by_sources.items())
        ],
        "shown": pairs_to_see(manifest, duplicates),
    }


def _label_conflicts(manifest: Manifest, duplicates: Duplicates) -> dict[str, Any]:
    label_of = dict(zip(manifest.films.ids, manifest.texts("label"), strict=True))
    found = []
    for group in duplicates.groups:
        here = {i: label_of[i] for i in group if i in label_of}
        if len(set(here.values())) > 1:
            found.append(here)
    return {"n_groups": len(found), "groups": found[:_LISTED]}


def _patients(manifest: Manifest) -> dict[str, Any]:
    films = ids_by(manifest, "patient_id")
    several = {p: ids for p, ids in films.items() if len(ids) > 1}
    most = max(films, key=lambda p: len(films[p]), default="")
    columns = (manifest.texts(c) for c in ("source", "patient_id", "label"))
    mixed = [p for p, own in films.items() if len(set(manifest.texts_of("label", own))) > 1]
    return {
        "n_with_several_films": len(several),
        "n_films_of_those": sum(len(ids) for ids in several.values()),
        "most_films": len(films.get(most, [])),
        "with_most_films": most,
        "n_with_several_labels": len(mixed),
        "with_several_labels": sorted(mixed)[:_LISTED],
        "one_id_on_many": [f"{o.source}: {o.sentence()}" for o in one_id_on_many(zip(*columns, strict=True))],
    }


def leaks(manifest: Manifest, duplicates: Duplicates, split: AnySplit) -> dict[str, Any]:
    """Patients and copies with films in two parts of a split, and how many films it divides."""
    part_of = split.part_of

    def crossing(sets: Iterable[Sequence[str]]) -> list[dict[str, str]]:
        found = ({i: part_of[i] for i in ids if i in part_of} for ids in sets)
        return [f for f in found if len(set(f.values())) > 1]

    patients = crossing(ids_by(manifest, "patient_id").values())
    copies = crossing(duplicates.groups)
    conflicts = [c for c in copies if len(set(manifest.texts_of("label", c))) > 1]
    return {
        "n_films": {p: len(ids) for p, ids in split.parts.items()},
        "n_not_in_split": len(manifest) - len(part_of),
        "n_patients": len(patients),
        "patients": patients[:_LISTED],
        "n_copies": len(copies),
        "n_test_films_with_copy_elsewhere": sum(list(c.values()).count("test") for c in copies),
        "copies": copies[:_LISTED],
        "n_label_conflicts": len(conflicts),
    }


def _crossed(films: Manifest, column: str) -> dict[str, dict[str, int]]:
    """Value of a column -> label -> number of films; unknown is "(unknown)"."""
    pairs = zip(films.texts(column), films.texts("label"), strict=True)
    return _counted((value or "(unknown)", label) for value, label in pairs)


def _counted(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Value -> label -> number of films."""
    out: dict[str, Counter[str]] = defaultdict(Counter)
    for value, label in pairs:
        out[value][label] += 1
    return {value: dict(sorted(n.items())) for value, n in sorted(out.items())}


def _source_rule(manifest: Manifest) -> dict[str, Any]:
    """Call each film what most films of its source are: how often is that right?"""
    table = _crossed(manifest, "source")
    right = sum(max(n.values()) for n in table.values())
    most = max(manifest.count_by("label").values())
    return {
        "accuracy": right / len(manifest),
        "accuracy_of_the_largest_class": most / len(manifest),
        "says": {source: max(n, key=lambda label: (n[label], label)) for source, n in table.items()},
    }
