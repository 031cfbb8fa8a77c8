"""hilum weights: which weights are known, which are here, and whether they are what they should be."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
BACKBONE = Annotated[str, typer.Argument(help="A backbone.")]


@app.command("list")
def list_() -> None:
    """The backbones, their known ImageNet weights, and where they are on this machine."""
    from hilum.models.weights import known_weights
    from hilum.report.table import plain_table

    print(plain_table("weights", ("backbone", "file", "licence", "here"), known_weights()).to_text())


@app.command()
def fetch(name: BACKBONE) -> None:
    """Download a backbone's ImageNet weights into torch's cache, checked by digest."""
    from hilum.models.registry import backbone
    from hilum.models.weights import fetch as fetch_weights

    print(fetch_weights(backbone(name)))


@app.command()
def verify(
    name: BACKBONE,
    file: Annotated[
        str | None, typer.Option(help="This file, as a study would name it; else the known ImageNet weights.")
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
