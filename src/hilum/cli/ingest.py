"""`hilum ingest`: folders and tables of films -> manifest.csv; prints what came in and what did not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from hilum.artifacts.manifest import excluded_path
from hilum.core import progress
from hilum.core.engine import Local
from hilum.core.errors import InputError, require_known
from hilum.sources.layout import IngestOptions, MooneyPatients
from hilum.sources.layouts import LAYOUTS

if TYPE_CHECKING:
    from hilum.stages.ingest import Ingested


def ingest(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Folders of films, or csv files; PATH or NAME=PATH."),
    ],
    out: Annotated[Path, typer.Option("--out", help="The manifest to write, such as manifest.csv.")],
    no_patient_ids: Annotated[
        list[str] | None,
        typer.Option(
            "--no-patient-ids", metavar="SOURCE_NAME", help="Declare that this source has no patient ids."
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option("--labels", help="A csv with path, label, patient_id for films of any source."),
    ] = None,
    layout: Annotated[
        list[str] | None,
        typer.Option(
            "--layout",
            metavar="NAME=LAYOUT",
            help=f"Do not recognise the layout: {', '.join(f'{x.name} ({x.what})' for x in LAYOUTS)}.",
        ),
    ] = None,
    mooney_patients: Annotated[
        str,
        typer.Option(
            help="Chest X-Ray Images (Pneumonia): person5 under bacteria and under virus is one child "
            "(number) or two (number-and-class)."
        ),
    ] = "number",
    views: Annotated[
        list[str] | None,
        typer.Option(
            "--views",
            metavar="VIEW,...",
            help="Views to keep: PA, AP, AP Supine, AP Erect, Lateral, ..., unknown, all. When not given, frontal ones and "
            "films whose view nobody tells.",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Write nothing and exit with 2 when any film cannot be read.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes; one a processor when not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Make manifest.csv from folders and tables of films.

    Recognised are the layouts that --layout names. What was left out, and why, is in the table beside the manifest.
    """
    from hilum.stages.ingest import ingest as ingest_stage  # late: the decoders take a while to import

    progress.set_quiet(quiet)
    known = get_args(MooneyPatients)
    require_known(mooney_patients, known, "unknown --mooney-patients")
    asked = IngestOptions(
        no_patient_ids=no_patient_ids or (),
        labels=labels,
        layouts=_layouts(layout or ()),
        mooney_patients=cast(MooneyPatients, mooney_patients),
        views=views or (),
        strict=strict,
    )
    done = ingest_stage(sources, out, asked, None if workers is None else Local(workers))
    print(json.dumps(as_dict(done), indent=1, ensure_ascii=False) if as_json else as_text(done))


def _layouts(texts: Sequence[str]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for text in texts:
        name, equals, layout = text.partition("=")
        if not equals or not name:
            raise InputError(f"--layout {text!r}: expected NAME=LAYOUT")
        chosen[name] = layout
    return chosen


def as_dict(done: Ingested) -> dict[str, object]:
    """The result for a program."""
    patients = {f.patient_id for f in done.manifest.films if f.patient_id}
    return {
        "manifest": str(done.manifest_path),
        "excluded_table": str(excluded_path(done.manifest_path)),
        "digest": done.manifest.digest,
        "films": len(done.manifest),
        "patients": len(patients),
        "counts": [
            {
                "source": c.source,
                "layout": c.layout,
                "label": c.label,
                "films": c.films,
                "patients": c.patients,
            }
            for c in done.counts
        ],
        "excluded": [
            {"source": source, "reason": reason, "n": n} for (source, reason), n in done.excluded.items()
        ],
        "notes": list(done.notes),
    }


def as_text(done: Ingested) -> str:
    """The result for a person."""
    rows = [
        [
            c.source,
            c.layout,
            c.label,
            str(c.films),
            "declared none" if c.patients is None else str(c.patients),
        ]
        for c in done.counts
    ]
    patients = {f.patient_id for f in done.manifest.films if f.patient_id}
    rows.append(["all", "", "", str(len(done.manifest)), str(len(patients)) if patients else "declared none"])
    parts = [_table(["source", "layout", "label", "films", "patients"], rows, numbers={3, 4})]
    if done.excluded:
        left_out = [[source, reason, str(n)] for (source, reason), n in done.excluded.items()]
        left_out.append(["all", "", str(sum(done.excluded.values()))])
        parts.append("left out:\n" + _table(["source", "reason", "n"], left_out, numbers={2}))
    parts.extend(f"note: {note}" for note in done.notes)
    parts.append(
        f"{done.manifest_path}: {len(done.manifest)} films; left out: {excluded_path(done.manifest_path)}"
    )
    return (
        "\n\n".join(parts[: 1 + bool(done.excluded)]) + "\n\n" + "\n".join(parts[1 + bool(done.excluded) :])
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: set[int]) -> str:
    widths = [max(len(r[k]) for r in (head, *rows)) for k in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            c.rjust(w) if k in numbers else c.ljust(w)
            for k, (c, w) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([line(head), line(["-" * w for w in widths]), *(line(r) for r in rows)])
