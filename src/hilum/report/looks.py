"""Looks at the test films of a run (`hilum.artifacts.looks`): counted here, and said in words."""

from __future__ import annotations

from pathlib import Path

from hilum.artifacts.looks import Ledger, Looks
from hilum.report.run_folder import RunFolder


def count_look(folder: RunFolder, how: str) -> None:
    """Note that a run's test films are being looked at, in the workspace that it lies in.

    Args:
        folder: The run.
        how: The command's word.
    """
    place = folder.path.resolve()
    if place.parent.name == "runs":
        study, manifest = str(folder.run["name"]), str(folder.run["manifest_digest"])
        Ledger(place.parents[1]).count(how, study, place.name, manifest, films_tested(folder))


def looks(folder: RunFolder) -> Looks | None:
    """Looks at the run's test films; None where there is no ledger."""
    place = folder.path.resolve()
    return Ledger(place.parents[1]).of(films_tested(folder), place.name, str(folder.run["manifest_digest"]))


def films_tested(folder: RunFolder) -> set[str]:
    """Digests of the pixels of every film that is a test film in some trial of some cell."""
    films = folder.manifest.by_id
    ids = {i for cell, trial in folder.units() for i in folder.split_of(cell, trial).parts["test"]}
    return {films[i].pixels_sha256 for i in ids}


def run_of(path: Path) -> RunFolder | None:
    """The run that a file lies in; None where it lies in none."""
    at = next((p for p in path.resolve().parents if (p / "run.json").is_file()), None)
    return RunFolder(at) if at is not None else None


def looks_words(found: Looks | None) -> str:
    """In words.

    >>> looks_words(Looks(99, 3, 3, 2, 1))
    'the 3rd look at these 99 test films (of 2 studies), 1 of them of this run'
    >>> looks_words(Looks(99, 1, 4, 1, 1))
    'the 1st look at the median of these 99 test films, the 4th at the most looked at (of 1 study), 1 of them of this run'
    """
    if found is None:
        return "not recorded"
    studies = f"of {found.studies} {'study' if found.studies == 1 else 'studies'}"
    if found.median == found.most:
        which = f"the {_ordinal(found.most)} look at these {found.films} test films"
    else:
        which = (
            f"the {_ordinal(found.median)} look at the median of these {found.films} test films, the {_ordinal(found.most)} at the "
            "most looked at"
        )
    return f"{which} ({studies}), {found.own} of them of this run"


def _ordinal(n: int) -> str:
    last = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{last}"
