"""One tiny model for all tests of the service, and one service without tokens that most of them ask."""

from __future__ import annotations

import pytest

from hilum.client import Client
from serving import made, running


@pytest.fixture(scope="session")
def tiny(tiny_study):
    """The folder of the tiny study; ``model`` in it answers."""
    return tiny_study


@pytest.fixture(scope="module")
def service(tiny, tmp_path_factory):
    """A service on this machine without tokens, whose films may do harm."""
    return made(tiny / "model", tmp_path_factory.mktemp("state") / "state", "hostile:ready")


@pytest.fixture(scope="module")
def url(service):
    """Where it listens."""
    with running(service) as address:
        yield address


@pytest.fixture(scope="module")
def client(url):
    """A client of it."""
    with Client(url) as found:
        yield found
