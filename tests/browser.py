"""A page opened in Chromium: what its console says, and what it asks of anybody.

The browser runs without a window and resolves no name; the page's own requests are told from the browser's (updates, accounts) by their
initiator in Chromium's net log.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from html import escape
from pathlib import Path

from needs import needed_program

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr", "--virtual-time-budget=2000", "--dump-dom",
)  # fmt: skip
_CONSOLE = re.compile(r"^\[[^\]]*CONSOLE[^\]]*\] (.*)$", re.M)
_NOT_A_PAGES = "not an origin"


@dataclass(frozen=True)
class Opened:
    """What came of opening a page.

    Attributes:
        dom: The document after its scripts ran.
        console: Every line that the page wrote to the console, errors that nobody caught among them.
        requests: URLs that the page asked for, besides files and data.
    """

    dom: str
    console: list[str]
    requests: list[str]


def opened(page: Path, folder: Path, fragment: str = "") -> Opened:
    """Open a page, at a fragment if one is given; `folder` is for the browser's own files."""
    log = folder / "net.json"
    command = [
        needed_program("chromium", "chromium"),
        *_FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        f"--log-net-log={log}",
    ]
    done = subprocess.run(
        [*command, page.resolve().as_uri() + fragment],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    value = json.loads(log.read_text(encoding="utf-8"))
    start = value["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    asked = [e["params"] for e in value["events"] if e["type"] == start and "url" in e.get("params", {})]
    requests = [
        p["url"]
        for p in asked
        if p.get("initiator") != _NOT_A_PAGES and not p["url"].startswith(("file:", "data:"))
    ]
    return Opened(done.stdout, _CONSOLE.findall(done.stderr), requests)


def check_page(page: Path, folder: Path, title: str) -> None:
    """A page of hilum's opens with its title, nothing in the console, and asks nothing of anybody."""
    found = opened(page, folder)
    assert f"<title>{escape(title, quote=False)}" in found.dom
    assert found.console == []
    assert found.requests == []
