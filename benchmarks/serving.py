"""How fast the service answers, beside the service that people write first (`plain_service.py`), with ``wrk`` on one machine in one run.

For each bundle: the engine's own rate on prepared films; latency of one client; films a second of 16 clients; the same of the plain service
with a network of the same kind. ``--flat N`` sends N requests more and reads the service's memory on the way.

    python benchmarks/serving.py BUNDLE... --film FILM --json results/serving.json
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from machine import name_machine

HERE = Path(__file__).parent
PLAIN = "import sys; sys.path.insert(0, sys.argv[1]); import plain_service; plain_service.run(*sys.argv[2:])"


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def started(command: list[str], port: int, path: str) -> subprocess.Popen[bytes]:
    """A service that answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1)
            return process
        except Exception:  # not yet
            time.sleep(0.2)
            if process.poll() is not None:
                raise SystemExit(f"{command}: ended") from None
    raise SystemExit(f"{command}: did not start")


def wrk(url: str, clients: int, seconds: int, script: Path) -> dict[str, Any]:
    """What wrk says of some seconds."""
    command = [
        "wrk",
        "-t1",
        f"-c{clients}",
        f"-d{seconds}s",
        "--latency",
        "--timeout",
        "30s",
        "-s",
        str(script),
        url,
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    unit = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}

    def percentile(p: str) -> float:
        found = re.search(rf"^\s*{p}%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.M)
        assert found, text
        return float(found[1]) * unit[found[2]]

    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    assert rate, text
    return {
        "films_per_s": float(rate[1]), "p50_ms": percentile("50"), "p99_ms": percentile("99"), "not_answered": int(bad[1]) if bad else 0,
        "text": text,
    }  # fmt: skip


RATE = """
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np
from hilum.inference.engines import check_films
from hilum.inference.predictor import Predictor
from hilum.inference.reader import Reader
from hilum.models.machine import made_ready
made_ready()
folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
reader, predictor = Reader(folder), Predictor(folder)
films, engine = check_films(predictor), reader.engine

def rate(call, some, lanes):
    call(some)
    start = time.perf_counter()
    def lane(_):
        n = 0
        while time.perf_counter() - start < seconds:
            call(some)
            n += len(some)
        return n
    with ThreadPoolExecutor(lanes) as pool:
        return sum(pool.map(lane, range(lanes))) / (time.perf_counter() - start)

batch = np.concatenate([films] * 16)[: predictor.bundle.batch]
print(json.dumps({
    "backbone": predictor.bundle.backbone, "engine": engine.words, "why": engine.why,
    "films_per_s": rate(engine.logits, films[: engine.together], engine.lanes),
    "torch_batch_films_per_s": rate(predictor.passed, batch, 1), "batch": len(batch),
}))
"""


def engine_rate(bundle: Path, seconds: float = 4.0) -> dict[str, Any]:
    """The rate of the bundle's engine alone on prepared films, and of torch in the bundle's batch."""
    command = [sys.executable, "-c", RATE, str(bundle), str(seconds)]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(out.stdout.splitlines()[-1])
    return found


def memory_mib(process: subprocess.Popen[bytes]) -> float:
    """Unshared memory of a service and its processes."""
    own = psutil.Process(process.pid)
    return float(sum(p.memory_full_info().uss for p in (own, *own.children(recursive=True)))) / 2**20


def flat(url: str, process: subprocess.Popen[bytes], requests: int, script: Path) -> dict[str, Any]:
    """Memory while many requests are sent, and its slope after the first 2 000, in KiB a request."""
    points, sent = [(0, memory_mib(process))], 0
    while sent < requests:
        command = ["wrk", "-t1", "-c16", "-d10s", "--timeout", "30s", "-s", str(script), url]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = re.search(r"(\d+) requests in", text)
        assert found, text
        sent += int(found[1])
        points.append((sent, memory_mib(process)))
    late = np.array([p for p in points if p[0] >= 2000 or len(points) < 4])
    slope = float(np.polyfit(late[:, 0], late[:, 1] * 1024, 1)[0])
    return {"points": points, "slope_kib_a_request": slope}


def measured(bundle: Path, film: Path, seconds: int, flat_requests: int) -> dict[str, Any]:
    """One bundle beside the plain service."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "film.lua"
        script.write_text(
            f'local f = io.open("{film}", "rb")\nwrk.method = "POST"\nwrk.body = f:read("*a")\nwrk.headers["Content-Type"] = "image/png"\n'
        )
        rate = engine_rate(bundle)
        found: dict[str, Any] = {"bundle": bundle.parts[-3], **rate}
        port = free_port()
        own = [
            sys.executable,
            "-m",
            "hilum.cli.main",
            "serve",
            str(bundle),
            "--state",
            f"{folder}/state",
            "--port",
            str(port),
            "--a-minute",
            "10000000",
        ]
        plain_port = free_port()
        plain = [sys.executable, "-c", PLAIN, str(HERE), rate["backbone"], str(plain_port)]
        for name, command, at, ready in (
            ("hilum", own, port, "/readyz"),
            ("plain", plain, plain_port, "/openapi.json"),
        ):
            process = started(command, at, ready)
            url = f"http://127.0.0.1:{at}/v1/predict"
            try:
                wrk(url, 4, 3, script)
                found[name] = {"one": wrk(url, 1, seconds, script), "sixteen": wrk(url, 16, seconds, script)}
                if name == "hilum" and flat_requests:
                    found["flat"] = flat(url, process, flat_requests, script)
            finally:
                process.terminate()
                process.wait()
        found["of_engine"] = found["hilum"]["sixteen"]["films_per_s"] / rate["films_per_s"]
        found["of_plain"] = (
            found["hilum"]["sixteen"]["films_per_s"] / found["plain"]["sixteen"]["films_per_s"]
        )
        return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="+", type=Path)
    parser.add_argument("--film", type=Path, required=True)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--flat", type=int, default=0)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows = []
    for k, bundle in enumerate(asked.bundles):
        row = measured(bundle.resolve(), asked.film.resolve(), asked.seconds, asked.flat if k == 0 else 0)
        rows.append(row)
        own, plain = row["hilum"], row["plain"]
        one, many = own["one"], own["sixteen"]
        print(
            f"{row['backbone']}: alone {row['films_per_s']:.1f} films/s ({row['engine']}; torch by {row['batch']}s "
            f"{row['torch_batch_films_per_s']:.1f}); one client p50 {one['p50_ms']:.1f} ms, p99 {one['p99_ms']:.1f} ms; "
            f"16 clients {many['films_per_s']:.1f} films/s = {row['of_engine']:.0%}, p99 {many['p99_ms']:.0f} ms; "
            f"plain: one client p50 {plain['one']['p50_ms']:.1f} ms, 16 clients {plain['sixteen']['films_per_s']:.1f} films/s; "
            f"ratio {row['of_plain']:.2f}"
        )
        if "flat" in row:
            print(
                f"memory: {row['flat']['points']}; slope {row['flat']['slope_kib_a_request']:.3f} KiB a request after 2 000"
            )
    if asked.json:
        asked.json.write_text(
            json.dumps({"machine": name_machine(), "film": asked.film.name, "rows": rows}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
