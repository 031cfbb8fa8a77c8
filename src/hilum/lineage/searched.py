"""What the search of a cell says of itself."""

from __future__ import annotations

from pathlib import Path

from hilum.artifacts.header import Header
from hilum.artifacts.search import Search
from hilum.core.digests import sha256_file
from hilum.core.text import counted
from hilum.lineage.noun import Noun, recorded


def searched(path: Path) -> Noun:
    """How many trials, what was chosen, and what it cost."""
    s, header = Search.read(path), Header.read(path)
    facts = {
        "tried": f"{counted(len(s.tried), 'trial')}, {s.failed} failed",
        "chosen on": s.chosen_on if s.folds == 1 else f"{s.folds} folds",
        "metric": s.metric,
        "score": {"own values": s.own.score, f"trial {s.best.number}": s.best.score},
        "chosen": dict(s.chosen),
        "seconds": s.seconds,
    }
    return Noun(sha256_file(path), facts, header, recorded(header))
