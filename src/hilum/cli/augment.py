"""`hilum augment show`: a picture of some films under each pipeline, with what was drawn written beneath; and the parts of its steps."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.artifacts.outputs import check_outputs, file_output
from hilum.core.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hilum.augment.pipeline import Pipeline

app = typer.Typer(no_args_is_help=True)

_MAX_FILMS = 12
_DEFAULT = "baseline,crop,crop-distortion,crop-zoom"


@app.callback()
def _augment() -> None:
    """Look at augmentation."""


@app.command()
def show(
    films: Annotated[
        list[Path], typer.Argument(metavar="FILMS...", help="Up to 12 films: png, jpg, dcm ...")
    ],
    out: Annotated[Path, typer.Option("--out", help="The picture to write: .png or .svg.")],
    pipelines: Annotated[str, typer.Option(help="Names of pipelines, with commas between.")] = _DEFAULT,
    study: Annotated[
        Path | None, typer.Option("--study", help="A study file whose own pipelines may be named too.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    size_px: Annotated[int, typer.Option(min=32, help="Side of the prepared film.")] = 244,
    as_drawn: Annotated[
        bool,
        typer.Option("--as-drawn", help="Let each step act with its own probability; else every step acts."),
    ] = False,
    box: Annotated[
        str,
        typer.Option(
            help="Follow a box on the one film: left,top,width,height as shares of its sides; prints what is left of it."
        ),
    ] = "",
) -> None:
    """Write a panel: a row a film, a column a pipeline, what was drawn beneath.

    Films go through as films of the training part. Most steps act on a tenth of them only, so every step is made to act unless --as-drawn
    is given. What each pipeline does, and to which parts, is printed: a step that leaves something to chance acts on training films only
    unless its `parts` say otherwise.
    """
    check_outputs([file_output(out, "picture", ".png", ".svg", beside=())], films)
    from hilum.augment.follow import Box
    from hilum.augment.pipeline import Pipeline  # late: decoders and matplotlib take a while to import
    from hilum.imaging.decode import decode_file
    from hilum.report.box_panel import box_panel
    from hilum.report.boxed_film import box_under
    from hilum.report.panel import on_purpose, panel, panel_rows
    from hilum.report.pipeline_words import steps_words

    if len(films) > _MAX_FILMS:
        raise InputError(f"a panel holds at most {_MAX_FILMS} films, got {len(films)}; name fewer")
    names = [n.strip() for n in pipelines.split(",") if n.strip()]
    if not names:
        raise InputError(f"--pipelines must name at least one pipeline, got {pipelines!r}")
    drawn = _named(names, study, size_px)
    for p in drawn:
        print(f"{p.name}: {steps_words(p.to_dict())}", file=sys.stderr)
    if not as_drawn:
        drawn = [Pipeline.from_dict(on_purpose(p.to_dict())) for p in drawn]
    if box:
        if len(films) != 1:
            raise InputError(f"--box is on one film, got {len(films)} films; name one")
        boxed = box_under(
            decode_file(films[0]).pixels, Box.read(box), dict(zip(names, drawn, strict=True)), seed
        )
        _write(out, box_panel(boxed))
        for film in boxed[1:]:
            print(f"{films[0].stem}\t{film.title}\t{film.left:.4f}\t{film.caption}")
        return
    rows = panel_rows([(path.stem, decode_file(path).pixels) for path in films], drawn, seed)
    how = "each step with its own probability" if as_drawn else "drawn on purpose: every step acts"
    _write(out, panel(names, rows, f"Training films, seed {seed}, {how}"))
    for name, cells in rows:
        for pipeline, cell in zip(names, cells, strict=True):
            print(f"{name}\t{pipeline}\t{cell.caption}")


def _named(names: Sequence[str], study: Path | None, size_px: int) -> list[Pipeline]:
    """Pipelines by name: those that ship, and a study's own.

    Raises:
        InputError: An unknown name.
    """
    from hilum.augment.presets import preset

    if study is None:
        return [preset(n, size_px) for n in names]
    from hilum.study.file import read_study
    from hilum.workflow.plan import pipelines

    value = read_study(study)
    grid = value.grid.model_copy(update={"pipelines": list(names)})
    return list(pipelines(value.model_copy(update={"grid": grid})).values())


def _write(out: Path, fig: Figure) -> None:
    from hilum.core.files import write_bytes
    from hilum.report import style

    write_bytes(out, style.svg_bytes(fig) if out.suffix.lower() == ".svg" else style.png_bytes(fig))
