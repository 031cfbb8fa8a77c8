"""What explanations.json says of itself."""

from __future__ import annotations

from pathlib import Path

from hilum.artifacts.explanations import Explanations
from hilum.core.digests import sha256_file
from hilum.lineage.noun import Noun, recorded


def explanations(path: Path) -> Noun:
    """Films, methods, and how many maps pass."""
    e = Explanations.read(path)
    return Noun(sha256_file(path), e.describe(), e.header, recorded(e.header))
