"""record: a finished run -> MLflow. Each study is an experiment, each trial a run; nothing is recorded twice.

The store is ``mlflow.db`` in the workspace with files in ``mlartifacts/``, or any server by ``MLFLOW_TRACKING_URI``. A record is a copy
for looking at: the run's folder holds everything, so when tracking fails, hilum says so once on stderr and goes on. ``mlflow.json`` in
the run's folder notes what was recorded where; a run whose note fits is a look-up that does not even load MLflow.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hilum.artifacts.run_files import MLFLOW_NOTE, MlflowNote
from hilum.artifacts.run_folder import RunFolder
from hilum.core.digests import digest
from hilum.core.errors import HilumError
from hilum.core.files import lock
from hilum.core.progress import say
from hilum.core.text import counted
from hilum.tracking.background import SERVER, SWITCH, local_uri, store_name, without_password
from hilum.tracking.mlflow_store import MlflowStore, settings
from hilum.tracking.trial_record import trial_records

_warned: set[str] = set()


def record_run(run_dir: Path, workspace_root: Path, tracking_uri: str | None = None) -> bool:
    """Record every trial of a finished run; those that are there already are left as they are.

    Args:
        run_dir: The run's folder.
        workspace_root: The workspace; the store lies there unless a server is named.
        tracking_uri: Any store that MLflow knows; ``MLFLOW_TRACKING_URI``, else the workspace's, if None.

    Returns:
        Whether the run is in the store now. A failure is told once on stderr for each store, and is no error.
    """
    own = local_uri(workspace_root)
    uri = tracking_uri or os.environ.get(SERVER) or own
    try:
        _record(run_dir, workspace_root, uri, own)
    except Exception as e:  # whatever a tracking library may raise: the run itself is whole on disk
        _warn_once(uri, e)
        return False
    return True


def _record(run_dir: Path, workspace_root: Path, uri: str, own: str) -> None:
    folder = RunFolder(run_dir)
    records = list(trial_records(folder))
    content = digest([r.digest for r in records])
    store_here = store_name(uri, workspace_root)
    before = MlflowNote.of(run_dir) if uri != own or (workspace_root / "mlflow.db").is_file() else None
    if before is not None and (before.store, before.content) == (store_here, content):
        (run_dir / MLFLOW_NOTE).touch()  # it is of the run as it is now
        return
    with settings(), lock(workspace_root / ".mlflow.lock"):
        store = MlflowStore(uri, workspace_root / "mlartifacts")
        ids = store.write(folder.record.name, folder.record.title, records)
    MlflowNote(store_here, content, ids).write(run_dir)
    say(f"mlflow: {counted(len(ids), 'trial')} of {run_dir.name} recorded in {store_here}")


def _warn_once(uri: str, error: Exception) -> None:
    if uri in _warned:
        return
    _warned.add(uri)
    text = " ".join(str(error).split())
    text = text if len(text) <= 200 else text[:197] + "..."
    if not isinstance(error, HilumError):
        text = f"{type(error).__name__}: {text}"
    print(
        f"hilum: not recorded in MLflow ({without_password(uri)}): {without_password(text)}. The run is whole; "
        f"`hilum run` of the same study records it later, {SWITCH}=0 turns recording off.",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":  # `hilum.tracking.background` starts it: the workspace, then folders of runs
    os.nice(10)  # what the user does next comes first
    for folder in sys.argv[2:]:
        record_run(Path(folder), Path(sys.argv[1]))
