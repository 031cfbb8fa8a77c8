"""What an ingest tells of itself: the manifest's header, films by source and class, and sentences for a person."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest, films_digest
from hilum.core.digests import sha256_file
from hilum.sources.findings import findings_words
from hilum.sources.listing import Listing
from hilum.sources.patients import OneIdOnMany


@dataclass(frozen=True)
class Count:
    """A line of the table of films; `patients` is None where the source was declared to have no ids."""

    source: str
    layout: str
    label: str
    films: int
    patients: int | None


def header_of(
    listings: Sequence[Listing],
    films: Sequence[FilmRow],
    excluded: Mapping[tuple[str, str], int],
    declared: Sequence[str],
    inputs: Mapping[str, str],
    options: Mapping[str, Any],
) -> Header:
    """The manifest's header."""
    of_source: dict[str, list[FilmRow]] = defaultdict(list)
    for f in films:
        of_source[f.source].append(f)
    all_inputs = dict(inputs)
    for name, rows in sorted(of_source.items()):
        all_inputs[f"films of {name}"] = films_digest(rows)
    for listing in listings:
        for name, path in sorted(listing.tables.items()):
            all_inputs[f"{listing.source}/{name}"] = sha256_file(path)
    sources: dict[str, Any] = {}
    for x in sorted(listings, key=lambda x: x.source):
        names = {x.source, *(c.source for c in x.candidates)}  # a table may bring names of its own
        reasons: Counter[str] = Counter()
        for (source, reason), n in excluded.items():
            reasons[reason] += n if source in names else 0
        sources[x.source] = {
            "layout": x.layout,
            **x.options,
            "films": sum(len(of_source[name]) for name in names),
            "excluded": {reason: n for reason, n in sorted(reasons.items()) if n},
        }
    options = {"no_patient_ids": list(declared), "sources": sources, **options}
    return Header("manifest", inputs=all_inputs, options=options)


def counts_of(manifest: Manifest, layout_of: Mapping[str, str], declared: set[str]) -> tuple[Count, ...]:
    """Films by source and class."""
    groups: dict[tuple[str, str], list[FilmRow]] = defaultdict(list)
    for f in manifest.films:
        groups[f.source, f.label].append(f)
    counts = []
    for (source, label), rows in sorted(groups.items()):
        patients = None if source in declared else len({r.patient_id for r in rows})
        counts.append(Count(source, layout_of[source], label, len(rows), patients))
    return tuple(counts)


def notes_of(
    listings: Sequence[Listing], odd_ids: Iterable[OneIdOnMany], taken: Iterable[OneIdOnMany]
) -> list[str]:
    """Sentences that a person should read. Ids that are hardly one person's are kept (`odd_ids`) or count as none (`taken`)."""
    notes: list[str] = []
    for x in listings:
        if joined := x.options.get("patients_joined"):
            groups = "; ".join(" = ".join(g) for g in joined)
            notes.append(f"{x.source}: patient ids that share a film count as one person: {groups}")
        if (classes := x.options.get("findings")) is not None:
            notes.append(_findings_note(x, classes))
        if basis := x.options.get("patient_basis"):
            notes.append(f"{x.source}: {basis}")
        if other := x.options.get("attributes"):
            notes.append(f"{x.source}: other columns are kept as attributes of the films: {', '.join(other)}")
        if basis := x.options.get("age_group_basis"):
            notes.append(
                f"{x.source}: read as the public set {x.layout!r} (if it is another: --layout {x.source}=folder); age group is {basis}; "
                "a film's own header or a table goes before it"
            )
    for odd in odd_ids:
        notes.append(
            f"{odd.source}: {odd.sentence()}; as one person's they stay together, and a split may have an empty part. Give real ids "
            f"(--labels FILE: path, patient_id), or declare that there are none: --no-patient-ids {odd.source}"
        )
    for odd in taken:
        notes.append(
            f"{odd.source}: {odd.sentence()}; it counts as no id, as --no-patient-ids {odd.source} declares"
        )
    return notes


def _findings_note(listing: Listing, classes: Mapping[str, str]) -> str:
    """Which findings made which class of a public set, and what else was chosen."""
    chosen = {
        "uncertain": "uncertain findings: {} (--uncertain)",
        "readers": "several readers: {} (--readers)",
    }
    more = "".join(f"; {words.format(x)}" for k, words in chosen.items() if (x := listing.options.get(k)))
    return (
        f"{listing.source}: read as the public set {listing.layout!r}; a film's class follows from its findings: {findings_words(classes)} "
        f"(--findings {listing.source}=FINDING:CLASS,... for others){more}"
    )
