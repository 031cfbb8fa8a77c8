"""hilum demo: the main job on films that hilum draws itself."""

from __future__ import annotations

from pathlib import Path

from hilum.cli.options import QUIET, WORKSPACE
from hilum.cli.run import run


def demo(workspace: WORKSPACE = Path("demo"), quiet: QUIET = False) -> None:
    """Draw synthetic films and run a whole study on them, to its report."""
    run("demo", workspace=workspace, quiet=quiet)
