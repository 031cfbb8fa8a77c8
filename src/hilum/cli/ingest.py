"""`hilum ingest`: folders and tables of films -> manifest.csv; prints what came in and what did not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from hilum.cli.options import AS_JSON, QUIET, WORKERS, assigned, local
from hilum.core import progress
from hilum.core.errors import require_known
from hilum.sources.layout import IngestOptions, MooneyPatients
from hilum.sources.layouts import LAYOUTS

SOURCES = Annotated[
    list[str],
    typer.Argument(metavar="SOURCE...", help="Folders of films, or csv files; PATH or NAME=PATH."),
]
NO_PATIENT_IDS = Annotated[
    list[str] | None,
    typer.Option(
        "--no-patient-ids", metavar="SOURCE_NAME", help="Declare that this source has no patient ids."
    ),
]
LABELS = Annotated[
    Path | None,
    typer.Option("--labels", help="A csv with path, label, patient_id for films of any source."),
]
LAYOUT = Annotated[
    list[str] | None,
    typer.Option(
        "--layout",
        metavar="NAME=LAYOUT",
        help=f"Do not recognise the layout: {', '.join(f'{x.name} ({x.what})' for x in LAYOUTS)}.",
    ),
]
MOONEY_PATIENTS = Annotated[
    str,
    typer.Option(
        help="Chest X-Ray Images (Pneumonia): person5 under bacteria and under virus is one child "
        "(number) or two (number-and-class)."
    ),
]
VIEWS = Annotated[
    list[str] | None,
    typer.Option(
        "--views",
        metavar="VIEW,...",
        help="Views to keep: PA, AP, AP Supine, AP Erect, Lateral, ..., unknown, all. When not given, frontal ones and "
        "films whose view nobody tells.",
    ),
]
STRICT = Annotated[
    bool, typer.Option("--strict", help="Write nothing and exit with 2 when any film cannot be read.")
]


def ingest(
    sources: SOURCES,
    out: Annotated[Path, typer.Option("--out", help="The manifest to write, such as manifest.csv.")],
    no_patient_ids: NO_PATIENT_IDS = None,
    labels: LABELS = None,
    layout: LAYOUT = None,
    mooney_patients: MOONEY_PATIENTS = "number",
    views: VIEWS = None,
    strict: STRICT = False,
    workers: WORKERS = None,
    as_json: AS_JSON = False,
    quiet: QUIET = False,
) -> None:
    """Make manifest.csv from folders and tables of films.

    Recognised are the layouts that --layout names. What was left out, and why, is in the table beside the manifest.
    """
    from hilum.stages.ingest import ingest as ingest_films  # late: the decoders take a while to import

    progress.set_quiet(quiet)
    require_known(mooney_patients, get_args(MooneyPatients), "unknown --mooney-patients")
    layouts = dict(assigned(layout, "--layout", "NAME=LAYOUT", "films=folder"))
    patients = cast(MooneyPatients, mooney_patients)
    asked = IngestOptions(no_patient_ids or (), labels, layouts, patients, views or (), strict)
    done = ingest_films(sources, out, asked, local(workers))
    print(json.dumps(done.to_dict(), indent=1, ensure_ascii=False) if as_json else done.words)
