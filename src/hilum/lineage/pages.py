"""What a page says of itself: a report, or a gallery of films."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hilum.artifacts.header import Header
from hilum.artifacts.run_files import STATISTICS
from hilum.core.digests import sha256_file
from hilum.lineage.noun import Noun, as_written_in, recorded


def page(path: Path) -> Noun:
    """A page, whether the tables and figures beside it are as it wrote them, and what it was made from."""
    header = Header.read(path)
    outputs = {path.parent / name: sha256 for name, sha256 in header.options.get("outputs", {}).items()}
    intact = sum(p.is_file() and sha256_file(p) == sha256 for p, sha256 in outputs.items())
    facts = {"tables and figures": f"{intact} of {len(outputs)} as they were written" if outputs else None}
    inputs = [as_written_in("page", path)]
    for i in recorded(header):
        if "." in i.role or (path.parent / i.role).is_file():
            how, detail = "explained" if i.role == STATISTICS else "file", i.role
        else:
            how, detail = "unchecked", "compared when the page is written again"
        inputs.append(i._replace(how=how, detail=detail))
    return Noun(sha256_file(path), facts, replace(header, options={}), inputs)
