"""What is wrong with a table of a study file, in words of the file: every fault, a sentence each.

Convention: a place is written as in TOML, ``training.epochs``; of a list of tables the entry is counted from one, ``compare 1``. A value
that may be several things has one sentence, that of an unknown key before all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hilum.core.errors import InputError, nearest

_TAG = "kind"
"""Key by which policies and losses are told apart."""
_MUST = {
    "dict_type": "must be a table, as {{ key = value }}",
    "model_type": "must be a table, as {{ key = value }}",
    "model_attributes_type": "must be a table, as {{ key = value }}",
    "list_type": "must be a list, as [ ... ]",
    "tuple_type": "must be a list, as [ ... ]",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": 'must be text, as "..."',
    "string_too_short": "must not be empty",
    "too_short": "must have at least {min_length} of them",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_pattern_mismatch": "must be of lower-case letters, digits, '.', '_' and '-', for it names a folder",
}
"""What pydantic calls a fault -> what the value must be."""


_Model = TypeVar("_Model", bound=BaseModel)


def tables_as(model: type[_Model], tables: Any, where: str) -> _Model:
    """The tables of a file as the model that they should be.

    Raises:
        InputError: They are something else; all faults are in it, and the file's name (`where`).
    """
    try:
        return model.model_validate(tables)
    except ValidationError as e:
        raise faults_of(e, model, where) from None


def faults_of(error: ValidationError, model: type[BaseModel], where: str) -> InputError:
    """All that pydantic found wrong in what should be a model, in one error."""
    by_place: dict[str, ErrorDetails] = {}
    # of a value that may be several things, an unknown key says more than that it is none of the others
    for fault in sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden"):
        place = place_words(fault["loc"])
        if not any(p == place or p.startswith(f"{place}.") for p in by_place):
            by_place[place] = fault
    words = {place: _words(f, place, model) for place, f in by_place.items()}
    misspelt = {p for p, f in by_place.items() if f["type"] == "missing" and _is_meant(p, words.values())}
    return together([text for place, text in words.items() if place not in misspelt], where)


def _is_meant(place: str, said: Iterable[str]) -> bool:
    """Whether a key that is missing is the nearest to an unknown one beside it."""
    table, _, key = place.rpartition(".")
    return any(
        s.startswith(f"unknown key '{f'{table}.' if table else ''}") and s.endswith(f"did you mean {key!r}?")
        for s in said
    )


def together(faults: Sequence[str], where: str) -> InputError:
    """One error of one fault or several, each on a line of its own."""
    if len(faults) == 1:
        return InputError(f"{where}: {faults[0]}")
    lines = "\n".join(f"  {k}. {text}" for k, text in enumerate(faults, 1))
    return InputError(f"{where}: {len(faults)} things are wrong:\n{lines}")


def place_words(location: Sequence[int | str]) -> str:
    """A place in words that stand in the file: pydantic adds which of several kinds of value it tried.

    >>> place_words(("compare", 0, "metrics", 1)), place_words(("training", "epochs"))
    ('compare 1.metrics 2', 'training.epochs')
    """
    words = ""
    for part in location:
        if isinstance(part, int):
            words += f" {part + 1}"
        elif not re.search(r"[\[\]]|^constrained-|^(str|int|float)$|^[A-Z]\w*Table$", part):
            words += f".{part}" if words else part
    return words


def _words(fault: ErrorDetails, key: str, model: type[BaseModel]) -> str:
    got, kind, context = fault["input"], fault["type"], fault.get("ctx", {})
    if kind == "missing":
        return f"{key} is missing"
    if kind == "extra_forbidden":
        return f"unknown key {key!r}; {nearest(str(fault['loc'][-1]), _keys_at(fault['loc'][:-1], model))}"
    if kind == "union_tag_invalid":
        words = str(context.get("expected_tags", "")).replace("'", "").split(", ")
        return (
            f"{key}.{_TAG} got {str(context.get('tag', ''))!r}; {nearest(str(context.get('tag', '')), words)}"
        )
    if kind == "union_tag_not_found":
        return f"{key}.{_TAG} is missing"
    if kind == "literal_error":
        words = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ").split(", ")
        return f"{key} got {got!r}; {nearest(str(got), words)}"
    bounds = {k: f"{v:g}" if isinstance(v, float) else v for k, v in context.items()}
    must = _MUST.get(kind, "").format(**bounds) or fault["msg"][0].lower() + fault["msg"][1:]
    return f"{key} {must}, got {got!r}"


def _keys_at(location: Sequence[int | str], model: type[BaseModel]) -> list[str]:
    """The keys of the table at a place of the file; places inside unions and lists are found too."""
    kinds: list[Any] = [model]
    for part in location:
        inside = [k.model_fields[part].annotation for k in kinds if part in getattr(k, "model_fields", {})]
        if inside:
            kinds = [k for annotation in inside for k in _tables_in(annotation)]
    return sorted({key for k in kinds for key in getattr(k, "model_fields", {})})


def _tables_in(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [k for inner in get_args(annotation) for k in _tables_in(inner)]
