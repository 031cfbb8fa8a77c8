"""`make bench` in one: pairs are measured in turns, a rival that is not there is a row that says so, and what fell behind is found."""

from __future__ import annotations

import importlib
import json
import logging
import runpy
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch):
    """Imports a module of benchmarks/, which import each other by name."""
    monkeypatch.syspath_prepend(str(SCRIPTS))

    def load(name: str) -> ModuleType:
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    yield load
    logging.disable(logging.NOTSET)


def test_a_ratio_is_the_median_of_the_turns_own_ratios(script) -> None:
    """Three turns by hand: ratios 4, 2 and 3; the seconds of each side have medians of their own."""
    turns = script("turns")
    ours, theirs = iter([1.0, 5.0, 2.0]), iter([4.0, 10.0, 6.0])
    row = turns.measured(
        turns.Pair("job", "rival", lambda: next(ours), lambda: next(theirs), "nothing", turns=3, warm=False)
    )
    assert (row["hilum_s"], row["rival_s"], row["ratio"]) == (2.0, 6.0, 3.0)
    assert row["turns"] == [[1.0, 4.0], [5.0, 10.0], [2.0, 6.0]]


def test_a_rival_that_cannot_be_had_is_a_row_with_the_reason(script) -> None:
    turns, bench = script("turns"), script("bench")
    module, why = turns.rival_module("no_such_rival")
    assert module is None
    assert why == "no_such_rival cannot be imported: ModuleNotFoundError: No module named 'no_such_rival'"
    row = turns.measured(turns.Pair("job", "rival", lambda: 1 / 0, None, "nothing", why=why))
    assert row["missing"] == why
    assert f"| job | – | rival | – | – | – | not to be had: {why} |" in bench.table([row])


def test_what_fell_more_than_a_tenth_behind_is_found_and_nothing_else(script) -> None:
    regressions = script("regressions")
    stored = [
        {"name": n, "ratio": r}
        for n, r in (("a", 2.0), ("b", 2.0), ("c", 0.5), ("gone", 3.0), ("not here", 3.0))
    ]
    now = [{"name": n, "ratio": r} for n, r in (("a", 1.79), ("b", 1.81), ("c", 9.0), ("new", 1.0))]
    now.append({"name": "not here", "missing": "not installed"})
    (behind,) = regressions.regressed(stored, now)
    assert behind == ("a", 2.0, 1.79, "1.79 times the rival, 10 % below the stored 2.00")
    assert [(r.name, r.words) for r in regressions.uncompared(stored, now)] == [
        ("gone", "not measured now"), ("not here", "not installed"), ("new", "not stored yet"),
    ]  # fmt: skip
    assert regressions.regressed(stored, now, tolerance=0.2) == []


def test_a_row_that_seems_to_fall_behind_is_measured_again_before_it_is_said(
    script, monkeypatch, tmp_path, capsys
) -> None:
    """Both rows fall to half of what was stored; four more turns show that one of them was disturbed."""
    bench, turns = script("bench"), script("turns")
    seconds = {"steady": iter([1.0] * 20), "disturbed": iter([4.0] + [1.0] * 20), "slow": iter([2.0] * 20)}

    def chosen(_size, only):
        for name, ours in seconds.items():
            if not only or name in only:
                yield turns.Pair(name, "rival", lambda ours=ours: next(ours), lambda: 2.0, "", 2, warm=False)

    monkeypatch.setattr(bench, "chosen", chosen)
    stored = tmp_path / "bench-here.json"
    stored.write_text(json.dumps({"rows": [{"name": n, "ratio": 2.0} for n in seconds]}))
    found = [turns.measured(pair) for pair in chosen(None, [])]
    assert [r["ratio"] for r in found] == [2.0, 1.25, 1.0]
    found, behind = bench.compare(found, stored, bench.SMALL)
    assert behind == 1
    assert [r["ratio"] for r in found] == [2.0, 2.0, 1.0]
    assert [len(r["turns"]) for r in found] == [2, 6, 6]
    out = capsys.readouterr().out
    assert "BEHIND: slow: 1.00 times the rival, 50 % below the stored 2.00" in out
    assert "1 of 3 rows fell behind the ratios of bench-here.json" in out
    assert bench.compare(found, tmp_path / "none.json", bench.SMALL)[1] == 1
    assert "no ratios of this machine are stored" in capsys.readouterr().err


def test_the_environment_of_rivals_holds_the_project_s_versions(script, tmp_path) -> None:
    rivals = script("rivals")
    for name, version in (("torch", "2.9.0"), ("hilum", "0.1.0")):
        (folder := tmp_path / f"{name}-{version}.dist-info").mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    assert rivals.held(tmp_path) == ["torch==2.9.0"]


@pytest.mark.slow
def test_every_pair_that_needs_no_other_environment_runs(script, monkeypatch, tmp_path) -> None:
    """At sizes that say nothing of speed; whole cells are in `test_benchmarks.py`, as part of `study.py`."""
    monkeypatch.delenv("HILUM_FILMS", raising=False)
    script("bench")
    out = tmp_path / "bench.json"
    jobs = ["preparation", "features of squeezenet1_0", "head of", "copies", "intervals", "grad-cam"]
    words = [
        "bench.py",
        "--small",
        "--turns",
        "1",
        "--only",
        *jobs,
        "--json",
        str(out),
        "--markdown",
        str(tmp_path / "t.md"),
    ]
    monkeypatch.setattr(sys, "argv", words)
    runpy.run_path(str(SCRIPTS / "bench.py"), run_name="__main__")
    rows = {r["name"]: r for r in json.loads(out.read_text())["rows"]}
    assert len(rows) == 11
    for row in rows.values():
        assert row.get("missing") or row["ratio"] == row["turns"][0][1] / row["turns"][0][0]
    assert rows["map by grad-cam, squeezenet1_0"]["ratio"] > 0
    assert len((tmp_path / "t.md").read_text().splitlines()) == 2 + len(rows)
