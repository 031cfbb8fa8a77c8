"""`hilum evaluate`: predictions.csv -> statistics.json; prints the table, and what to believe of the file.

With ``--on`` it is a run, or a bundle, on the films of a manifest (`hilum.workflow.outside`)."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.options import AS_JSON, POSITIVE, QUIET, SEED, WORKERS, assigned, grouped, typed
from hilum.core.errors import InputError

PREDICTIONS = Annotated[
    Path,
    typer.Argument(
        metavar="TABLE|RUN|BUNDLE",
        help="A csv: image_id, patient_id, part, y_true, p_<class> for each class; with --on a run or a bundle.",
    ),
]


@dataclass(frozen=True)
class Scores:
    """How the table of scores is read."""

    positive: POSITIVE = None
    part: Annotated[
        str | None,
        typer.Option(help="The part whose films are evaluated; test, or all films where no film has a part."),
    ] = None
    labels: Annotated[
        Path | None,
        typer.Option(
            help="A csv of films (image_id or path) and their label; it goes before the labels there."
        ),
    ] = None
    drop_unknown_classes: Annotated[
        bool,
        typer.Option("--drop-unknown-classes", help="Leave out films whose label is no class of the table."),
    ] = False
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="NAME=COLUMN,...",
            help="What the table calls image_id, patient_id, part, y_true, group, score or p_<class>.",
        ),
    ] = None
    percent: Annotated[
        bool,
        typer.Option(
            "--percent", help="Scores run from 0 to 100; columns that add up to 100 tell by themselves."
        ),
    ] = False


@dataclass(frozen=True)
class Figures:
    """What is computed."""

    resamples: Annotated[int, typer.Option(min=1, help="Resamples of each interval.")] = 2000
    seed: SEED = 0
    threshold: Annotated[
        float | None,
        typer.Option(help="Add rows at this threshold on the positive class's probability."),
    ] = None


@dataclass(frozen=True)
class Elsewhere:
    """A finished model on other films."""

    on: Annotated[
        Path | None,
        typer.Option(
            "--on",
            metavar="MANIFEST",
            help="Evaluate a run, or a bundle, on these films; --out is then a workspace.",
        ),
    ] = None
    map_label: Annotated[
        list[str] | None,
        typer.Option(
            "--map-label",
            metavar="LABEL=CLASS",
            help="With --on: what a label of the manifest is to the model.",
        ),
    ] = None
    workers: WORKERS = None
    quiet: QUIET = False


@grouped
def evaluate(
    predictions: PREDICTIONS,
    scores: Scores,
    figures: Figures,
    elsewhere: Elsewhere,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The file to write, such as statistics.json; with --on a workspace."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="Folder for a page with curves, confusion and calibration."),
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Compute every figure of a table of scores, with intervals: films that have a score and a label.

    A rate is for the class of the highest probability. Intervals resample patients where every film has an
    id, else groups, else films; the rows say which. A table of others is read with --map: one score a film is
    the probability of the positive class, 1 and 0 are positive and negative.

    With --on, every model of a run (or one bundle) is asked of the films of a manifest, in a run's folder of its own: films of other
    labels, copies of the models' own films and films of their patients are left out and counted.
    """
    from hilum.api.statistics import ALONE  # late: pydantic
    from hilum.api.statistics import evaluate as evaluate_scores
    from hilum.artifacts.scored_table import parse_columns

    if elsewhere.on is not None and as_json:
        raise InputError(ALONE)
    given = vars(scores) | vars(figures) | vars(elsewhere)
    given["map"] = parse_columns(given.pop("map_") or ())
    given["map_label"] = dict(assigned(elsewhere.map_label, "--map-label", "LABEL=CLASS", "tuberculosis=tb"))
    with typed("evaluate"):
        done = evaluate_scores(predictions, **given, out=out, report=report)
    found = done.made
    if found is None:
        print(done.report)
        return
    from hilum.report.table_page import results_table, table_cautions

    for c in table_cautions(found):
        print(f"hilum: {c}", file=sys.stderr)
    if done.report is not None:
        print(f"page: {done.report}", file=sys.stderr)
    print(json.dumps(done.rows(), ensure_ascii=False) if as_json else results_table(found).to_text())
    print(f"{found.words}; written to {out}", file=sys.stderr)
