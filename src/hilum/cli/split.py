"""`hilum split`: manifest.csv -> split.json; prints films by part and class."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.outputs import check_outputs, file_output
from hilum.artifacts.split import PARTS, Split
from hilum.core import progress
from hilum.core.engine import Local
from hilum.core.errors import InputError, UnsafeError, nearest, require_known
from hilum.study.tables import Crossing

AS_PUBLISHED = "as-published"


def split(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="manifest.csv of `hilum ingest`.")],
    method: Annotated[
        str, typer.Option("--method", help="set1, set2, fractions, official, or as-published (unsafe).")
    ],
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draw.")],
    out: Annotated[Path, typer.Option("--out", help="The split to write, such as split.json.")],
    trial: Annotated[int, typer.Option("--trial", min=1, help="Which redraw, from 1.")] = 1,
    fractions: Annotated[
        str | None,
        typer.Option("--fractions", metavar="TRAIN,VALID,TEST", help="Shares for method fractions: .7,.1,.2"),
    ] = None,
    one_per_patient: Annotated[
        list[str] | None,
        typer.Option("--one-per-patient", metavar="LABEL", help="Draw one film a patient of this class."),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(
            "--include", metavar="COLUMN=VALUES", help="Only films that fit: source=mooney,cohen or age=>=18."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude", metavar="COLUMN=VALUES", help="Without films that fit; COLUMN= for those not known."
        ),
    ] = None,
    crossing: Annotated[
        str,
        typer.Option(
            "--crossing",
            help="Official parts that share a patient or copy: refuse, or keep-test (leave out).",
        ),
    ] = "refuse",
    no_near_duplicates: Annotated[
        bool,
        typer.Option("--no-near-duplicates", help="Do not look for re-encoded copies: quick, and unsafe."),
    ] = False,
    duplicates: Annotated[
        Path | None,
        typer.Option("--duplicates", help="duplicates.json to read, or to make when it is not there."),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 2,
    unsafe: Annotated[
        bool,
        typer.Option(
            "--unsafe",
            help="Allow as-published, which puts half of the test films into train and validation.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Divide films into train, validation and test; no patient and no copy of a film crosses.

    set1: 20 % test, 10 % of the rest validation, all redrawn each trial. set2: half is test, the same in
    every trial; 20 % of the rest is validation, redrawn each trial. Both for each class. official: as the source divides its films
    (source_part); validation is drawn from train where the source has none to speak of.

    as-published replays the overlapping draw of the paper's scripts and needs --unsafe; no study but an unsafe one takes such a split.
    """
    from hilum.artifacts.duplicates import Duplicates
    from hilum.splitting.divide import METHODS, SplitOptions
    from hilum.splitting.part_checks import require_parts
    from hilum.stages.duplicates import find_duplicates  # late: the decoders take a while to import
    from hilum.stages.split import draw_split, select

    progress.set_quiet(quiet)
    made = [file_output(out, "split", ".json", beside=())]
    kept = duplicates is not None and duplicates.is_file()
    if duplicates is not None and not kept:
        made.append(file_output(duplicates, "duplicates", ".json", option="--duplicates", beside=()))
    check_outputs(made, [manifest, *([duplicates] if duplicates is not None and kept else [])])
    if method == AS_PUBLISHED:
        if not unsafe:
            raise UnsafeError(
                "--method as-published puts test films into train and validation, as the paper's scripts did; add --unsafe to do it "
                "all the same, or use --method set2"
            )
        _replay(manifest, seed, out)
        return
    if method not in METHODS:
        raise InputError(f"unknown --method {method!r}; {nearest(method, [*METHODS, AS_PUBLISHED])}")
    shares = parse_fractions(fractions) if fractions is not None else None
    if (method == "fractions") != (shares is not None):
        raise InputError("--fractions TRAIN,VALID,TEST goes with --method fractions, and only with it")
    known = get_args(Crossing)
    require_known(crossing, known, "unknown --crossing")
    if crossing != "refuse" and method != "official":
        raise InputError(f"--crossing {crossing} goes with --method official, got --method {method}")
    filters = {"include": parse_filters(include or ()), "exclude": parse_filters(exclude or ())}
    whole = Manifest.read(manifest)
    films = select(whole, filters["include"], filters["exclude"], one_per_patient or (), seed)
    found = None
    if not no_near_duplicates:
        if duplicates is not None and duplicates.is_file():
            found = Duplicates.read(duplicates)
        else:
            found = find_duplicates(films, Local(workers))
            if duplicates is not None:
                found.write(duplicates)
    selection: dict[str, Any] = {"one_per_patient": list(one_per_patient)} if one_per_patient else {}
    selection |= {key: tables for key, tables in filters.items() if tables}
    options = SplitOptions(method, seed, trial, shares, crossing=cast(Crossing, crossing))
    drawn = draw_split(films, found, options, whole, selection)
    drawn.check(whole)
    needed = [p for p in PARTS if drawn.header.options.get("fractions", {}).get(p, 1) > 0]
    require_parts(drawn, films, list(films.count_by("label")), needed)
    drawn.write(out)
    print(json.dumps(drawn.header.options, indent=1) if as_json else as_text(drawn, films, out))


def _replay(manifest: Path, seed: int, out: Path) -> None:
    """Write the split as the published scripts drew it, and say how much of test leaks."""
    from hilum.paper.published_draw import draw_as_published

    replayed = draw_as_published(Manifest.read(manifest), seed)
    replayed.write(out)
    n_test = len(replayed.parts["test"])
    share = 100 * replayed.n_shared / n_test
    print(
        f"{replayed.n_shared} of {n_test} test films are in train or validation too ({share:.1f} %)\n{out}: UNSAFE split "
        f"{replayed.digest[:16]}"
    )


def parse_filters(texts: Sequence[str]) -> list[dict[str, list[str]]]:
    """Tables of `hilum.study.film_filter` from the command line, one an option.

    >>> parse_filters(["source=mooney,cohen", "age=>=18", "sex="])
    [{'source': ['mooney', 'cohen']}, {'age': ['>=18']}, {'sex': ['']}]
    """
    found = []
    for text in texts:
        column, sign, values = text.partition("=")
        if not sign or not column:
            raise InputError(
                f"--include and --exclude take COLUMN=VALUES such as source=mooney,cohen or age=>=18; got {text!r}"
            )
        found.append({column: values.split(",")})
    return found


def parse_fractions(text: str) -> dict[str, float]:
    """Shares from text.

    >>> parse_fractions(".7,.1,.2")
    {'train': 0.7, 'valid': 0.1, 'test': 0.2}
    """
    try:
        values = [float(x) for x in text.split(",")]
    except ValueError:
        values = []
    if len(values) != len(PARTS):
        raise InputError(f"--fractions must be three numbers TRAIN,VALID,TEST such as .7,.1,.2; got {text!r}")
    return dict(zip(PARTS, values, strict=True))


def as_text(split: Split, films: Manifest, out: Path) -> str:
    """Films by part and class, and what the groups are."""
    n_films = split.header.options["n_films"]
    labels = sorted(films.count_by("label"))
    rows = [["part", *labels, "all"]]
    for part in PARTS:
        counts = [n_films[part].get(label, 0) for label in labels]
        rows.append([part, *map(str, counts), str(sum(counts))])
    totals = [sum(n_films[p].get(label, 0) for p in PARTS) for label in labels]
    rows.append(["all", *map(str, totals), str(sum(totals))])
    widths = [max(len(r[k]) for r in rows) for k in range(len(rows[0]))]
    lines = [
        "  ".join(c.rjust(w) if k else c.ljust(w) for k, (c, w) in enumerate(zip(r, widths, strict=True)))
        for r in rows
    ]
    options = split.header.options
    members: dict[str, int] = {}
    for group in split.group_of.values():
        members[group] = members.get(group, 0) + 1
    largest = max(sorted(members), key=lambda g: members[g])
    several = [n for n in members.values() if n > 1]
    lines += [
        "",
        f"{options['n_groups']} groups; {len(several)} of more than one film, {sum(several)} films in them; "
        f"the largest has {members[largest]} ({largest})",
    ]
    if official := options.get("official"):
        lines.append(f"validation: {official['validation']}")
        if official["left_out_crossing"]:
            lines.append(
                f"{official['left_out_crossing']} films left out: their patient or a copy is in a part held back more (keep-test)"
            )
    if not options["near_duplicates"]:
        lines.append("near-duplicates were not looked for: copies that were re-encoded may be in two parts")
    if films.provenance != "hilum":
        lines.append(f"the manifest's provenance is {films.provenance}")
    return "\n".join([*lines, f"{out}: split {split.digest[:16]}"])
