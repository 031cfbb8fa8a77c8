"""`hilum data list` and `hilum data fetch NAME`: known public sets, and how they get here."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hilum.artifacts.outputs import check_outputs, folder_output
from hilum.cli.ending import when_stopped
from hilum.core import progress
from hilum.sources.public.catalogue import PublicSet, public_sets
from hilum.stages.data import fetch as fetch_stage

app = typer.Typer(help="Known public sets: list them, fetch one.", no_args_is_help=True)


@app.command("list")
def list_sets(as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """List the public sets with licence, size and citation."""
    sets = public_sets().values()
    print(json.dumps([asdict(s) for s in sets], indent=1) if as_json else "\n\n".join(map(_paragraph, sets)))


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(help="A name from `hilum data list`.")],
    out: Annotated[Path, typer.Option("--out", help="The set is put in a folder of its name in here.")],
    url: Annotated[str | None, typer.Option("--url", help="A zip of the set elsewhere (a mirror).")] = None,
    sha256: Annotated[str, typer.Option("--sha256", help="The digest that the zip must have.")] = "",
    keep_archive: Annotated[bool, typer.Option("--keep-archive", help="Keep the zip.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Fetch a public set; a download that broke off goes on where it stopped."""
    progress.set_quiet(quiet)
    check_outputs([folder_output(out, "data")])
    with when_stopped("what has arrived is kept, and the same command goes on where it stopped"):
        done = fetch_stage(name, out, url=url, sha256=sha256, keep_archive=keep_archive)
    digest = done.record.get("archive_sha256")
    checked = (
        "as declared" if done.record.get("digest_was_checked") else "none was declared, so it was not checked"
    )
    print(f"{done.folder}: {'is here already' if done.already else 'fetched'}")
    if digest:
        print(f"sha256 of the zip: {digest} ({checked})")
    print(f"licence: {done.record['licence']}\ncite: {done.record['citation']}")


def _paragraph(s: PublicSet) -> str:
    facts = {
        "films": s.films,
        "patient ids": s.patient_ids,
        "licence": s.licence,
        "size": s.size,
        "page": s.page,
        "cite": s.citation,
    }
    lines = [
        textwrap.fill(
            text, 100, initial_indent=f"  {what:<12}", subsequent_indent=" " * 14, break_on_hyphens=False
        )
        for what, text in facts.items()
    ]
    return "\n".join([f"{s.name}: {s.title}", *lines])
