"""An MLflow store: records of trials go in, once each.

The package is imported when a store is opened (it takes two seconds). A record is known by its key; one that is there, whole and of equal
content is left as it is, any other of its key is moved to MLflow's trash and written anew. MLflow's telemetry is off, and calls to a server
give up after seconds, unless MLFLOW_* variables say otherwise.
"""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from hilum import RESEARCH_NOTICE
from hilum.core.errors import MissingExtraError
from hilum.tracking.trial_record import TrialRecord

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "GIT_PYTHON_REFRESH": "quiet",
}
_MOST = 100  # metrics and parameters that a server takes in one call
_KEY, _CONTENT = "hilum.key", "hilum.content"


@contextmanager
def settings() -> Iterator[None]:
    """MLflow's environment while hilum uses it; what the user has set stays."""
    ours = {k: v for k, v in _SETTINGS.items() if k not in os.environ}
    os.environ.update(ours)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's own deprecations are not the user's business
            yield
    finally:
        for k in ours:
            os.environ.pop(k, None)


class MlflowStore:
    """A store that is open.

    Args:
        uri: sqlite of the workspace, or any other that MLflow knows.
        artifacts: Folder for the records' files, where the store is no server with a place of its own.

    Raises:
        MissingExtraError: MLflow is not installed.
    """

    def __init__(self, uri: str, artifacts: Path) -> None:
        try:
            tracking = importlib.import_module("mlflow.tracking")
            self._entities: Any = importlib.import_module("mlflow.entities")
        except ModuleNotFoundError as e:
            if e.name is None or e.name.split(".")[0] != "mlflow":
                raise
            raise MissingExtraError("mlflow", "mlflow") from None
        if uri.startswith("sqlite:///"):
            uri = self._created(uri, tracking)
        self._client: Any = tracking.MlflowClient(uri)
        self._artifacts = None if uri.startswith(("http://", "https://", "databricks")) else artifacts

    def _created(self, uri: str, tracking: Any) -> str:
        """Make the store if it is not there; gives an address without percent signs, of which MLflow would make folders by that name."""
        address, sign, query = uri.removeprefix("sqlite:///").partition("?")
        path = Path(unquote(address))
        path.parent.mkdir(parents=True, exist_ok=True)
        if address != str(path):
            self._link = tempfile.TemporaryDirectory()  # kept as long as the store is open
            link = Path(self._link.name) / "store"
            link.symlink_to(path.parent.resolve())
            path = link / path.name
        _create(path, tracking)
        return f"sqlite:///{path}{sign}{query}"

    def write(self, study: str, title: str, records: Sequence[TrialRecord]) -> dict[str, str]:
        """Write what is not there yet; gives key -> MLflow's id of the run."""
        experiment = self._experiment(study, title)
        known = self._known(experiment, {r.tags["hilum.run"] for r in records})
        ids = {}
        for record in records:
            content = record.digest
            found = known.get(record.key)
            if found is not None and found.data.tags.get(_CONTENT) == content:
                ids[record.key] = found.info.run_id
                continue
            if found is not None:
                self._client.delete_run(found.info.run_id)
            ids[record.key] = self._write(experiment, record, content)
        return ids

    def _experiment(self, study: str, title: str) -> str:
        found = self._client.get_experiment_by_name(study)
        if found is not None and found.lifecycle_stage == "active":
            return str(found.experiment_id)
        place = None if self._artifacts is None else (self._artifacts.resolve() / study).as_uri()
        tags = {"mlflow.note.content": f"{title}\n\n{RESEARCH_NOTICE}", "hilum.notice": RESEARCH_NOTICE}
        return str(self._client.create_experiment(study, place, tags=tags))

    def _known(self, experiment: str, runs: set[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for run in sorted(runs):
            token = None
            while True:
                page = self._client.search_runs([experiment], f"tags.`hilum.run` = '{run}'", page_token=token)
                found.update({r.data.tags[_KEY]: r for r in page if _KEY in r.data.tags})
                token = page.token
                if not token:
                    break
        return found

    def _write(self, experiment: str, record: TrialRecord, content: str) -> str:
        e = self._entities
        start = record.ended_ms - int(record.seconds * 1000)
        tags = {**record.tags, **record.code, _KEY: record.key}
        run = self._client.create_run(experiment, start_time=start, tags=tags, run_name=record.name)
        run_id = str(run.info.run_id)
        last = max((epoch for epoch, _ in record.epochs), default=0)
        metrics = [
            e.Metric(name, value, record.ended_ms, epoch)
            for epoch, figures in record.epochs
            for name, value in figures.items()
        ]
        metrics += [e.Metric(name, value, record.ended_ms, last) for name, value in record.figures.items()]
        params = [e.Param(name, value) for name, value in record.params.items()]
        for k in range(0, max(len(metrics), len(params)), _MOST):
            self._client.log_batch(run_id, metrics[k : k + _MOST], params[k : k + _MOST])
        with tempfile.TemporaryDirectory() as beside:
            for name, path in record.files.items():
                shutil.copyfile(path, Path(beside) / Path(name).name)
            if record.files:
                self._client.log_artifacts(run_id, beside)
        # the content's digest comes last: a record that has it is whole
        self._client.set_tag(run_id, _CONTENT, content)
        self._client.set_terminated(run_id, "FINISHED", record.ended_ms)
        return run_id


def _create(path: Path, tracking: Any) -> None:
    """Make an empty store beside and rename it.

    MLflow makes its tables through some sixty migrations that each wait for the disk: six seconds. A store that nobody uses yet need not be
    safe against a power cut, so it is made without waiting, in one.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    sqlalchemy: Any = importlib.import_module("sqlalchemy")

    def do_not_wait(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "connect", do_not_wait)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        tracking.MlflowClient(f"sqlite:///{beside}").search_experiments(max_results=1)
        with beside.open("rb") as f:
            os.fsync(f.fileno())
        beside.replace(path)
    finally:
        sqlalchemy.event.remove(sqlalchemy.engine.Engine, "connect", do_not_wait)
        beside.unlink(missing_ok=True)
