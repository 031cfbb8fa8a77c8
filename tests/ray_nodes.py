"""Nodes of a Ray cluster on this machine, each at a loopback address of its own, as `ray start` begins them."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",
    "RAY_gcs_server_port_wait_time_s": "120",
    "RAY_worker_niceness": "0",  # Ray's own is 15, which starves workers where other tests run
}
"""Of nodes and of whoever connects."""


@dataclass
class RayNode:
    """A node: `address` is what others join, `process` ends it with all that it started, `folder` is Ray's own."""

    ip: str
    address: str
    process: subprocess.Popen[str]
    folder: Path

    @property
    def raylet(self) -> psutil.Process:
        return next(p for p in psutil.Process(self.process.pid).children() if p.name() == "raylet")

    def kill(self) -> None:
        """As a node dies whose power is cut: its raylet by SIGKILL, and its workers with it."""
        self.raylet.send_signal(signal.SIGKILL)
        self.process.wait(300)


_GIVEN: set[int] = set()


def free_port() -> int:
    """A port that nobody has, and that was not given before."""
    while True:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = int(s.getsockname()[1])
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port


def _begun(
    words: list[str], environment: Mapping[str, str], ports: Mapping[str, int], folder: Path
) -> subprocess.Popen[str]:
    """Start a node. Ray gives up one whose agents take more than 15 seconds to tell their ports (https://github.com/ray-project/ray/issues/65983),
    as they do on a busy machine: so the ports are given, and the one that is asked for all the same is told in the agent's place."""
    node_id = secrets.token_hex(28)
    told = f"dashboard_agent_listen_port_{node_id}"
    ours = {**ENVIRONMENT, "RAY_OVERRIDE_NODE_ID_FOR_TESTING": node_id}
    process = subprocess.Popen(
        [*words, *(f"--{name}={port}" for name, port in ports.items())],
        env={**os.environ, **environment, **ours}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said = threading.Thread(
        target=_tell, args=(folder, told, ports["dashboard-agent-listen-port"], process), daemon=True
    )
    said.start()
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ray runtime started" in line:
            said.join()
            return process
    process.wait()
    process.stdout.close()
    raise RuntimeError("".join(lines))


def _tell(folder: Path, name: str, port: int, process: subprocess.Popen[str]) -> None:
    while process.poll() is None and not (folder / "session_latest" / "logs").is_dir():
        time.sleep(0.02)
    (folder / "session_latest" / name).write_text(str(port))


@contextmanager
def ray_node(
    ip: str,
    join: RayNode | None = None,
    environment: Mapping[str, str] | None = None,
    within: Sequence[str] = (),
) -> Iterator[RayNode]:
    """A node of two CPUs at an address such as ``127.0.0.2`` (Ray takes 127.0.0.1 for the machine's own).

    Args:
        ip: Its address.
        join: A node of the cluster that it joins; None for the first of a new one.
        environment: Of its processes.
        within: Words before those that start it.
    """
    address = join.address if join else f"{ip}:{free_port()}"
    ports = {
        f"{name}-port": free_port()
        for name in ("metrics-export", "dashboard-agent-listen", "dashboard-agent-grpc", "runtime-env-agent")
    }
    with ExitStack() as held:
        which, folder = [f"--address={address}"], join.folder if join else Path()
        if join is None:
            folder = Path(
                held.enter_context(tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True))
            )
            which = [
                "--head",
                f"--port={address.rpartition(':')[2]}",
                "--include-dashboard=false",
                f"--temp-dir={folder}",
                "--no-monitor",
            ]
            ports["ray-client-server-port"] = free_port()
        words = [
            *within, str(Path(sys.executable).parent / "ray"), "start", *which, f"--node-ip-address={ip}", "--block", "--num-cpus=2",
            "--num-gpus=0", "--disable-usage-stats", f"--object-store-memory={100 * 2**20}",
        ]  # fmt: skip
        process = _begun(words, environment or {}, ports, folder)
        try:
            yield RayNode(ip, address, process, folder)
        finally:
            every = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            process.terminate()
            process.wait(60)
            for left in psutil.wait_procs(every, timeout=30)[1]:
                left.kill()
            if process.stdout is not None:
                process.stdout.close()
