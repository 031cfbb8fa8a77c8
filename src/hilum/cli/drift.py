"""`hilum drift`: how a bundle at work stands, whether its films drifted, and the reference that this is held against."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.options import AS_JSON, QUIET
from hilum.core.errors import InputError


def drift(
    what: Annotated[
        Path,
        typer.Argument(
            metavar="STATE|BUNDLE",
            help="The --state folder of a service or node, its monitor.db, or a bundle.",
        ),
    ],
    films: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILMS]...",
            help="With a bundle: films, folders or manifests to hold against its reference.",
        ),
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="With a state folder: this bundle alone, and its reference.")
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(
            min=25, help="Look at so many of the last films now; else the service's last look counts."
        ),
    ] = None,
    make_reference: Annotated[
        bool,
        typer.Option(
            "--make-reference", help="Write the bundle's reference: of its run's films, or of those named."
        ),
    ] = False,
    as_json: AS_JSON = False,
    quiet: QUIET = False,
) -> None:
    """Show what a bundle was asked and answered, and whether films and answers are still like those it was made with.

    An alarm is said in words and is no error: the exit code is 0 either way. Films are only read.
    """
    from hilum.core.progress import quieted
    from hilum.monitor.asked import (
        check_words,
        compared,
        status_words,
        statuses,
        store_path,
    )  # late: numpy, scipy

    with quieted(quiet):
        if make_reference:
            _make(what, films or ())
            return
        if films:
            done = compared(what, films)
            words = "\n".join(check_words(done.checks, done.films))
            print(json.dumps(_with_alarms(asdict(done))) if as_json else words)
            if done.failed:
                print(f"{done.failed} films have no scores", file=sys.stderr)
            return
        path = store_path(what)
        if path is None:
            raise InputError(
                f"{what}: expected a --state folder with monitor.db, or a bundle with films to compare; for a bundle's reference: "
                f"hilum drift {what} --make-reference"
            )
        found = statuses(path, bundle, window)
    if as_json:
        print(json.dumps([s.as_json() for s in found], ensure_ascii=False))
    else:
        print("\n".join(map(status_words, found)) if found else "no bundle was watched yet")


def _make(bundle: Path, films: list[Path] | tuple[Path, ...]) -> None:
    from hilum.monitor.making import make_reference

    reference, path = make_reference(bundle, films)
    held = int(reference.held_out.sum())
    print(f"{len(reference)} films, {held} of them with scores: {reference.about.films}", file=sys.stderr)
    print(path)


def _with_alarms(value: dict[str, object]) -> dict[str, object]:
    rows = value["checks"]
    assert isinstance(rows, list | tuple)
    return {**value, "checks": [{**row, "alarm": row["value"] > row["threshold"]} for row in rows]}
