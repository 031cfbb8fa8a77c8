"""A model for another program: an ONNX file with its facts beside it, or a folder that torch loads alone with its facts in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hilum.artifacts.header import header_path, read_object

PROGRAM, FACTS, README = "model.pt2", "model.json", "README.md"
"""What is in a folder for torch."""


def facts_path(out: Path) -> Path:
    """Where the facts of an exported model are, its header among them."""
    return header_path(out) if out.suffix == ".onnx" else out / FACTS


def model_path(out: Path) -> Path:
    """The model itself."""
    return out if out.suffix == ".onnx" else out / PROGRAM


def read_facts(out: Path) -> dict[str, Any]:
    """What goes with an exported model.

    Raises:
        InputError: It is not there.
    """
    return read_object(facts_path(out))
