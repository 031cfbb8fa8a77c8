"""hilum weights: which weights are known, which are here, and whether they are what they should be."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_() -> None:
    """The backbones, their known ImageNet weights, and where they are on this machine."""
    from hilum.core.errors import HilumError
    from hilum.models.registry import BACKBONES
    from hilum.models.weights import find

    print(f"{'backbone':<24}{'file':<40}{'licence':<14}here")
    for b in BACKBONES.values():
        try:
            here = str(find(b).path)
        except HilumError:
            here = "-"
        for w in b.weights:
            print(f"{b.name:<24}{w.filename:<40}{w.licence:<14}{here if here.endswith(w.filename) else '-'}")


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="A backbone.")]) -> None:
    """Download a backbone's ImageNet weights into torch's cache, checked by digest."""
    from hilum.models.registry import backbone
    from hilum.models.weights import fetch as fetch_weights

    print(fetch_weights(backbone(name)))


@app.command()
def verify(
    name: Annotated[str, typer.Argument(help="A backbone.")],
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
    print(
        f"{b.name}: {weights.path}\n  file sha256 {weights.sha256}\n  loaded state {state}\n  {weights.source}; {weights.licence}"
    )
