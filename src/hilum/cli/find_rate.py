"""hilum find-rate: a study's learning rates asked of a short range test, cell by cell; prints suggestions, writes curves and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hilum.artifacts.outputs import WORKSPACE_BYTES, check_outputs, folder_output
from hilum.artifacts.trial_files import FINDER, FinderCurve
from hilum.cli.ending import when_stopped
from hilum.cli.run import checked_study, kept, manifest_of, study_path
from hilum.core.errors import InputError
from hilum.core.progress import set_quiet

if TYPE_CHECKING:
    from hilum.workflow.plan import Recipe

    Found = Sequence[tuple[Recipe, dict[str, Any]]]

FIGURE = "learning-rate-finder"


def find_rate(
    study: Annotated[str, typer.Argument(metavar="STUDY.toml|NAME", help="A study file, or one that ships.")],
    manifest: Annotated[
        Path | None, typer.Option(help="manifest.csv; else the one that the study names.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for finder.json and the figure; else find-rate/NAME of the workspace."
        ),
    ] = None,
    workspace: Annotated[Path, typer.Option(help="Folder for everything that is computed.")] = Path(
        "hilum-workspace"
    ),
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the study.")
    ] = None,
    cell: Annotated[
        list[str] | None, typer.Option("--cell", help="Name of a cell; may be given again. Else all cells.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; all cores if not given. Curves do not depend on it.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Suggest learning rates for a study: 100 steps at most a cell with a rate that rises, on the films of trial 1; nothing is trained.

    Frozen backbones and those that are trained are asked alike. Features are computed once and serve `hilum run` too.
    """
    set_quiet(quiet)
    from hilum.core.engine import Local
    from hilum.study.suite import is_suite

    path = study_path(study)
    if is_suite(path):
        raise InputError(f"{path.name} is a suite; give one of its studies")
    checked = checked_study(path, set_ or ())
    folder = out if out is not None else workspace / "find-rate" / checked.name
    check_outputs(
        [
            folder_output(workspace, "workspace", option="--workspace", room_bytes=WORKSPACE_BYTES),
            folder_output(folder, "finder", FINDER, f"{FIGURE}.svg", f"{FIGURE}.png"),
        ]
    )
    films = manifest_of(checked, manifest, path, workspace)
    from hilum.workflow.find_rates import find_rates

    with when_stopped(kept(workspace)):
        named, found = find_rates(
            checked, films, workspace, Local(workers) if workers else Local(), cell or ()
        )
    _write(folder, named.name, found)
    _print(found)
    print(folder / f"{FIGURE}.svg")


def _write(folder: Path, name: str, found: Found) -> None:
    """finder.json, and the figure."""
    from hilum.artifacts.header import Header, write_json
    from hilum.report import style
    from hilum.report.curve_figures import finder_curves

    cells = [{"cell": r.cell.name, "trial": 1, "highest_rate": _highest(r), **curve} for r, curve in found]
    write_json(folder / FINDER, {"header": Header("finder").to_dict(), "study": name, "cells": cells})
    panels: dict[str, list[tuple[str, FinderCurve]]] = {}
    for r, curve in found:
        label = r.cell.name.partition("--")[2].replace("--", ", ")
        panels.setdefault(r.cell.backbone, []).append((label, FinderCurve.from_dict(curve)))
    style.save(finder_curves(list(panels.items())), folder, FIGURE)


def _highest(recipe: Recipe) -> float | None:
    """The highest rate that the study trains a cell with."""
    return max(recipe.policy.max_rates, default=None)


def _print(found: Found) -> None:
    """A line a cell: the suggestions, and the rate that the study has."""
    width = max(len("cell"), *(len(r.cell.name) for r, _ in found))
    names = ("steep", "valley", "minimum")
    print(f"{'cell':<{width}}" + "".join(f"  {n:>8}" for n in (*names, "study")))
    for r, curve in found:
        suggested = FinderCurve.from_dict(curve).suggestions
        rates = [suggested.get(n) for n in names] + [_highest(r)]
        print(f"{r.cell.name:<{width}}" + "".join(f"  {'-' if v is None else f'{v:.1e}':>8}" for v in rates))
