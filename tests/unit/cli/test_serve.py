"""`hilum serve` as typed: it says what it serves and where, answers, and ends well by SIGTERM."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from called import called
from hilum import RESEARCH_NOTICE
from hilum.serve.audit_log import LOG, verify
from serving import film


def test_it_serves_until_it_is_told_to_stop(tiny_study: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    words = [sys.executable, "-m", "hilum.cli.main", "serve", f"tiny={tiny_study / 'model'}"]
    words += ["--port", "0", "--state", str(state)]
    words += ["--engine", "torch", "--workers", "1", "--watch", "--workspace", str(tiny_study)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        said = [running.stderr.readline() for _ in range(3)]
        assert said[0].strip() == RESEARCH_NOTICE
        assert said[1].startswith("tiny: squeezenet1_0, bundle ")
        url, _, who = said[2].strip().partition(" ")
        assert (url.startswith("http://127.0.0.1:"), who) == (True, "(no tokens: this machine only)")
        answer = httpx.post(
            f"{url}v1/predict", content=film(), headers={"content-type": "image/png"}, timeout=60
        )
        assert (answer.status_code, len(answer.json()["answers"])) == (200, 1)
        refused = called("serve", str(tiny_study / "model"), "--port", "0", "--state", str(state))
        assert (refused.returncode, f"the state folder {state}" in refused.stderr) == (2, True)
        running.send_signal(signal.SIGTERM)
        rest = running.stderr.read()
    assert running.returncode == 0, rest
    assert all(json.loads(line)["level"] for line in rest.splitlines())
    events = [json.loads(line)["event"] for line in (state / LOG).read_text().splitlines()]
    assert (events[0], events[-1]) == ("started", "stopped")
    found = verify(state)
    assert (found.wrong, found.head.seq) == ("", len(events))


def test_an_address_that_is_not_here_and_one_without_tokens_are_refused(
    tiny_study: Path, tmp_path: Path
) -> None:
    words = ("serve", str(tiny_study / "model"), "--state", str(tmp_path), "--port", "0")
    there = called(*words, "--host", "203.0.113.7")
    assert (there.returncode, "203.0.113.7:0 cannot be listened at" in there.stderr) == (2, True)
    everywhere = called(*words, "--host", "0.0.0.0")
    assert (everywhere.returncode, "make one first: hilum token new NAME" in everywhere.stderr) == (3, True)
