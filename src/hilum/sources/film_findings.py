"""What a film's row of a manifest says of findings: values, and the text that they make."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.artifacts.finding_labels import UNKNOWN, findings_text
from hilum.artifacts.manifest import FilmRow
from hilum.sources.findings import column_of, value_of


def value_in(film: FilmRow, finding: str, uncertain: str) -> int:
    """A finding of a film: 1, 0 or `UNKNOWN`.

    Raises:
        InputError: Its column holds something else.
    """
    text = value_of(
        film.attributes.get(column_of(finding), ""), f"film {film.image_id!r}, {column_of(finding)}"
    )
    as_ = {"-1": {"ignore": UNKNOWN, "positive": 1, "negative": 0}[uncertain], "": UNKNOWN}
    return as_[text] if text in as_ else int(text)


def text_of(film: FilmRow, findings: Sequence[str], uncertain: str = "ignore") -> str:
    """The label of a film in a study of these findings; empty where none of them is known."""
    values = {f: value_in(film, f, uncertain) for f in findings}
    return "" if set(values.values()) == {UNKNOWN} else findings_text(values)
