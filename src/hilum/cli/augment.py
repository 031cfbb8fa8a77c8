"""`hilum augment show`: a picture of some films under each pipeline, with what was drawn written beneath."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hilum.core.errors import InputError

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
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    size_px: Annotated[int, typer.Option(min=32, help="Side of the prepared film.")] = 244,
    as_drawn: Annotated[
        bool,
        typer.Option("--as-drawn", help="Let each step act with its own probability; else every step acts."),
    ] = False,
) -> None:
    """Write a panel: a row a film, a column a pipeline, what was drawn beneath.

    Most steps act on a tenth of the films only, so every step is made to act unless --as-drawn is given.
    """
    from hilum.augment.pipeline import Pipeline  # late: decoders and matplotlib take a while to import
    from hilum.augment.presets import preset
    from hilum.core.files import write_bytes
    from hilum.imaging.decode import decode_file
    from hilum.report import style
    from hilum.report.panel import on_purpose, panel, panel_rows

    if out.suffix.lower() not in (".png", ".svg"):
        raise InputError(f"--out must end in .png or .svg, got {str(out)!r}")
    if len(films) > _MAX_FILMS:
        raise InputError(f"a panel holds at most {_MAX_FILMS} films, got {len(films)}; name fewer")
    names = [n.strip() for n in pipelines.split(",") if n.strip()]
    if not names:
        raise InputError(f"--pipelines must name at least one pipeline, got {pipelines!r}")
    drawn = [preset(n, size_px) for n in names]
    if not as_drawn:
        drawn = [Pipeline.from_dict(on_purpose(p.to_dict())) for p in drawn]
    rows = panel_rows([(path.stem, decode_file(path).pixels) for path in films], drawn, seed)
    how = "each step with its own probability" if as_drawn else "drawn on purpose: every step acts"
    fig = panel(names, rows, f"Training films, seed {seed}, {how}")
    write_bytes(out, style.svg_bytes(fig) if out.suffix.lower() == ".svg" else style.png_bytes(fig))
    for name, cells in rows:
        for pipeline, cell in zip(names, cells, strict=True):
            print(f"{name}\t{pipeline}\t{cell.caption}")
