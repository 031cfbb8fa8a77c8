"""What a script drives is dead until the script has come; what works by itself is a form that the service takes."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

CONTROLS = ("button", "input", "select", "textarea")
EMPTY = ("input", "meta", "link", "img", "br", "hr", "path", "rect", "line", "circle", "polyline", "polygon")


class Controls(HTMLParser):
    """The controls of a page, by how it stands with them before any script has run.

    Attributes:
        alive: Those that can be used, and by which form they are sent.
        waiting: Those that a script has to enable.
    """

    def __init__(self) -> None:
        super().__init__()
        self.alive: list[tuple[str, str]] = []
        self.waiting: list[str] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        above = [*self._open, (tag, values)]
        unseen = any(t == "template" or "hidden" in v for t, v in above) or values.get("type") == "hidden"
        if tag in CONTROLS and not unseen:
            dead = "disabled" in values or any(t == "fieldset" and "disabled" in v for t, v in above)
            form = next((v for t, v in reversed(above) if t == "form"), {})
            name = values.get("id") or values.get("name") or values.get("class") or ""
            if dead:
                self.waiting.append(name)
            else:
                self.alive.append((name, f"{form.get('method', '')} {form.get('action', '')}".strip()))
        if tag not in EMPTY:
            self._open.append((tag, values))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass


def controls_of(html: str) -> Controls:
    found = Controls()
    found.feed(html)
    return found


TYPED = {"name", "films", "seed", "blinded", "cell"}
"""What may be filled in before there is a script: it only waits for the button that sends it."""


@pytest.mark.parametrize(
    ("address", "waiting"),
    [
        ("/", {"choose-films", "choose-folder", "files", "folder", "example-label", "plain", "bundle-a", "bundle-b", "print"}),
        ("/studies", {"sort"}), ("/studies/RUN", {"sort"}), ("/studies/RUN/films?cell=0&label=0&said=0", set()),
        ("/review", {"plain", "", "run", "kind"}), ("/review/1", set()),
        ("/review/1/1", {"window", "level", "invert", "zoom-out", "zoom-in", "fit", "draw-rectangle", "draw-polygon", "said",
                         "add-rectangle", "comment", ""}),
        ("/monitor", set()), ("/none", set()),
    ],
)  # fmt: skip
def test_what_a_script_drives_is_sent_disabled(served, address: str, waiting: set[str]) -> None:
    reader = served.as_reader("Dr A")
    served.queue(reader)
    page = reader.get(address.replace("RUN", served.run), headers={"accept": "text/html"})
    found = controls_of(page.text)
    assert set(found.waiting) == waiting
    assert {name for name, sent in found.alive if not sent} <= (TYPED if address == "/review" else set())
    assert (address in ("/", "/review", "/review/1/1")) is ("<noscript>" in page.text)


def test_signing_in_and_out_needs_no_script(with_tokens) -> None:
    form = controls_of(with_tokens().get("/login").text)
    assert form.waiting == []
    assert form.alive == [("token", "post /login"), ("", "post /login")]
    page = controls_of(with_tokens("a:predict").get("/monitor").text)
    assert (page.waiting, page.alive) == ([], [("plain", "post /logout")])
