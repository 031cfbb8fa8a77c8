"""hilum weights: which weights are known, which are here, and whether they are what they should be."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
BACKBONE = Annotated[str, typer.Argument(help="A backbone.")]


@app.command("list")
def list_(
    pattern: Annotated[
        str | None, typer.Argument(help="Backbones of a library, such as 'timm/*vit*'; else hilum's own.")
    ] = None,
) -> None:
    """Backbones, their known weights, and where they are on this machine."""
    from hilum.models.weights import known_weights, libraries_weights
    from hilum.report.table import plain_table

    if pattern is None:
        table = plain_table("weights", ("backbone", "file", "licence", "here"), known_weights())
    else:
        rows = [(name, str(size), licence, here) for name, size, licence, here in libraries_weights(pattern)]
        table = plain_table("weights", ("backbone", "film, px", "licence", "here"), rows)
    print(table.to_text())


@app.command()
def fetch(name: BACKBONE) -> None:
    """Download a backbone's weights, a library's through the library, and check them by digest where it is published."""
    from hilum.models.weights import fetch as fetch_weights

    print(fetch_weights(name))


@app.command()
def verify(
    name: BACKBONE,
    file: Annotated[
        str | None, typer.Option(help="This file, as a study would name it; else the known weights.")
    ] = None,
) -> None:
    """Find a backbone's weights, check their digest and load them strictly."""
    from hilum.models.backbone import build_network
    from hilum.models.registry import backbone
    from hilum.models.weights import find, state_sha256

    b = backbone(name)
    weights = find(b) if file is None else find(b, file)
    state = state_sha256(build_network(b, weights))
    print(f"{b.name}: {weights.path}\n  file sha256 {weights.sha256}\n  loaded state {state}")
    print(f"  {weights.source}; {weights.licence}")
