"""The pages of the real service, asked in this process. Bundles are loaded once; state and workspace are a test's own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from hilum.serve import tokens
from hilum.serve.app import make_app
from hilum.serve.review.runs import Runs
from hilum.serve.service import Service
from hilum.serve.tokens import new_token
from serving import beside, made, with_limits

Ask = Callable[..., TestClient]
HERE = "http://127.0.0.1"


@dataclass(frozen=True)
class Served:
    """A service, and where its things are."""

    service: Service
    run: str
    root: Path
    client: TestClient

    @property
    def state(self) -> Path:
        """The service's folder."""
        return self.service.state

    def asks(self) -> TestClient:
        """A browser that nobody has used."""
        return TestClient(self.client.app, HERE)

    def as_reader(self, name: str) -> TestClient:
        """A browser in which a reader has said who they are."""
        client = self.asks()
        assert client.post("/review/name", json={"name": name}).status_code == 200
        return client

    def queue(self, client: TestClient, **values: Any) -> str:
        """Address of a new queue."""
        run = Runs(self.root).get(self.run)
        assert run is not None
        asked = {
            "name": "a queue",
            "run": self.run,
            "cell": run.folder.cells[0].name,
            "kind": "random",
            "films": 6,
            **values,
        }
        response = client.post("/review/queues", json=asked)
        assert response.status_code == 201, response.text
        return str(response.json()["address"])


@pytest.fixture(scope="session")
def loaded(tiny_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a bundle under two names; what tests ask is made beside it."""
    state = tmp_path_factory.mktemp("loaded") / "state"
    limits = with_limits(film_seconds=30)
    service = made(tiny_study / "model", state, "hostile:nothing", ("one", "two"), limits=limits)
    yield service
    asyncio.run(service.close())


@pytest.fixture
def workspace(tiny_study: Path, tmp_path: Path) -> Path:
    """A workspace of one's own with a finished run; its films stay where they are."""
    root = tmp_path / "workspace"
    shutil.copytree(tiny_study / "runs", root / "runs")
    return root


@pytest.fixture
def served(loaded: Service, workspace: Path, tmp_path: Path) -> Served:
    """The service on this machine without tokens: everything is allowed."""
    service = beside(loaded, tmp_path / "state", workspace)
    run = next((workspace / "runs").iterdir()).name
    return Served(service, run, workspace, TestClient(make_app(service), HERE))


@pytest.fixture
def with_tokens(loaded: Service, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Browsers of a service with tokens, by ``name:scope``; one without a token too."""
    monkeypatch.setattr(tokens, "_LOOK_S", 0.0)
    state = tmp_path / "state"
    new_token(state, "nobody's", ("predict",), 1)
    app = make_app(beside(loaded, state, workspace, open_to_all=False))

    def ask(whose: str = "") -> TestClient:
        name, _, scope = whose.partition(":")
        if not name:
            return TestClient(app, HERE)
        secret, _ = new_token(state, name, (scope,), 1)
        return TestClient(app, HERE, headers={"authorization": f"Bearer {secret}"})

    return ask
