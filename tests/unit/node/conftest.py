"""What tests of the node share: one thread, a process that opens films, which may do harm, and certificates."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from copy import copy
from pathlib import Path

import pytest

from certificates import make_certificates
from hilum.node.config import LimitsTable


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Films here are so small that threads of a network wait for one another longer than they compute."""
    if "torch" not in sys.modules:
        yield
        return
    torch = sys.modules["torch"]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of them."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


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
