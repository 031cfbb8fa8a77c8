"""What holds for every test: no study is recorded in MLflow unless a test asks for it, and no test is quiet because another was."""

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("HILUM_MLFLOW", "0")


@pytest.fixture(autouse=True)
def _quiet_no_longer() -> Iterator[None]:
    yield
    os.environ.pop("HILUM_QUIET", None)
