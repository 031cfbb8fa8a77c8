"""hilum explain: a bundle and films to heat maps with their checks."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from hilum.cli.options import QUIET, SEED, grouped, typed


@dataclass(frozen=True)
class Maps:
    """Which maps are made."""

    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            metavar="NAME[:OPTION=VALUE,...]",
            help="grad-cam, layer-cam, integrated-gradients, occlusion, lime or rise; grad-cam if none is named.",
        ),
    ] = None
    target: Annotated[
        str | None,
        typer.Option(help="The class that is explained; else that of each film's highest probability."),
    ] = None
    check: Annotated[
        list[str] | None,
        typer.Option("--check", metavar="NAME", help="A check to make of each map; all if none is named."),
    ] = None
    seed: SEED = 0


@dataclass(frozen=True)
class Known:
    """What is known of the films."""

    boxes: Annotated[
        Path | None,
        typer.Option(
            help="A csv of what is on the films: image, x, y, width, height (shares of the film's sides), or mask."
        ),
    ] = None
    lungs: Annotated[
        str,
        typer.Option(
            help="Lungs for the checks: own (a source's mask, else the network's), network, or none."
        ),
    ] = "own"
    neighbours: Annotated[
        int, typer.Option(min=0, help="Training films that are named for each film, by their features.")
    ] = 5


@grouped
def explain(
    bundle: Annotated[Path, typer.Argument(help="A bundle: the folder with bundle.json.")],
    films: Annotated[list[Path], typer.Argument(help="Films, folders of films, or manifests.")],
    maps: Maps,
    known: Known,
    out: Annotated[Path, typer.Option(help="Folder for maps, pictures and page.")] = Path("explanations"),
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="A picture a film; they hold the films.")
    ] = True,
    quiet: QUIET = False,
) -> None:
    """Show where a model's answers come from, and check whether the maps can be believed.

    Each map has its checks; one that does not pass is marked on the picture. With --boxes the maps are held against what is on the films,
    beside a map that points at the lungs' centre. Test films of the model's run count as looked at.
    """
    from hilum.api.explanations import explain as explain_films  # late: pydantic

    given: dict[str, Any] = (
        vars(maps) | vars(known) | {"method": maps.method or (), "check": maps.check or ()}
    )
    with typed("explain"):
        done = explain_films(bundle, films, **given, out=out, pictures=pictures, quiet=quiet)
    for film in done.explanations.films:
        if film.error:
            print(f"not explained, {film.error}: {film.image_id}", file=sys.stderr)
    print(done.explanations.words, file=sys.stderr)
    print(done.report)
