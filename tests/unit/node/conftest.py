"""One bundle that answers for all tests of the node, and one process that opens its films, which may do harm."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from pathlib import Path

import pytest

from hilum.node.config import LimitsTable
from needs import needed_module


@pytest.fixture(scope="session")
def answering(tiny_study: Path):
    """With heat map and segmentation."""
    needed_module("highdicom", "pip install -e '.[node]'")
    from hilum.node.answering import Answering

    return Answering(tiny_study / "model", heat_map="grad-cam", segmentation=True)


@pytest.fixture(scope="session")
def without_maps(answering):
    """With reports alone, which take less time."""
    made = copy(answering)
    made.mapper = None
    return made


@pytest.fixture(scope="session")
def opening(answering) -> Iterator:
    """Opens films whose decoder does harm where a film says so (`hostile`)."""
    from hilum.node.opening import Opening

    made = Opening(answering.opener, LimitsTable(film_seconds=5, megapixels=1), "hostile:harmful")
    yield made
    made.close()
