"""Recording a run in MLflow by a process of its own, after the report is there: MLflow takes seconds to load, and no run waits for it.

What that process cannot do it says in ``.mlflow-said`` of the workspace; the next `hilum run` there prints it, once, and tries again.
``HILUM_MLFLOW=wait`` records before the command ends, for scripts that look at the store next; ``HILUM_MLFLOW=0`` records nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from hilum.artifacts.run import RECORD
from hilum.artifacts.run_files import MLFLOW_NOTE, STATISTICS, MlflowNote
from hilum.core.errors import HilumError
from hilum.core.mirror import mirror_of
from hilum.core.progress import say
from hilum.core.text import counted

SERVER = "MLFLOW_TRACKING_URI"
SWITCH = "HILUM_MLFLOW"
OWN_STORE = "mlflow.db of the workspace"
_SAID = ".mlflow-said"
_MADE_FROM = (RECORD, STATISTICS)


def local_uri(workspace_root: Path) -> str:
    """The store of a workspace: mlflow.db in it. What an address would take for signs of its own is percent-encoded.

    >>> local_uri(Path("/tmp/is it? 50%"))
    'sqlite:////tmp/is%20it%3F%2050%25/mlflow.db'
    """
    return f"sqlite:///{quote(str(workspace_root.resolve() / 'mlflow.db'))}"


def without_password(uri: str) -> str:
    """A store's address without the user and password that it may hold.

    >>> without_password("https://me:secret@host:5000/x")
    'https://host:5000/x'
    """
    return re.sub(r"//[^/@]*@", "//", uri)


def store_name(uri: str, workspace_root: Path) -> str:
    """What a run's note calls a store."""
    return OWN_STORE if uri == local_uri(workspace_root) else without_password(uri)


def record_later(runs: Sequence[Path], workspace_root: Path) -> bool:
    """Start recording runs that are not recorded yet, where a server is named or MLflow is installed.

    Returns:
        Whether a process was started, or with ``HILUM_MLFLOW=wait`` whether there was anything to do.
    """
    switch = os.environ.get(SWITCH)
    if switch == "0" or not (os.environ.get(SERVER) or find_spec("mlflow")):
        return False
    mirror = mirror_of(workspace_root)
    if mirror is not None and not os.environ.get(SERVER):
        say(
            f"mlflow: not recorded: a store of one file cannot be at {mirror[0].url}; name a server with {SERVER}"
        )
        return False
    said = workspace_root / _SAID
    _repeat(said)
    todo = [r for r in runs if not is_recorded(r, workspace_root)]
    if not todo:
        return False
    command = [sys.executable, "-m", "hilum.stages.record"]
    command += [str(p.resolve()) for p in (workspace_root, *todo)]
    if switch == "wait":
        subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
        return True
    try:
        with said.open("wb") as told:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=told, stderr=told, start_new_session=True
            )
    except OSError as e:
        print(f"hilum: not recorded in MLflow: {e.strerror or type(e).__name__}", file=sys.stderr)
        return False
    process.returncode = 0  # it outlives this one, which does not wait for it
    where = "the server" if os.environ.get(SERVER) else workspace_root / "mlflow.db"
    say(f"mlflow: {counted(len(todo), 'run is', 'runs are')} being recorded in {where} meanwhile")
    return True


def is_recorded(run: Path, workspace_root: Path) -> bool:
    """Whether a run was recorded in the store in force after it was written; looks at times, not into the store."""
    note = run / MLFLOW_NOTE
    server = os.environ.get(SERVER)
    if not note.is_file() or not (server or (workspace_root / "mlflow.db").is_file()):
        return False
    try:
        recorded = MlflowNote.of(run)
        newest = max((run / name).stat().st_mtime_ns for name in _MADE_FROM)
    except (HilumError, OSError):
        return False
    in_force = store_name(server or local_uri(workspace_root), workspace_root)
    return recorded is not None and recorded.store == in_force and note.stat().st_mtime_ns >= newest


def _repeat(said: Path) -> None:
    """Print what an earlier recording had to say, once."""
    try:
        lines = said.read_text(encoding="utf-8", errors="replace").splitlines()
        said.unlink()
    except OSError:
        return
    for line in lines:
        if line.startswith("hilum: "):
            print(f"{line} (said of an earlier run here)", file=sys.stderr, flush=True)
