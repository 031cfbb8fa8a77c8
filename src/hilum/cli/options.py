"""Options that several commands have: each is said once, so that it means the same everywhere.

A command of many options takes them as a few dataclasses (`grouped`), whose fields are its options.
"""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from hilum.api.command import as_typed
from hilum.core.engine import ENGINES
from hilum.core.errors import InputError
from hilum.study.classes import USUAL_POSITIVE

MANIFEST = Annotated[Path, typer.Argument(metavar="MANIFEST", help="manifest.csv of `hilum ingest`.")]
STUDY_MANIFEST = Annotated[
    Path | None, typer.Option("--manifest", help="manifest.csv; else the one that the study names.")
]
WORKSPACE = Annotated[
    Path,
    typer.Option(
        "--workspace",
        help="Folder for everything that is computed, or of some commands an address, as s3://bucket/folder.",
    ),
]
OVERRIDES = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key, as training.epochs=5; of a suite's study, experiment-2:training.epochs=5, of every one *:training.epochs=5.",
    ),
]
DUPLICATES = Annotated[
    Path | None,
    typer.Option("--duplicates", help="duplicates.json to read, or to make when it is not there."),
]
POSITIVE = Annotated[
    str | None,
    typer.Option(
        "--positive",
        help=f"The positive class; else that of the model, or {USUAL_POSITIVE} where it is one of the labels.",
    ),
]
WORKERS = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=0,
        help="Processes; all cores if not given, 0 for none but this. Results do not depend on it.",
    ),
]
ENGINE = Annotated[
    str, typer.Option("--engine", help=f"Where tasks run: {', '.join(ENGINES)}. Results do not depend on it.")
]
ADDRESS = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="HOST:PORT|auto",
        help="Of a Ray cluster that this machine is a node of; else Ray starts on this machine and ends with the command.",
    ),
]
SEED = Annotated[int, typer.Option("--seed", help="Seed of all that is drawn.")]
AS_JSON = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
QUIET = Annotated[bool, typer.Option("--quiet", help="No progress.")]


@dataclass(frozen=True)
class Copies:
    """Where the copies among the films are known from, or found."""

    duplicates: DUPLICATES = None
    workers: WORKERS = None


@dataclass(frozen=True)
class Printing:
    """How a command speaks."""

    as_json: AS_JSON = False
    quiet: QUIET = False


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer takes it: each field of a parameter that is a dataclass is an option of its own."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    options: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name not in groups:
            options.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name]))
            continue
        of = get_type_hints(groups[name], include_extras=True)
        for field in fields(groups[name]):
            default = inspect.Parameter.empty if field.default is MISSING else field.default
            options.append(
                inspect.Parameter(
                    field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=of[field.name]
                )
            )

    @wraps(command)
    def called(**given: Any) -> None:
        taken = {n: g(**{f.name: given.pop(f.name) for f in fields(g)}) for n, g in groups.items()}
        command(**given, **taken)

    called.__annotations__ = {option.name: option.annotation for option in options}
    called.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    return called


def typed(*commands: str) -> AbstractContextManager[None]:
    """Within it, pages have the command as it was typed, unless that is none of these: something else called the function."""
    first = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    return as_typed(shlex.join(["hilum", *sys.argv[1:]]) if first in commands else "")


def words_in(text: str, option: str) -> list[str]:
    """Words with commas between.

    Raises:
        InputError: None.

    >>> words_in("a, b", "--metrics")
    ['a', 'b']
    """
    words = [w.strip() for w in text.split(",") if w.strip()]
    if not words:
        raise InputError(f"{option}: expected one or more, got {text!r}")
    return words


def assigned(texts: Sequence[str] | None, option: str, form: str, example: str) -> list[tuple[str, str]]:
    """Names with their values.

    Raises:
        InputError: A text of another form.

    >>> assigned(["pipeline=crop"], "--where", "FACTOR=LEVEL", "pipeline=crop")
    [('pipeline', 'crop')]
    """
    found = []
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise InputError(f"{option} takes {form}, got {text!r}; for example {option} {example}")
        found.append((name, value))
    return found
