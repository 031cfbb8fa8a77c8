"""Whether a filter of a study file fits the films of a manifest: its columns, its values, its comparisons."""

from __future__ import annotations

from hilum.artifacts.manifest import Manifest
from hilum.core.errors import InputError, nearest, require_known
from hilum.study.film_filter import VOCABULARY, FilterLike, comparisons_in, number_of

KNOWN_COLUMNS = (
    "image_id", "patient_id", "label", "source", "source_part", "view", "age_group", "sex", "width_px", "height_px",
    "container", "stored_as",
)  # fmt: skip


def check_filter(films: Manifest, table: FilterLike, where: str, lenient: bool = False) -> None:
    """Check a table against all films that there are, before any is read.

    Args:
        films: The films.
        table: The table.
        where: Its place in the study file, for messages.
        lenient: Whether ``adult``, ``child``, ``F`` and ``M`` and comparisons may be asked for though no film's is known.

    Raises:
        InputError: An unknown column; a value that no film has, where the column has values; a comparison in a column with a text that is
            no number. Names the nearest right one.
    """
    columns = (*KNOWN_COLUMNS, *films.attributes)
    for column, values in table.items():
        require_known(column, columns, f"{where}: unknown column")
        known = films.count_by(column)
        words = {v for v in known if v}
        for value in values:
            if comparisons_in(column, value) is not None:
                _check_numbers(films, column, value, where, lenient)
                continue
            text = value.removeprefix("=")
            own = VOCABULARY.get(column, ()) if lenient else ()
            if text and text not in known and text not in own:
                hint = nearest(text, words or {"(none: the manifest has no values there)"})
                raise InputError(f"{where}: no film of the manifest has {column} {text!r}; {hint}")


def _check_numbers(films: Manifest, column: str, value: str, where: str, lenient: bool) -> None:
    wrong = [f for f in films.films if f.value(column) and number_of(f.value(column)) is None]
    if wrong:
        raise InputError(
            f"{where}: {column} is compared with {value!r}, but {len(wrong)} films have a text there that is no number, such as "
            f"{wrong[0].value(column)!r} (film {wrong[0].image_id!r}); correct them in the source's table and ingest again"
        )
    if not lenient and not any(f.value(column) for f in films.films):
        raise InputError(f"{where}: {column} is compared with {value!r}, but no film has a value there")
