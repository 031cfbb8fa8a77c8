"""Progress: a bar on a terminal, plain lines elsewhere, nothing when quiet; a terminal that is gone stops nothing."""

from __future__ import annotations

import io
import sys

import pytest

from hilum.core import progress as module
from hilum.core.progress import progress, set_quiet


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Gone(Terminal):
    def write(self, _text: str) -> int:
        raise OSError(5, "Input/output error")

    def flush(self) -> None:
        raise OSError(5, "Input/output error")


@pytest.fixture(autouse=True)
def _loud(monkeypatch):
    monkeypatch.delenv("HILUM_QUIET", raising=False)


def test_a_terminal_has_a_bar_with_counts_and_rate(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress("featurize", 4) as step:
        step(3)
        step()
    shown = terminal.getvalue()
    assert "featurize" in shown
    assert "4/4" in shown
    assert "films/s" in shown


def test_work_goes_on_where_the_terminal_is_gone(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Gone())
    done = []
    with progress("train", 2, "trials") as step:
        for k in range(2):
            step()
            done.append(k)
    module.say("a line nobody sees")
    assert done == [0, 1]


def test_elsewhere_a_line_says_what_is_left_and_the_last_one_says_all(monkeypatch, capsys):
    monkeypatch.setattr(module, "_LINE_EVERY_S", 0.0)
    with progress("prepare", 3) as step:
        step()
        step(2)
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("prepare: 1/3 films, ")
    assert first.endswith(" s left")
    assert last.startswith("prepare: 3/3 films, ")
    assert "left" not in last


def test_quiet_is_silent_until_it_is_switched_off(capsys):
    set_quiet(True)
    with progress("prepare", 1) as step:
        step()
    module.say("nothing")
    set_quiet(False)
    module.say("something")
    assert capsys.readouterr().err == "something\n"
