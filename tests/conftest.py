"""What holds for every test: no study is recorded in MLflow unless a test asks for it, no test is quiet because another was, and several
workers of pytest-xdist divide the cores.

A worker whose networks had all cores' threads would wait for those of the other worker at every layer: on two busy cores a step of training
of small films took four times as much processor time. What must not depend on threads has them set by its own test, and the processes that
`tests/pipeline/test_study.py` starts have those of the machine.
"""

import os
import sys
from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits

from hilum.core.engine import available_cores

os.environ.setdefault("HILUM_MLFLOW", "0")

WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
SHARE = max(1, available_cores() // WORKERS)
if WORKERS > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(SHARE))  # of what is loaded from here on: torch, processes
    threadpool_limits(SHARE)  # of what is loaded already: numpy, by a plugin


@pytest.fixture(scope="session", autouse=True)
def _workspaces_settle_for_a_share() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if WORKERS > 1:
            patch.setattr("hilum.workflow.workspace.available_cores", lambda: SHARE)
        yield


@pytest.fixture(autouse=True)
def _quiet_no_longer() -> Iterator[None]:
    yield
    os.environ.pop("HILUM_QUIET", None)


@pytest.fixture(autouse=True)
def _own_share_of_the_cores() -> Iterator[None]:
    """A test may leave other threads behind."""
    yield
    if WORKERS > 1 and "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(SHARE)
