"""`hilum drift`: how a bundle at work stands, whether its films drifted, and the reference that this is held against."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.options import AS_JSON, QUIET


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
    from hilum.api.drift import drift as found_of  # late: numpy, scipy
    from hilum.api.drift import make_reference as make

    if make_reference:
        made = make(what, films or (), quiet=quiet)
        print(made.words, file=sys.stderr)
        print(made.path)
        return
    found = found_of(what, films or (), bundle=bundle, window=window, quiet=quiet)
    print(json.dumps(found.as_json(), ensure_ascii=False) if as_json else found.words)
    if found.failed:
        print(f"{found.failed} films have no scores", file=sys.stderr)
