"""`hilum split`: manifest.csv -> split.json; prints films by part and class."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.outputs import check_outputs, file_output
from hilum.artifacts.split import PARTS
from hilum.cli.options import (
    MANIFEST,
    SEED,
    Copies,
    Printing,
    assigned,
    duplicates_output,
    grouped,
    local,
)
from hilum.core import progress
from hilum.core.digests import SHORT
from hilum.core.errors import InputError, UnsafeError, require_known
from hilum.study.tables import Crossing, SplitMethod

AS_PUBLISHED = "as-published"


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
    progress.set_quiet(printing.quiet)
    made, read = duplicates_output(copies.duplicates)
    check_outputs([file_output(out, "split", ".json", beside=()), *made], [manifest, *read])
    if division.method == AS_PUBLISHED:
        _replay(manifest, division.seed, out, division.unsafe)
        return
    from hilum.report.split_words import split_words
    from hilum.splitting.divide import METHODS, SplitOptions
    from hilum.splitting.part_checks import require_parts
    from hilum.stages.duplicates import known_duplicates  # late: the decoders take a while to import
    from hilum.stages.split import draw_split, select

    method, crossing = division.method, division.crossing
    require_known(method, (*METHODS, AS_PUBLISHED), "unknown --method")
    require_known(crossing, get_args(Crossing), "unknown --crossing")
    shares = _shares(division.fractions, method, crossing)
    options = SplitOptions(
        cast(SplitMethod, method), division.seed, division.trial, shares, crossing=cast(Crossing, crossing)
    )
    whole = Manifest.read(manifest)
    included, excluded = (
        _filters(selection.include, "--include"),
        _filters(selection.exclude, "--exclude"),
    )
    one_per_patient = selection.one_per_patient or []
    chosen = {"one_per_patient": one_per_patient, "include": included, "exclude": excluded}
    films = select(whole, included, excluded, one_per_patient, division.seed)
    found = None if no_near_duplicates else known_duplicates(films, local(copies.workers), copies.duplicates)
    drawn = draw_split(films, found, options, whole, {k: v for k, v in chosen.items() if v})
    drawn.check(whole)
    needed = [p for p in PARTS if drawn.header.options.get("fractions", {}).get(p, 1) > 0]
    require_parts(drawn, films, list(films.count_by("label")), needed)
    drawn.write(out)
    words = f"{split_words(drawn, films)}\n{out}: split {drawn.digest[:SHORT]}"
    print(json.dumps(drawn.header.options, indent=1) if printing.as_json else words)


def _replay(manifest: Path, seed: int, out: Path, unsafe: bool) -> None:
    """Write the split as the published scripts drew it, and say how much of test leaks."""
    if not unsafe:
        raise UnsafeError(
            "--method as-published puts test films into train and validation, as the paper's scripts did; add --unsafe to do it "
            "all the same, or use --method set2"
        )
    from hilum.paper.published_draw import draw_as_published

    drawn = draw_as_published(Manifest.read(manifest), seed)
    drawn.write(out)
    n_test = len(drawn.parts["test"])
    share = f"{100 * drawn.n_shared / n_test:.1f} %"
    print(f"{drawn.n_shared} of {n_test} test films are in train or validation too ({share})")
    print(f"{out}: UNSAFE split {drawn.digest[:SHORT]}")


def _filters(texts: Sequence[str] | None, option: str) -> list[dict[str, list[str]]]:
    """Tables of `hilum.study.film_filter`, one an option."""
    found = assigned(texts, option, "COLUMN=VALUES", "source=mooney,cohen")
    return [{column: values.split(",")} for column, values in found]


def _shares(text: str | None, method: str, crossing: str) -> dict[str, float] | None:
    """The shares of the method ``fractions``; an option of another method than the one asked for is refused."""
    if (method == "fractions") != (text is not None):
        raise InputError("--fractions TRAIN,VALID,TEST goes with --method fractions, and only with it")
    if crossing != "refuse" and method != "official":
        raise InputError(f"--crossing {crossing} goes with --method official, got --method {method}")
    if text is None:
        return None
    try:
        return dict(zip(PARTS, map(float, text.split(",")), strict=True))
    except ValueError:
        raise InputError(
            f"--fractions must be three numbers TRAIN,VALID,TEST such as .7,.1,.2; got {text!r}"
        ) from None
