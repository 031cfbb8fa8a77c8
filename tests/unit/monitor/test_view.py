"""The page of the monitor: its numbers, and that it needs no script and no style of its own."""

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined

from hilum.monitor.drift import DriftCheck
from hilum.monitor.status import MonitorStatus, Rate
from hilum.monitor.view import monitor_view

BASE = "<!doctype html><html lang=en><title>{% block title %}{% endblock %}</title><main>{% block content %}{% endblock %}</main></html>"
CHECKS = (
    DriftCheck("scores", "probability of covid", "KS", 0.1, 0.25, 0.3, 0.31),
    DriftCheck("films", "grain", "KS", 0.5, 0.25, 2.0, 2.9),
    DriftCheck("shape", "what is on the films", "MMD", -0.001, 0.01),
)
STATUS = MonitorStatus(
    bundle="ab" * 32, name="<chest>", positive="covid", films={"answered": 90, "abstained": 8, "failed": 2},
    why={"not-frontal": 8, "truncated": 2},
    classes={"covid": 49, "normal": 49}, first="2026-01-01T00:00:00+00:00", last="2026-01-02T00:00:00+00:00",
    seconds={"p50": 0.02, "p95": 0.1, "p99": 0.5}, window=98, looked="2026-01-02T00:00:00+00:00", checks=CHECKS, history=(0, 0, 1),
    rates=(Rate("sensitivity to covid", 9, 10, 0.9, 0.555, 0.9975), Rate("specificity", 0, 0, None, None, None)),
)  # fmt: skip


def page(*statuses: MonitorStatus) -> str:
    template = (files("hilum") / "serve" / "pages" / "templates" / "monitor.html").read_text("utf-8")
    environment = Environment(
        loader=DictLoader({"base.html": BASE, "monitor.html": template}),
        autoescape=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("monitor.html").render(monitor_view(statuses))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "br", "rect", "line"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self.open.pop() == tag


def test_the_page_says_what_the_status_says() -> None:
    text = page(STATUS)
    assert "1 of 3 statistics of the last 98 films are above their thresholds." in text
    assert "&lt;chest&gt;" in text
    assert re.search(
        r"<th scope=\"row\">Answered</th><td class=\"num\">90</td><td class=\"num\">90.0 %</td>", text
    )
    assert "0.900" in text
    assert "0.555 to 0.998" in text
    assert '<td colspan="3" class="soft">no film with a reader’s label</td>' in text
    assert "1 of the last 3 windows raised an alarm" in text
    assert text.count("<strong>alarm</strong>") == 1


def test_bars_are_to_scale_and_never_negative() -> None:
    groups = dict(monitor_view(STATUS)["bundles"][0]["groups"])
    grain = groups["Properties of the films"][0]
    assert grain["bar"] / grain["mark"] == 2.0
    assert groups["What is on the films"][0]["bar"] == 0.0


def test_the_page_is_whole_and_needs_no_script_and_no_style() -> None:
    tags = _Tags()
    tags.feed(
        page(
            STATUS,
            replace(
                STATUS,
                checks=(),
                note="the bundle has no reference.safetensors",
                history=(),
                dropped=3,
                unstored=2,
            ),
        )
    )
    assert tags.open == ["html"] or tags.open == []
    assert not tags.names & {"script", "style", "iframe", "object", "form"}
    assert not {a for a in tags.attributes if a == "style" or a.startswith("on")}


def test_without_a_bundle_it_says_so() -> None:
    assert "No bundle is watched." in page()


def test_nothing_of_the_monitor_loads_torch() -> None:
    names = sorted(
        p.stem
        for p in (files("hilum") / "monitor").iterdir()
        if p.name.endswith(".py") and p.stem != "__init__"
    )  # type: ignore[attr-defined]
    code = f"import sys, {', '.join(f'hilum.monitor.{n}' for n in names)}; sys.exit('torch' in sys.modules)"
    assert len(names) >= 10
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_monitor_knows_nothing_of_studies_training_or_reports() -> None:
    above = "stages|training|report|paper|workflow|studies|api|lineage|tracking|serve|node|cli"
    for path in (files("hilum") / "monitor").iterdir():
        if path.name.endswith(".py"):
            assert not re.search(rf"^\s*(from|import) hilum\.({above})\b", path.read_text("utf-8"), re.M), (
                path.name
            )
