"""`hilum export`: a bundle to a model that runs without hilum."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hilum.artifacts.export import FACTS
from hilum.artifacts.outputs import check_outputs, file_output, folder_output
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
    if onnx:
        path = out or Path("model.onnx")
        output = file_output(path, "export", ".onnx")
    else:
        path = out or Path("model-torch")
        output = folder_output(path, "export", FACTS)
    check_outputs([output], [bundle, *(films or [])])
    from hilum.models.machine import exact_arithmetic, keep_memory  # late: torch
    from hilum.stages.export import export_bundle

    keep_memory()
    exact_arithmetic()
    done = export_bundle(bundle, path, "onnx" if onnx else "torch", films or [])
    print(done.words, file=sys.stderr)
    print(path)
