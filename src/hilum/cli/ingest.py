"""`hilum ingest`: folders and tables of films -> manifest.csv; prints what came in and what did not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.options import ADDRESS, ENGINE, WORKERS, Printing, assigned, grouped
from hilum.sources.layouts import LAYOUTS

SOURCES = Annotated[
    list[str],
    typer.Argument(metavar="SOURCE...", help="Folders of films, or csv files; PATH or NAME=PATH."),
]


@dataclass(frozen=True)
class Reading:
    """How sources are read."""

    no_patient_ids: Annotated[
        list[str] | None,
        typer.Option(
            "--no-patient-ids", metavar="SOURCE_NAME", help="Declare that this source has no patient ids."
        ),
    ] = None
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            "--labels",
            metavar="FILE",
            help="A csv with path (or image_id), label, patient_id for films of any source, or the comments of `hilum gallery`; "
            "may be given several times, what a later one says goes first.",
        ),
    ] = None
    layout: Annotated[
        list[str] | None,
        typer.Option(
            "--layout",
            metavar="NAME=LAYOUT",
            help=f"Do not recognise the layout: {', '.join(f'{x.name} ({x.what})' for x in LAYOUTS)}.",
        ),
    ] = None
    lung_masks: Annotated[
        list[str] | None,
        typer.Option(
            "--lung-masks",
            metavar="NAME=FOLDER",
            help="Lung masks of a source that lie elsewhere, each called as its film.",
        ),
    ] = None
    mooney_patients: Annotated[
        str,
        typer.Option(
            help="Chest X-Ray Images (Pneumonia): person5 under bacteria and under virus is one child "
            "(number) or two (number-and-class)."
        ),
    ] = "number"
    views: Annotated[
        list[str] | None,
        typer.Option(
            "--views",
            metavar="VIEW,...",
            help="Views to keep: PA, AP, AP Supine, AP Erect, Lateral, ..., unknown, all. When not given, frontal ones and "
            "films whose view nobody tells.",
        ),
    ] = None
    findings: Annotated[
        list[str] | None,
        typer.Option(
            "--findings",
            metavar="NAME=FINDING:CLASS,...",
            help="Which findings of a public set make which class, instead of the set's own mapping; the finding `other` is every one "
            "that is not named. A film whose findings make two classes is left out.",
        ),
    ] = None
    uncertain: Annotated[
        str,
        typer.Option(
            help="What an uncertain finding of a public set (-1) counts as: positive, negative, or ignore for not known."
        ),
    ] = "ignore"
    readers: Annotated[
        str,
        typer.Option(
            help="Which of several readers of a film count: majority, any, or each for the majority and a column a reader."
        ),
    ] = "majority"
    strict: Annotated[
        bool, typer.Option("--strict", help="Write nothing and exit with 2 when any film cannot be read.")
    ] = False


@grouped
def ingest(
    sources: SOURCES,
    out: Annotated[Path, typer.Option("--out", help="The manifest to write, such as manifest.csv.")],
    reading: Reading,
    printing: Printing,
    engine: ENGINE = "local",
    address: ADDRESS = None,
    workers: WORKERS = None,
) -> None:
    """Make manifest.csv from folders and tables of films.

    Recognised are the layouts that --layout names. What was left out, and why, is in the table beside the manifest.
    """
    from hilum.api.films import ingest as ingest_films  # late: pydantic
    from hilum.sources.findings import parse_classes

    given = vars(reading) | {
        "layout": dict(assigned(reading.layout, "--layout", "NAME=LAYOUT", "films=folder")),
        "lung_masks": dict(assigned(reading.lung_masks, "--lung-masks", "NAME=FOLDER", "films=masks")),
        "findings": {
            name: parse_classes(text)
            for name, text in assigned(
                reading.findings, "--findings", "NAME=FINDING:CLASS,...", "nih=no_finding:normal,mass:mass"
            )
        },
        "no_patient_ids": reading.no_patient_ids or (),
        "labels": reading.labels or (),
        "views": reading.views or (),
    }
    done = ingest_films(
        sources, out, **given, quiet=printing.quiet, engine=engine, address=address, workers=workers
    ).made
    assert done is not None
    print(json.dumps(done.to_dict(), indent=1, ensure_ascii=False) if printing.as_json else done.words)
