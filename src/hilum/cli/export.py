"""`hilum export`: a bundle to a model that runs without hilum."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hilum.core.errors import InputError


def export(
    bundle: Annotated[Path, typer.Argument(help="A bundle: the folder with bundle.json.")],
    onnx: Annotated[
        bool, typer.Option("--onnx", help="An ONNX file, from normalised pixels to probabilities.")
    ] = False,
    torch: Annotated[
        bool,
        typer.Option("--torch", help="A folder that torch loads alone, from grey films to probabilities."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where it goes; model.onnx or model-torch if not given.")
    ] = None,
    films: Annotated[
        list[Path] | None,
        typer.Option(
            help="Films, folders of films or manifests that it is checked on; synthetic films if not given."
        ),
    ] = None,
) -> None:
    """Write a trained model for another program, with its preparation, classes and operating point as metadata.

    What was written is run beside the bundle on films, and is not there if it says something else.
    """
    if onnx == torch:
        raise InputError("name one of --onnx and --torch")
    from hilum.api.models import export as export_bundle  # late: pydantic

    done = export_bundle(bundle, out, form="onnx" if onnx else "torch", films=films or ())
    print(done.words, file=sys.stderr)
    print(done.path)
