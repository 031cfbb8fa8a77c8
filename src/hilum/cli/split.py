"""`hilum split`: manifest.csv -> split.json; prints films by part and class."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.options import MANIFEST, SEED, Copies, Printing, assigned, grouped
from hilum.core.errors import InputError


@dataclass(frozen=True)
class Division:
    """How films are divided."""

    method: Annotated[
        str, typer.Option("--method", help="set1, set2, fractions, official, or as-published (unsafe).")
    ]
    seed: SEED
    trial: Annotated[int, typer.Option("--trial", min=1, help="Which redraw, from 1.")] = 1
    fractions: Annotated[
        str | None,
        typer.Option("--fractions", metavar="TRAIN,VALID,TEST", help="Shares for method fractions: .7,.1,.2"),
    ] = None
    crossing: Annotated[
        str,
        typer.Option(
            "--crossing",
            help="Official parts that share a patient or copy: refuse, or keep-test (leave out).",
        ),
    ] = "refuse"
    unsafe: Annotated[
        bool,
        typer.Option(
            "--unsafe",
            help="Allow as-published, which puts half of the test films into train and validation.",
        ),
    ] = False


@dataclass(frozen=True)
class Selection:
    """Which films are divided."""

    one_per_patient: Annotated[
        list[str] | None,
        typer.Option("--one-per-patient", metavar="LABEL", help="Draw one film a patient of this class."),
    ] = None
    include: Annotated[
        list[str] | None,
        typer.Option(
            "--include", metavar="COLUMN=VALUES", help="Only films that fit: source=mooney,cohen or age=>=18."
        ),
    ] = None
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude", metavar="COLUMN=VALUES", help="Without films that fit; COLUMN= for those not known."
        ),
    ] = None


@grouped
def split(
    manifest: MANIFEST,
    out: Annotated[Path, typer.Option("--out", help="The split to write, such as split.json.")],
    division: Division,
    selection: Selection,
    copies: Copies,
    printing: Printing,
    no_near_duplicates: Annotated[
        bool,
        typer.Option("--no-near-duplicates", help="Do not look for re-encoded copies: quick, and unsafe."),
    ] = False,
) -> None:
    """Divide films into train, validation and test; no patient and no copy of a film crosses.

    set1: 20 % test, 10 % of the rest validation, all redrawn each trial. set2: half is test, the same in
    every trial; 20 % of the rest is validation, redrawn each trial. Both for each class. official: as the source divides its films
    (source_part); validation is drawn from train where the source has none to speak of.

    as-published replays the overlapping draw of the paper's scripts and needs --unsafe; no study but an unsafe one takes such a split.
    """
    from hilum.api.splits import split as split_films  # late: pydantic

    given = vars(division) | {
        "fractions": _shares(division.fractions),
        "one_per_patient": selection.one_per_patient or (),
        "include": _filters(selection.include, "--include"),
        "exclude": _filters(selection.exclude, "--exclude"),
    }
    found = split_films(
        manifest, out, **given, **vars(copies), quiet=printing.quiet, no_near_duplicates=no_near_duplicates
    )
    print(json.dumps(found.split.header.options, indent=1) if printing.as_json else found.words)


def _filters(texts: Sequence[str] | None, option: str) -> list[dict[str, list[str]]]:
    """Tables of `hilum.study.film_filter`, one an option."""
    found = assigned(texts, option, "COLUMN=VALUES", "source=mooney,cohen")
    return [{column: values.split(",")} for column, values in found]


def _shares(text: str | None) -> list[float] | None:
    """The shares of the method ``fractions``."""
    try:
        return None if text is None else [float(x) for x in text.split(",")]
    except ValueError:
        raise InputError(
            f"--fractions must be three numbers TRAIN,VALID,TEST such as .7,.1,.2; got {text!r}"
        ) from None
