"""Looks are counted by film: other names, other manifests and overlapping sets change nothing."""

import json
from types import SimpleNamespace

from hilum.artifacts.looks import Ledger, Looks, count_look

A, B, C, D = (f"{k}" * 64 for k in range(1, 5))


def test_sets_that_overlap_share_what_they_share(tmp_path):
    ledger = Ledger(tmp_path)
    assert ledger.of([A, B], "r-1", "m") is None
    ledger.count("evaluate", "one", "r-1", "m", [A, B, C])
    ledger.count("evaluate", "two", "r-2", "n", [C, B])
    ledger.count("compare", "two", "r-2", "n", [C, B])
    ledger.count("evaluate", "three", "r-3", "n", [D])
    assert ledger.of([A, B, C], "r-1", "m") == Looks(films=3, median=3, most=3, studies=2, own=1)
    assert ledger.of([A], "r-1", "m") == Looks(1, 1, 1, 1, 1)
    assert ledger.of([A, D], "r-9", "m") == Looks(2, 1, 1, 2, 0)
    assert ledger.of_run("r-2", "n") == Looks(2, 3, 3, 2, 2)
    assert ledger.of_run("r-9", "n") is None
    assert ledger.of(["f" * 64], "r-1", "m") == Looks(1, 0, 0, 0, 0)


def test_a_set_is_kept_once_and_a_torn_line_costs_only_itself(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.count("evaluate", "one", "r-1", "m", [B, A])
    with (tmp_path / "looks.jsonl").open("ab") as f:
        f.write(b'{"how": "eval\xff')
    ledger.count("evaluate", "one", "r-1", "m", [A, B, A])
    assert len(list((tmp_path / "looks").iterdir())) == 1
    lines = (tmp_path / "looks.jsonl").read_bytes().splitlines()
    assert json.loads(lines[0]) == json.loads(lines[2])
    assert ledger.of([A, B], "r-1", "m") == Looks(2, 2, 2, 1, 2)


def test_films_that_were_opened_count_where_they_are_test_films(tmp_path, monkeypatch):
    monkeypatch.setattr("hilum.artifacts.looks.films_tested", lambda _: {A, B})
    run = SimpleNamespace(
        path=tmp_path / "runs" / "r-1", record=SimpleNamespace(name="one", manifest_digest="m")
    )
    count_look(run, "explain", [C, D])
    assert not (tmp_path / "looks.jsonl").exists()
    count_look(run, "explain", [B, C])
    assert Ledger(tmp_path).of([A, B], "r-1", "m") == Looks(2, 1, 1, 1, 1)
    count_look(run, "evaluate")
    assert Ledger(tmp_path).of([A, B], "r-1", "m") == Looks(2, 2, 2, 1, 2)
