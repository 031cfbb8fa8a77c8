"""`hilum augment show`: a picture of some films under each pipeline, with what was drawn written beneath; and the parts of its steps."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.cli.options import SEED, words_in

if TYPE_CHECKING:
    from hilum.augment.operation import Film
    from hilum.augment.pipeline import Pipeline

app = typer.Typer(no_args_is_help=True)

FILMS = Annotated[list[Path], typer.Argument(metavar="FILMS...", help="Up to 12 films: png, jpg, dcm ...")]
OUT = Annotated[Path, typer.Option("--out", help="The picture to write: .png or .svg.")]
STUDY = Annotated[
    Path | None, typer.Option("--study", help="A study file whose own pipelines may be named too.")
]
AS_DRAWN = Annotated[
    bool,
    typer.Option("--as-drawn", help="Let each step act with its own probability; else every step acts."),
]
BOX = Annotated[
    str,
    typer.Option(
        help="Follow a box on the one film: left,top,width,height as shares of its sides; prints what is left of it."
    ),
]


@app.callback()
def _augment() -> None:
    """Look at augmentation."""


@app.command()
def show(
    films: FILMS,
    out: OUT,
    pipelines: Annotated[
        str,
        typer.Option(
            help="Names of pipelines, or of probes (lungs-erased, border-only ...), with commas between."
        ),
    ] = "baseline,crop,crop-distortion,crop-zoom",
    study: STUDY = None,
    seed: SEED = 0,
    size_px: Annotated[int, typer.Option(min=32, help="Side of the prepared film.")] = 244,
    as_drawn: AS_DRAWN = False,
    box: BOX = "",
) -> None:
    """Write a panel: a row a film, a column a pipeline, what was drawn beneath.

    Films go through as films of the training part. Most steps act on a tenth of them only, so every step is made to act unless --as-drawn
    is given. What each pipeline does, and to which parts, is printed: a step that leaves something to chance acts on training films only
    unless its `parts` say otherwise.
    """
    from hilum.artifacts.outputs import check_outputs, file_output  # late: pydantic

    check_outputs([file_output(out, "picture", ".png", ".svg", beside=())], films)
    from hilum.report.film_panel import write_box_panel, write_panel  # late: decoders and matplotlib
    from hilum.report.pipeline_words import steps_words

    named = _named(words_in(pipelines, "--pipelines"), study, size_px)
    for p in named:
        print(f"{p.name}: {steps_words(p.to_dict())}", file=sys.stderr)
    if box:
        told = write_box_panel(films, named, out, seed, as_drawn, box, _lungs)
    else:
        told = write_panel(films, named, out, seed, as_drawn, _lungs)
    print("\n".join("\t".join(line) for line in told))


def _lungs(film: Film) -> Film | None:
    """A film's lungs, as the network that hilum ships finds them; None where they are not to be trusted."""
    from hilum.segment.segmenter import Segmenter

    return Segmenter.shipped().usable(film)


def _named(names: Sequence[str], study: Path | None, size_px: int) -> list[Pipeline]:
    """Pipelines by name: those that ship, a study's own, and what a probe makes of the baseline.

    Raises:
        InputError: An unknown name.
    """
    from hilum.augment.presets import preset
    from hilum.augment.probe_steps import PROBE_STEPS, probe_pipeline

    if study is None:
        baseline = preset("baseline", size_px)
        return [probe_pipeline(n, baseline) if n in PROBE_STEPS else preset(n, size_px) for n in names]
    from hilum.study.file import read_study
    from hilum.workflow.plan import pipelines

    value = read_study(study)
    grid = value.grid.model_copy(update={"pipelines": list(names)})
    return list(pipelines(value.model_copy(update={"grid": grid})).values())
