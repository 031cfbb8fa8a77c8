"""The section on sets and strangers, from predictions that have them; without them there is none."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from fake_run import CLASSES, SMALL, make_run
from hilum.artifacts.predictions import Predictions
from hilum.stages.evaluate import evaluate_run
from hilum.stages.report import write_report

N = sum(map(sum, SMALL))


def judged(run: Path) -> None:
    """Sets of 90 % that hold every class but normal, and of 95 % every class; every film of class viral is a stranger."""
    for path in sorted(run.glob("cells/*/trial-*/predictions.csv")):
        p = Predictions.read(path)
        n = len(p)
        columns = {
            "set_90": ("|".join(c for c in CLASSES if c != "normal"),) * n,
            "set_95": ("|".join(CLASSES),) * n,
            "stranger": tuple("1" if y == "viral" else "0" for y in p.y_true),
            "stranger_score": ("1",) * n,
        }
        replace(p, judged=columns).write(path)


def rows(run: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((run / "tables" / f"{name}.csv").read_text(encoding="utf-8").splitlines()))


def test_coverage_refusals_and_errors_are_tables(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", pipelines=("crop",), trials=2, matrices={"all": SMALL}, temperature=1.5)
    judged(run)
    evaluate_run(run, n_resamples=20)
    page = write_report(run).read_text(encoding="utf-8")
    ninety, all_classes = rows(run, "sets")
    assert (ninety["level"], float(all_classes["coverage_estimate"])) == ("90", 1)
    by_group = {(r["level"], r["group"]): float(r["coverage_estimate"]) for r in rows(run, "sets-by-group")}
    assert (by_group["90", "normal"], by_group["90", "covid"]) == (0, 1)
    assert float(ninety["classes_in_a_set"]) == 3
    assert "Below what they say, with their whole interval, are the sets of: normal" in page
    shares = {r["source"]: float(r["refused_estimate"]) for r in rows(run, "strangers")}
    assert sum(shares.values()) > 0
    (selective,) = rows(run, "selective")
    assert float(selective["kept_by_the_gate"]) == pytest.approx(
        1 - sum(SMALL[CLASSES.index("viral")]) / N, abs=1e-4
    )
    (spread,) = rows(run, "spread")
    assert int(spread["films"]) == N
    assert "no interval" in page


def test_without_sets_there_is_no_section(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", pipelines=("crop",), matrices={"all": SMALL})
    evaluate_run(run, n_resamples=20)
    assert 'id="sets"' not in write_report(run).read_text(encoding="utf-8")
