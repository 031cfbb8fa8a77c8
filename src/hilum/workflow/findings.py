"""The findings of a multilabel study, as the manifest has them: which they are, and what is known of them of each film.

Convention: a film's label becomes the text of its findings (`hilum.artifacts.finding_labels`), and what its label was stays as an
attribute, as where labels are merged. A film of which no finding is known has no label, and is in no study. So whatever is drawn, stored or
predicted by film carries the findings where it carried a class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from hilum.artifacts.finding_labels import UNKNOWN, check_names, findings_of, without
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.errors import InputError, nearest
from hilum.core.names import spelled
from hilum.sources.film_findings import value_in
from hilum.sources.findings import column_of
from hilum.study.classes import GIVEN_LABEL
from hilum.study.several_findings import FEWEST_FILMS

_COLUMN = column_of("")


class Counts(NamedTuple):
    """Films that have a finding, that do not, and of which it is not known."""

    positive: int
    negative: int
    unknown: int


def columns_known(manifest: Manifest) -> list[str]:
    """The findings that the manifest has a column of, by name."""
    return [c.removeprefix(_COLUMN) for c in manifest.attributes if c.startswith(_COLUMN) and c != _COLUMN]


def counted(manifest: Manifest, finding: str, uncertain: str) -> Counts:
    """How many films have a finding."""
    values = [value_in(f, finding, uncertain) for f in manifest.films]
    return Counts(values.count(1), values.count(0), values.count(UNKNOWN))


def findings_asked(named: Sequence[str], films: Manifest, uncertain: str) -> tuple[list[str], dict[str, str]]:
    """The findings of a study, and why each other one of the manifest is not among them.

    Args:
        named: What the study names; empty for all that have films enough.
        films: That the study's filters leave.
        uncertain: What -1 counts as.

    Raises:
        InputError: A finding that the manifest does not have (with those that it has), or fewer than two.
    """
    known = columns_known(films)
    own = ", ".join(c for c in films.attributes if c != GIVEN_LABEL)
    if not known:
        raise InputError(
            f"data.task = 'multilabel' needs columns {column_of('<name>')} in the manifest, which has "
            f"{own or 'no column of its own'}; ingest a public set that has findings, or a table with such columns"
        )
    for name in named:
        if spelled(name, known) is None:
            raise InputError(
                f"data.findings names {name!r}, which no film has a column for; {nearest(name, known)} Findings of the manifest: "
                f"{', '.join(known)}"
            )
    if named:
        found, left_out = [spelled(name, known) or name for name in named], dict[str, str]()
    else:
        counts = {f: counted(films, f, uncertain) for f in known}
        found = [f for f, n in counts.items() if min(n.positive, n.negative) >= FEWEST_FILMS]
        left_out = {
            f: f"{n.positive} with it and {n.negative} without, fewer than {FEWEST_FILMS} films on one side"
            for f, n in counts.items()
            if f not in found
        }
    if len(found) < 2:
        why = "; ".join(f"{f}: {reason}" for f, reason in left_out.items())
        raise InputError(
            f"a multilabel study needs two findings or more, got {', '.join(found) or 'none'} ({why}); add films, or make a study of "
            "classes"
        )
    check_names(found)
    return found, left_out


def counts_of(manifest: Manifest, findings: Sequence[str]) -> dict[str, Counts]:
    """Finding -> its films, of films that are labelled by their findings."""
    rows = [findings_of(f.label, findings) for f in manifest.films]
    return {
        f: Counts(*([r[k] for r in rows].count(v) for v in (1, 0, UNKNOWN))) for k, f in enumerate(findings)
    }


def asked_of_one(manifest: Manifest, findings: Sequence[str]) -> tuple[Manifest, str]:
    """All films by the finding that divides them most evenly, and its name: with it, without it, or not known.

    What is asked of classes once (an audit) is asked of that finding; of another, ask the manifest of its run.
    """
    counts = counts_of(manifest, findings)
    finding = max(findings, key=lambda f: min(counts[f].positive, counts[f].negative))
    k, words = findings.index(finding), {1: finding, 0: without(finding), UNKNOWN: f"{finding} not known"}
    return relabelled_by(manifest, lambda film: words[findings_of(film.label, findings)[k]]), finding


def relabelled_by(manifest: Manifest, label_of: Callable[[FilmRow], str]) -> Manifest:
    """The films with other labels; what a film's label was stays as an attribute."""
    films = (
        replace(f, label=label_of(f), attributes={GIVEN_LABEL: f.label, **f.attributes})
        for f in manifest.films
    )
    return Manifest(films, manifest.header, manifest.provenance)
