"""What a model says of itself that was written for another program."""

from __future__ import annotations

from pathlib import Path

from hilum.artifacts.export import facts_path, model_path, read_facts
from hilum.artifacts.header import Header
from hilum.core.digests import sha256_file
from hilum.lineage.noun import Noun, recorded


def exported(path: Path) -> Noun:
    """An ONNX file, or a folder for torch."""
    held, header = read_facts(path), Header.read(facts_path(path))
    written = sha256_file(model_path(path)) if model_path(path).is_file() else ""
    facts = {k: held[k] for k in ("backbone", "classes", "input", "checked")}
    facts["as written"] = (
        "yes" if written == header.options["sha256"] else "no, the model is gone or another one"
    )
    return Noun(written, facts, header, recorded(header))
