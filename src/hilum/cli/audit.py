"""`hilum audit`: manifest.csv (+ split.json) -> audit.json and audit.html; prints what to know first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.outputs import check_outputs, file_output, folder_output
from hilum.artifacts.split import Split
from hilum.core import progress
from hilum.core.engine import Local
from hilum.study.classes import USUAL_POSITIVE, positive_class


def audit(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="manifest.csv of `hilum ingest`.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for audit.json and audit.html.")],
    split: Annotated[Path | None, typer.Option("--split", help="split.json to check for leaks.")] = None,
    positive: Annotated[
        str | None,
        typer.Option(
            "--positive",
            help=f"Class that the probes look for; {USUAL_POSITIVE} where it is one of the labels.",
        ),
    ] = None,
    duplicates: Annotated[
        Path | None,
        typer.Option("--duplicates", help="duplicates.json to read, or to make when it is not there."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the probes.")] = 0,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Look for copies, conflicts, leaks and shortcuts among films, before anything is trained on them."""
    kept = duplicates is not None and duplicates.is_file()
    names = ("audit.json", "audit.html", *(() if duplicates is not None else ("duplicates.json",)))
    made = [folder_output(out, "audit", *names)]
    if duplicates is not None and not kept:
        made.append(file_output(duplicates, "duplicates", ".json", option="--duplicates", beside=()))
    check_outputs(made, [p for p in (manifest, split, duplicates if kept else None) if p is not None])
    from hilum.artifacts.duplicates import Duplicates
    from hilum.report.audit_page import PAGE
    from hilum.stages.audit import NAME, write_audit
    from hilum.stages.audit import (
        audit as audit_stage,
    )  # late: scikit-learn and decoders take a while to import
    from hilum.stages.duplicates import find_duplicates

    progress.set_quiet(quiet)
    films = Manifest.read(manifest)
    positive = positive_class(positive, films.count_by("label"), str(manifest))
    parts = Split.read(split) if split is not None else None
    path = duplicates if duplicates is not None else out / "duplicates.json"
    if kept:
        found = Duplicates.read(path)
    else:
        found = find_duplicates(films, Local(workers))
        found.write(path)
    findings = audit_stage(films, found, parts, positive=positive, seed=seed)
    page = write_audit(findings, out, f"Audit of {manifest.name}")
    if as_json:
        print(json.dumps(findings, indent=1, ensure_ascii=False))
        return
    print("\n".join([page.sentence, *map(str, page.cautions), str(out / NAME), str(out / PAGE)]))
