"""`hilum audit`: manifest.csv (+ split.json) -> audit.json and audit.html; prints what to know first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.outputs import check_outputs, folder_output
from hilum.artifacts.split import Split
from hilum.cli.options import (
    MANIFEST,
    POSITIVE,
    SEED,
    Copies,
    Printing,
    duplicates_output,
    grouped,
    local,
)
from hilum.core import progress
from hilum.study.classes import positive_class


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
    made, read = duplicates_output(copies.duplicates)
    names = ("audit.json", "audit.html", *(() if copies.duplicates is None else ("duplicates.json",)))
    check_outputs(
        [folder_output(out, "audit", *names), *made], [p for p in (manifest, split, *read) if p is not None]
    )
    from hilum.report.audit_findings import accepted  # late: scikit-learn and decoders
    from hilum.stages.audit import audit as audit_films
    from hilum.stages.audit import write_audit
    from hilum.stages.audit.labels import check_labels
    from hilum.stages.duplicates import known_duplicates

    progress.set_quiet(printing.quiet)
    films = Manifest.read(manifest)
    positive = positive_class(positive, films.count_by("label"), str(manifest))
    check_labels(judging.labels)
    allowed = accepted(judging.allow or (), "--allow", films.by_id)
    parts = Split.read(split) if split is not None else None
    engine = local(copies.workers)
    found = known_duplicates(films, engine, copies.duplicates)
    if copies.duplicates is None:
        found.write(out / "duplicates.json")
    findings = audit_films(films, found, parts, positive, seed, engine, judging.labels, allowed)
    page = write_audit(findings, out, f"Audit of {manifest.name}", films)
    told = f"{page.brief}\n{out / 'audit.json'}\n{out / 'audit.html'}"
    print(json.dumps(findings, indent=1, ensure_ascii=False) if printing.as_json else told)
