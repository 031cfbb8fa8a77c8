"""hilum predict: a bundle and films to predictions.csv."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.options import QUIET


def predict(
    bundle: Annotated[Path, typer.Argument(help="A bundle: the folder with bundle.json.")],
    films: Annotated[list[Path], typer.Argument(help="Films, folders of films, or manifests.")],
    out: Annotated[Path, typer.Option(help="Where predictions.csv goes.")] = Path("predictions.csv"),
    split: Annotated[Path | None, typer.Option(help="split.json, to fill the column `part`.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Write nothing and exit with 2 when any film cannot be scored.")
    ] = False,
    calibrated: Annotated[
        bool,
        typer.Option(
            "--calibrated",
            help="Probabilities at the temperature that validation chose; decisions are as without.",
        ),
    ] = False,
    spread: Annotated[
        list[Path] | None,
        typer.Option(
            help="More bundles of the same classes: how far apart all are on a film is its `spread`."
        ),
    ] = None,
    sr: Annotated[
        Path | None,
        typer.Option(
            "--sr",
            metavar="FOLDER",
            help="Also write a DICOM report (SR) of each DICOM film into this folder.",
        ),
    ] = None,
    quiet: QUIET = False,
) -> None:
    """Score films with a trained model.

    A film that cannot be read, or that changed since its manifest was made, is a row with the reason in `error`. Where the bundle has
    thresholds, each film has its sets of classes and whether it is a stranger.
    """
    from hilum.api.models import predict as predict_films
    from hilum.stages.predict import scored_words  # late: torch

    done = predict_films(
        bundle,
        films,
        out=out,
        split=split,
        strict=strict,
        calibrated=calibrated,
        spread=spread or (),
        sr=sr,
        quiet=quiet,
    )
    print("\n".join(scored_words(done.predictions)), file=sys.stderr)
    print(out)
    if done.reports is not None:
        print("\n".join(done.reports.words), file=sys.stderr)
        print(sr)
