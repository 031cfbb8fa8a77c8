"""hilum demo: the main job on films that hilum draws itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    workspace: Annotated[Path, typer.Option(help="Folder for everything that is computed.")] = Path("demo"),
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Draw synthetic films and run a whole study on them, to its report."""
    from hilum.cli.run import run

    run("demo", workspace=workspace, quiet=quiet)
