"""Chromium driven by Playwright: pages of a service as a reader has them, with everything that they say or ask for noted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from needs import needed_module, needed_program

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-extensions", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
GRAVE = ("serious", "critical")


@dataclass
class Noted:
    """What pages of a browser said and asked for.

    Attributes:
        console: Every line of the console, errors that nobody caught among them.
        requests: URLs of other hosts than the service.
    """

    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser."""
    sync_api = needed_module("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=needed_program("chromium", "chromium"), args=list(FLAGS)
        )
        try:
            yield browser
        finally:
            browser.close()


def new_page(browser: Any, address: str, **context: Any) -> tuple[Any, Noted]:
    """A page in a context of its own (cookies, theme, size), and what it says and asks for."""
    noted = Noted()
    page = browser.new_context(base_url=address, **context).new_page()
    page.set_default_timeout(90_000)  # a disk that others use may stall for half a minute
    page.on("console", lambda m: noted.console.append(m.text))
    page.on("pageerror", lambda e: noted.console.append(str(e)))
    own = (address, "blob:", "data:")
    page.on("request", lambda r: None if r.url.startswith(own) else noted.requests.append(r.url))
    return page, noted


def grave_findings(page: Any) -> list[str]:
    """Serious and critical findings of axe-core, a line each."""
    axe = needed_module("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {v['help']}: {n['html'][:160]}"
        for v in found
        if v["impact"] in GRAVE
        for n in v["nodes"]
    ]


def without_sideways_scrolling(page: Any) -> bool:
    """Whether the page is no wider than the screen."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
