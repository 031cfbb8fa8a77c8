"""What ingest refuses before it writes anything: names, sources, classes and patients that do not add up.

Every message says which source or film, and what to do. Only `leave_out_links`, `leave_out_views` and `check_labels` change a listing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hilum.core.errors import InputError, require_known
from hilum.core.table_paths import absolute
from hilum.core.text import counted
from hilum.sources.facts import view_is_kept
from hilum.sources.findings import findings_words
from hilum.sources.layout import IngestOptions
from hilum.sources.listing import (
    LISTED_TWICE,
    NO_LABEL,
    NOT_FRONTAL,
    VIEW_NOT_ASKED,
    Candidate,
    Listing,
)
from hilum.sources.recognise import Source

_NO_PATIENT_INSIDE = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})


def check_options(sources: Sequence[Source], layouts: Mapping[str, str]) -> None:
    """Refuse options that cannot go together, before anything is read."""
    if not sources:
        raise InputError("expected at least one SOURCE: a folder of films, or a csv that names them")
    names = [s.name for s in sources]
    for name, n in Counter(names).items():
        if n > 1:
            raise InputError(
                f"{n} sources are called {name!r}, and a source's name must be its own; give NAME=PATH, "
                f"for instance {name}2={next(s.path for s in reversed(sources) if s.name == name)}"
            )
    for name in layouts:
        require_known(name, names, "--layout", " names no source")


def source_names(listings: Sequence[Listing]) -> list[str]:
    """All names in the column source, where a table may bring its own; no two sources may share one."""
    owner: dict[str, str] = {}
    for listing in listings:
        for name in {c.source for c in listing.candidates}:
            if name in owner:
                raise InputError(
                    f"sources {owner[name]!r} and {listing.source!r} both hold films of a source {name!r}; "
                    "rename one with NAME=PATH or in its column source"
                )
            if "/" in name or ":" in name:
                raise InputError(
                    f"source {listing.source!r}: {name!r} in column source cannot be a source's name"
                )
            owner[name] = listing.source
    return sorted(owner)


def check_films_once(listings: Sequence[Listing]) -> None:
    """Refuse a film that two sources hold: it would count twice."""
    owner: dict[Path, str] = {}
    for listing in listings:
        for c in listing.candidates:
            other = owner.setdefault(absolute(c.path), listing.source)
            if other != listing.source:
                raise InputError(
                    f"{c.path} belongs to the sources {other!r} and {listing.source!r}; "
                    "a film may be in one only"
                )


def leave_out_links(listings: Sequence[Listing]) -> None:
    """Leave out a film that its source holds twice, by a link to a folder or file of its own; the film itself stays.

    Raises:
        InputError: The two places give it different classes.
    """
    for listing in listings:
        by_file: dict[Path, list[Candidate]] = defaultdict(list)
        folder = listing.folder.resolve()
        for c in listing.candidates:
            file = c.path.resolve()
            if file.is_relative_to(folder):  # elsewhere, a store may hold one file for copies
                by_file[file].append(c)
        twice: dict[Path, tuple[str, str]] = {}
        for same in by_file.values():
            first, *others = sorted(same, key=lambda c: absolute(c.path) != c.path.resolve())
            for other in others:
                if other.label != first.label:
                    raise InputError(
                        f"source {listing.source!r}: {other.relative!r} is a link to {first.relative!r}, and their classes differ "
                        f"({other.label!r}, {first.label!r}); take one of them away, or name the films by a csv"
                    )
                twice[other.path] = LISTED_TWICE, f"a link to {first.relative!r}"
        listing.sift(twice)


def check_labels(listings: Sequence[Listing]) -> None:
    """Leave out films without a class by name; refuse a source that has none at all."""
    for listing in listings:
        without = [c for c in listing.candidates if not c.label]
        if without and len(without) == len(listing.candidates) and listing.no_class:
            raise InputError(
                f"source {listing.source!r}: none of its {counted(len(without), 'film')} has a class: {_why_no_class(listing)}. "
                f"Its classes come from its findings, {findings_words(listing.options['findings'])}; name others with "
                f"--findings {listing.source}=FINDING:CLASS,..."
            )
        if without and len(without) == len(listing.candidates):
            raise InputError(
                f"source {listing.source!r}: its {counted(len(without), 'film has', 'films have')} no class, such as "
                f"{without[0].relative!r}; give a folder per class, a csv with a column label, or "
                "--labels FILE (path, label, patient_id)"
            )
        why = NO_LABEL, "neither the folder nor a table gives its class"
        listing.sift({c.path: listing.no_class.get(c.path, why) for c in without})


def _why_no_class(listing: Listing) -> str:
    reasons = Counter(reason for reason, _ in listing.no_class.values())
    _, sentence = next(iter(listing.no_class.values()))
    return f"{', '.join(f'{n} {reason}' for reason, n in sorted(reasons.items()))}; the first: {sentence}"


def check_findings(listings: Sequence[Listing], asked: IngestOptions) -> None:
    """Refuse a mapping of findings for a source whose layout tells none."""
    for listing in listings:
        if listing.source in asked.findings and "findings" not in listing.options:
            raise InputError(
                f"--findings {listing.source}: it was read as {listing.layout!r}, which tells a class of each film and no findings"
            )


def leave_out_views(listings: Sequence[Listing], views: Sequence[str] | None) -> None:
    """Leave out films whose table gives a view that is not kept."""
    for listing in listings:
        told = [c for c in listing.candidates if c.view]  # where nobody tells so far, the film's header may
        listing.sift({c.path: why for c in told if (why := why_not_view(c.view, views))})


def why_not_view(view: str, views: Sequence[str] | None) -> tuple[str, str] | None:
    """Reason and one sentence on a view that is not kept, or None."""
    if view_is_kept(view, views):
        return None
    reason = NOT_FRONTAL if views is None else VIEW_NOT_ASKED
    if not view:
        return reason, "nobody tells its view; --views unknown keeps it"
    return reason, f"view {view!r}; --views names the views to keep"


def may_hold_patient(candidate: Candidate) -> bool:
    """Whether opening the film may still give its patient (DICOM)."""
    return not candidate.patient and candidate.path.suffix.lower() not in _NO_PATIENT_INSIDE


def check_patients(
    candidates: Iterable[Candidate], listings: Sequence[Listing], declared: Sequence[str]
) -> None:
    """Refuse films without a patient whose source was not declared to have none."""
    without: dict[str, list[Candidate]] = defaultdict(list)
    for c in candidates:
        if not c.patient and c.source not in declared:
            without[c.source].append(c)
    for source, films in sorted(without.items()):
        total = sum(c.source == source for x in listings for c in x.candidates)
        raise InputError(
            f"source {source!r}: {len(films)} of {total} films have no patient id, such as "
            f"{films[0].relative!r}, and hilum does not guess one. Give the ids (a column patient_id in the "
            "source's csv or in --labels FILE), or declare that the source has none: "
            f"--no-patient-ids {source}"
        )


def check_declared_needed(films: Sequence[Candidate], declared: Sequence[str]) -> None:
    """Refuse the declaration for a source whose films all have patients: the split would ignore them."""
    for name in declared:
        mine = [c for c in films if c.source == name]
        if mine and all(c.patient for c in mine):
            raise InputError(
                f"source {name!r} was declared to have no patient ids, but "
                f"its {counted(len(mine), 'film has', 'films all have')} one; leave out --no-patient-ids {name}"
            )
