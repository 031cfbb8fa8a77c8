"""`hilum show ANYTHING`: what it is, its version, and where it came from, as an indented tree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hilum.artifacts.usual import USUAL_WORKSPACE


def show(
    what: Annotated[
        str,
        typer.Argument(
            metavar="ANYTHING", help="A path, a name, an image_id, or the first digits of a digest."
        ),
    ],
    workspace: Annotated[
        Path | None, typer.Option(help="Where names and digests are looked for; else around the path.")
    ] = None,
    manifest: Annotated[Path | None, typer.Option(help="manifest.csv to look for an image_id in.")] = None,
    films: Annotated[bool, typer.Option("--films", help="Read every film and compare its digest.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Print what something is, its version, and where it came from, back to the films.

    A link is verified when the digest that was recorded equals that of what is on disk now; else it is changed,
    missing, or unchecked with the reason.
    """
    from hilum.report.artefact_words import artefact_words  # late: numpy and pydantic
    from hilum.stages.show import show as find

    if workspace is None and USUAL_WORKSPACE.is_dir() and not Path(what).exists():
        workspace = USUAL_WORKSPACE
    found = find(what, workspace, manifest, films)
    if as_json:
        values = [a.to_dict() for a in found]
        print(json.dumps(values[0] if len(values) == 1 else values, ensure_ascii=False))
        return
    print(artefact_words(found))
