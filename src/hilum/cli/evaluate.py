"""`hilum evaluate`: predictions.csv -> statistics.json; prints the table, and what to believe of the file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.artifacts.classes import USUAL_POSITIVE
from hilum.artifacts.outputs import check_outputs, file_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hilum.artifacts.statistics import StatisticsRow

_PROVENANCE = {
    "unknown": "was not written by hilum (no header beside it): its labels, parts and patients are taken "
    "as they stand",
    "edited": "was changed after hilum wrote it: the header beside it is of other bytes",
}


def evaluate(
    predictions: Annotated[
        Path, typer.Argument(help="A csv: image_id, patient_id, part, y_true, p_<class> for each class.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The file to write, such as statistics.json.")],
    positive: Annotated[
        str | None, typer.Option(help=f"The positive class; {USUAL_POSITIVE} where it is one of the table's.")
    ] = None,
    part: Annotated[str, typer.Option(help="The part whose films are evaluated.")] = "test",
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of each interval.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the resamples.")] = 0,
    threshold: Annotated[
        float | None,
        typer.Option(help="Add rows at this threshold on the positive class's probability."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Compute every figure of a file of predictions, with intervals.

    A rate is for the class of the highest probability. Intervals resample patients where every film has an
    id, else groups, else films; the rows say which.
    """
    from hilum.stages.evaluate import evaluate_file  # late: scipy takes a while to import

    check_outputs([file_output(out, "statistics", ".json")], [predictions])
    rows, found = evaluate_file(predictions, out, positive, part, resamples, seed, threshold)
    if found.provenance != "hilum":
        print(f"hilum: {predictions} {_PROVENANCE[found.provenance]}", file=sys.stderr)
    if as_json:
        print(json.dumps([r.model_dump(by_alias=True) for r in rows], ensure_ascii=False))
        return
    print("\n".join(statistics_lines(rows)))
    print(
        f"{len(found)} films of part {part!r}, provenance {found.provenance}; written to {out}",
        file=sys.stderr,
    )


def statistics_lines(rows: Sequence[StatisticsRow]) -> list[str]:
    """The rows as lines of a plain table, with what was resampled beneath."""
    from hilum.report import numbers

    head = ("class", "metric", "estimate", "95 % interval", "films", "of the class")
    body = [
        (
            r.class_, r.metric, numbers.rate(r.estimate) if r.estimate is not None else "undefined",
            numbers.interval(r.low, r.high), str(r.n), str(r.n_positive),
        )
        for r in rows
    ]  # fmt: skip
    widths = [max(len(line[k]) for line in (head, *body)) for k in range(len(head))]

    def line(values: Sequence[str]) -> str:
        cells = [
            v.ljust(w) if k < 2 else v.rjust(w) for k, (v, w) in enumerate(zip(values, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    reasons = {f"{r.class_}, {r.metric}: {r.note}" for r in rows if r.estimate is None}
    units = {f"intervals resample {r.n_clusters} units, each a {r.unit}" for r in rows if r.n_clusters}
    return [
        line(head),
        line(["-" * w for w in widths]),
        *(line(b) for b in body),
        "",
        *sorted(units),
        *sorted(reasons),
    ]
