"""What `hilum run` says when a run is done: trials that did not learn, and a line a stage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hilum.artifacts.run_files import StageLine
from hilum.report.learned import learning_lines
from hilum.report.table import Cell, plain_table


def run_end(runs: Sequence[Path], lines: Sequence[StageLine]) -> str:
    """What `hilum run` prints at its end, in plain text: cautions about training, and a line a stage.

    Args:
        runs: The run, or those of a suite.
        lines: What each stage, or each member, did and found.
    """
    told = [f"hilum: caution: {text}" for text in learning_lines(runs)]
    if told:
        told.append("hilum: what to do about it stands in the report, under “Read this first”")
    rows = [(x.stage, x.done, x.found, Cell(f"{x.seconds:.1f}", x.seconds)) for x in lines]
    return "\n".join([*told, plain_table("stages", ("stage", "done", "found", "seconds"), rows).to_text()])
