"""`hilum evaluate`: predictions.csv -> statistics.json; prints the table, and what to believe of the file."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from hilum.artifacts.outputs import check_outputs, file_output, folder_output
from hilum.study.classes import USUAL_POSITIVE


def evaluate(
    predictions: Annotated[
        Path, typer.Argument(help="A csv: image_id, patient_id, part, y_true, p_<class> for each class.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The file to write, such as statistics.json.")],
    positive: Annotated[
        str | None,
        typer.Option(
            help=f"The positive class; else that of the model, or {USUAL_POSITIVE} where it is one of the table's."
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(help="The part whose films are evaluated; test, or all films where no film has a part."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="A csv of films (image_id or path) and their label; it goes before the labels there."
        ),
    ] = None,
    drop_unknown_classes: Annotated[
        bool,
        typer.Option("--drop-unknown-classes", help="Leave out films whose label is no class of the table."),
    ] = False,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="NAME=COLUMN,...",
            help="What the table calls image_id, patient_id, part, y_true, group, score or p_<class>.",
        ),
    ] = None,
    percent: Annotated[
        bool,
        typer.Option(
            "--percent", help="Scores run from 0 to 100; columns that add up to 100 tell by themselves."
        ),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="Folder for a page with curves, confusion and calibration."),
    ] = None,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of each interval.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the resamples.")] = 0,
    threshold: Annotated[
        float | None,
        typer.Option(help="Add rows at this threshold on the positive class's probability."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Compute every figure of a table of scores, with intervals: films that have a score and a label.

    A rate is for the class of the highest probability. Intervals resample patients where every film has an
    id, else groups, else films; the rows say which. A table of others is read with --map: one score a film is
    the probability of the positive class, 1 and 0 are positive and negative.
    """
    made = [file_output(out, "statistics", ".json")]
    if report is not None:
        made.append(folder_output(report, "evaluation", "evaluation.html", option="--report"))
    check_outputs(made, [predictions, *([labels] if labels is not None else [])])
    from hilum.artifacts.scored_table import Reading, parse_columns
    from hilum.report.table_page import results_table, table_cautions, write_table_page
    from hilum.stages.evaluate_file import ALL, Choice, evaluate_file  # late: scipy

    reading = Reading(parse_columns(map_ or ()), positive, percent)
    choice = Choice(part, labels, drop_unknown_classes, resamples, seed, threshold)
    found = evaluate_file(predictions, out, choice, reading)
    films = found.predictions
    for c in table_cautions(found):
        print(f"hilum: {c}", file=sys.stderr)
    if report is not None:
        command = shlex.join(["hilum", *sys.argv[1:]]) if sys.argv[1:2] == ["evaluate"] else ""
        print(f"page: {write_table_page(found, report, command)}", file=sys.stderr)
    if as_json:
        print(json.dumps([r.model_dump(by_alias=True) for r in found.rows], ensure_ascii=False))
        return
    print(results_table(found).to_text())
    of = "no part" if found.part == ALL else f"part {found.part!r}"
    print(
        f"{len(films)} films of {of}, positive class {found.positive!r}, provenance {films.provenance}; written to {out}",
        file=sys.stderr,
    )
