"""`hilum audit`: manifest.csv (+ split.json) -> audit.json and audit.html; prints what to know first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.options import MANIFEST, POSITIVE, SEED, Copies, Printing, grouped


@dataclass(frozen=True)
class Judging:
    """What else an audit judges, and what of its findings is accepted."""

    labels: Annotated[
        str,
        typer.Option(
            "--labels",
            metavar="WHAT",
            help="What doubts labels: shape (quick), a backbone's name (slower), or none to leave that out.",
        ),
    ] = "shape"
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow",
            metavar="CODE[:FILM][=REASON]",
            help="Show a finding as accepted, or one film of it, and record why: copies, lateral:a/1=seen by the radiologist.",
        ),
    ] = None


@grouped
def audit(
    manifest: MANIFEST,
    copies: Copies,
    judging: Judging,
    printing: Printing,
    out: Annotated[Path, typer.Option("--out", help="Folder for audit.json, audit.html and tables.")],
    split: Annotated[Path | None, typer.Option("--split", help="split.json to check for leaks.")] = None,
    positive: POSITIVE = None,
    seed: SEED = 0,
) -> None:
    """Look for copies, conflicts, leaks, shortcuts, odd films and doubtful labels, before anything is trained on films."""
    from hilum.api.films import audit as audit_films  # late: pydantic

    given = vars(copies) | {"labels": judging.labels, "allow": judging.allow or (), "quiet": printing.quiet}
    found = audit_films(manifest, out, **given, split=split, positive=positive, seed=seed)
    told = f"{found.page.brief}\n{found.path}\n{found.report}"
    print(json.dumps(found.findings, indent=1, ensure_ascii=False) if printing.as_json else told)
