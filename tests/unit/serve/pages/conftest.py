"""A service of the pages around a tiny study, asked in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from hilum.serve.pages import Site
from hilum.serve.review.runs import Runs
from served_pages import Bundles, make_app, make_site

Ask = Callable[..., TestClient]


@dataclass(frozen=True)
class Served:
    """A service, and where its things are."""

    site: Site
    run: str
    root: Path
    client: TestClient

    def as_reader(self, name: str) -> TestClient:
        """A browser in which a reader has said who they are."""
        client = TestClient(self.client.app)
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
def bundles(tiny_study: Path) -> Bundles:
    """A bundle that answers, under two names."""
    return Bundles({"one": tiny_study / "model", "two": tiny_study / "model"})


@pytest.fixture
def workspace(tiny_study: Path, tmp_path: Path) -> Path:
    """A workspace of one's own with a finished run; its films stay where they are."""
    root = tmp_path / "workspace"
    shutil.copytree(tiny_study / "runs", root / "runs")
    return root


@pytest.fixture
def served(bundles: Bundles, workspace: Path, tmp_path: Path) -> Served:
    """The service, on which everything is allowed."""
    site = make_site(bundles, tmp_path / "state", workspace)
    run = next((workspace / "runs").iterdir()).name
    return Served(site, run, workspace, TestClient(make_app(bundles, site)))


@pytest.fixture
def with_tokens(bundles: Bundles, workspace: Path, tmp_path: Path) -> Ask:
    """Browsers of a service that knows people by a header, in place of tokens: its value is ``name:scope,scope``."""

    def who(request: Request) -> str:
        return request.headers.get("x-test-token", "").partition(":")[0]

    def allowed(request: Request, scope: str) -> bool:
        scopes = request.headers.get("x-test-token", "").partition(":")[2].split(",")
        return scope in scopes or "admin" in scopes

    site = make_site(bundles, tmp_path / "state", workspace, who=who, allowed=allowed, sign_in="/sign-in")
    app = make_app(bundles, site)
    return lambda token="": TestClient(app, headers={"x-test-token": token} if token else {})
