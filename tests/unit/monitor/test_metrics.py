"""Metrics as Prometheus' own parser reads them, the alert rules by promtool, and a real Prometheus that scrapes and fires."""

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from documented import ROOT
from hilum.artifacts.bundle import Bundle
from hilum.monitor.metrics import CONTENT_TYPE, metrics_text, registry_of
from hilum.monitor.watch import Watch
from needs import needed_module, needed_program
from watched_films import reading, refused, unreadable, write_bundle, write_reference

RULES = ROOT / "docs" / "how-to" / "alerts.yml"


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Watch, Bundle]]:
    folder = tmp_path_factory.mktemp("metrics")
    bundle = write_bundle(folder / "bundle")
    write_reference(folder / "bundle", bundle, 100)
    watching = Watch(folder / "monitor.db", folder / "bundle", "chest", a_second=1e9)
    for k in range(30):
        watching.saw(
            f"r{k}", reading(bundle, k, change=lambda film, _: 255 - film), 0.02 * (k + 1), f"{k:064x}"
        )
    watching.saw("s", refused(reading(bundle, 50)), 0.5)
    watching.saw("t", unreadable(bundle), 0.001)
    watching.flush()
    watching.feedback("covid", "a", request_id="r0")
    yield watching, bundle
    watching.close()


def samples(text: str) -> dict[tuple[str, str], float]:
    parser = needed_module("prometheus_client.parser", "pip install prometheus-client")
    found = {}
    for family in parser.text_string_to_metric_families(text):
        for s in family.samples:
            assert s.name.startswith("hilum_")
            assert s.labels["bundle"] == "chest"
            found[s.name, ",".join(v for k, v in sorted(s.labels.items()) if k != "bundle")] = s.value
    return found


def test_a_scrape_is_the_status_in_numbers(watch: tuple[Watch, Bundle]) -> None:
    found = samples(metrics_text(registry_of(lambda: [watch[0]])).decode())
    status = watch[0].status()
    assert found["hilum_films_total", "answered"] == 30
    assert found["hilum_films_total", "abstained"] == found["hilum_films_total", "failed"] == 1
    assert found["hilum_films_not_relied_on_total", "not-frontal"] == 1
    assert found["hilum_film_seconds_count", ""] == 32
    assert found["hilum_film_seconds_bucket", "0.1"] == 6  # 0.02 to 0.1, and the one that failed
    assert found["hilum_film_seconds_sum", ""] == pytest.approx(
        sum(0.02 * (k + 1) for k in range(30)) + 0.501
    )
    for c in status.checks:
        key = f"{c.group},{c.method},{c.statistic}"
        assert found["hilum_drift", key] == pytest.approx(c.value)
        assert found["hilum_drift_threshold", key] == pytest.approx(c.threshold)
        assert found["hilum_drift_alarm", key] == float(c.alarm)
    assert found["hilum_drift_alarm", "shape,MMD,what is on the films"] == 1
    rate = status.rates[0]
    assert found["hilum_feedback_rate", "sensitivity"] == rate.value
    assert ("hilum_feedback_rate", "specificity") not in found  # no film counts
    assert found["hilum_feedback_films", "specificity"] == 0
    assert found["hilum_films_not_watched_total", "too-fast"] == 0
    assert found["hilum_films_not_watched_total", "not-stored"] == 0


def test_promtool_finds_nothing_wrong_with_the_rules_or_the_metrics(watch: tuple[Watch, Bundle]) -> None:
    promtool = needed_program("promtool", "prometheus")
    done = subprocess.run(
        [promtool, "check", "rules", str(RULES)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "8 rules found" in done.stdout) == (0, True), done.stderr
    done = subprocess.run(
        [promtool, "test", "rules", RULES.with_name("alerts-test.yml").name], cwd=RULES.parent, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    text = metrics_text(registry_of(lambda: [watch[0]]))
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_of_the_rules_is_one_that_is_served(watch: tuple[Watch, Bundle]) -> None:
    import re

    served = {name for name, _ in samples(metrics_text(registry_of(lambda: [watch[0]])).decode())}
    served |= {"hilum_feedback_rate_high"}
    assert set(re.findall(r"\bhilum_[a-z_]+", "\n".join(_expressions()))) <= served


def _expressions() -> list[str]:
    yaml = needed_module("yaml", "pip install pyyaml")
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.mark.slow
def test_a_real_prometheus_scrapes_and_fires(watch: tuple[Watch, Bundle], tmp_path: Path) -> None:
    prometheus = needed_program("prometheus", "prometheus")
    registry = registry_of(lambda: [watch[0]])

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = metrics_text(registry)
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shutil.copy(RULES, tmp_path / "alerts.yml")
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [alerts.yml]\nscrape_configs:\n"
        f"  - job_name: hilum\n    static_configs: [{{targets: ['127.0.0.1:{server.server_port}']}}]\n"
    )
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(
            [prometheus, f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'data'}",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log,
        )  # fmt: skip
    try:
        firing: dict[tuple[str, str], dict[str, str]] = {}
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and ("HilumDrift", "films") not in firing:
            time.sleep(0.5)
            assert running.poll() is None, (tmp_path / "log").read_text()[-2000:]
            firing = _firing(port)
        assert {("HilumDrift", "films"), ("HilumDrift", "shape")} <= set(firing)
        assert firing["HilumDrift", "films"]["bundle"] == "chest"
        assert not {name for name, _ in firing} & {"HilumDown", "HilumNoReference", "HilumSlow"}
    finally:
        running.terminate()
        running.wait(20)
        server.shutdown()
        server.server_close()


def _firing(port: int) -> dict[tuple[str, str], dict[str, str]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/alerts", timeout=5) as answer:
            alerts = json.load(answer)["data"]["alerts"]
    except OSError:
        return {}
    return {
        (a["labels"]["alertname"], a["labels"].get("group", "")): a["labels"]
        for a in alerts
        if a["state"] == "firing"
    }
