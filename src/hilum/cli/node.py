"""hilum node: films from a picture archive to answers in the same study, by DICOM."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer


def node(
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="The node's configuration, a TOML file.")
    ],
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Read the configuration and load the bundle, say what the queue holds, and end."
        ),
    ] = False,
) -> None:
    """Answer the chest films that a picture archive sends, into the same study.

    Runs until it is stopped (Ctrl-C, SIGTERM); what waits stays in the state folder, and the same command goes on with it.
    """
    from hilum.core.extras import require_extra
    from hilum.node.config import read_config

    require_extra("node", "pydicom", "pynetdicom", "highdicom")
    settings = read_config(config)
    from hilum.models.machine import made_ready
    from hilum.node.loops import say_which_end
    from hilum.node.running import Node  # late: torch

    _log_to_stderr()
    say_which_end()
    made_ready("cpu")
    running = Node(settings)
    if check:
        held = running.queue.counts()
        print(f"bundle {running.answering.version[:12]}")
        print("\n".join(f"{name}: {count}" for name, count in held.items()) or "the queue is empty")
        running.close()
        return
    running.start()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:  # and SIGTERM, which ends a command as Ctrl-C does
        running.stop()


def _log_to_stderr() -> None:
    log = logging.getLogger("hilum.node")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    for quiet in (log.name, "pydicom", "pynetdicom"):  # the libraries may quote what a film says
        logging.getLogger(quiet).propagate = False
