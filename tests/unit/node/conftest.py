"""What tests of the node share: a process that opens films, which may do harm, and certificates."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from pathlib import Path

import pytest

from certificates import make_certificates
from hilum.node.config import LimitsTable


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
