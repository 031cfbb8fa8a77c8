"""`hilum data list` and `hilum data fetch NAME`: known public sets, and how they get here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.ending import when_stopped
from hilum.cli.options import AS_JSON, QUIET
from hilum.core import progress

app = typer.Typer(help="Known public sets: list them, fetch one.", no_args_is_help=True)


@app.command("list")
def list_sets(as_json: AS_JSON = False) -> None:
    """List the public sets with licence, size and citation."""
    from dataclasses import asdict

    from hilum.sources.public.catalogue import public_sets
    from hilum.stages.data import sets_words  # late: numpy and pydantic

    sets = list(public_sets().values())
    print(json.dumps([asdict(s) for s in sets], indent=1) if as_json else sets_words(sets))


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(help="A name from `hilum data list`.")],
    out: Annotated[Path, typer.Option("--out", help="The set is put in a folder of its name in here.")],
    url: Annotated[str | None, typer.Option("--url", help="A zip of the set elsewhere (a mirror).")] = None,
    sha256: Annotated[str, typer.Option("--sha256", help="The digest that the zip must have.")] = "",
    keep_archive: Annotated[bool, typer.Option("--keep-archive", help="Keep the zip.")] = False,
    quiet: QUIET = False,
) -> None:
    """Fetch a public set; a download that broke off goes on where it stopped."""
    progress.set_quiet(quiet)
    from hilum.artifacts.outputs import check_outputs, folder_output  # late: pydantic

    check_outputs([folder_output(out, "data")])
    from hilum.stages.data import fetch as fetch_set  # late: numpy and pydantic

    with when_stopped("what has arrived is kept, and the same command goes on where it stopped"):
        done = fetch_set(name, out, url=url, sha256=sha256, keep_archive=keep_archive)
    print(done.words)
