"""Subgroups: the headline asked again of some of the films, a row a subgroup and cell."""

from __future__ import annotations

import csv

from fake_run import SMALL, make_run
from hilum.artifacts.run_folder import RunFolder
from hilum.stages.evaluate import evaluate_run
from hilum.stages.report import write_report


def test_each_subgroup_has_a_row_and_its_films_are_counted(tmp_path):
    study = {"subgroup": [{"by": "source"}]}
    run = make_run(tmp_path / "run", pipelines=("crop",), matrices={"all": SMALL}, study=study)
    evaluate_run(run, n_resamples=20)
    page = write_report(run).read_text(encoding="utf-8")
    rows = list(csv.DictReader((run / "tables" / "subgroups.csv").read_text(encoding="utf-8").splitlines()))
    folder = RunFolder(run)
    films = [folder.manifest.by_id[i] for i in folder.splits[1].parts["test"]]
    wanted = {s: [f for f in films if f.source == s] for s in ("mooney", "radiography")}
    found = {r["subgroup"].removeprefix("source = "): r for r in rows}
    assert {s: int(r["films"]) for s, r in found.items()} == {s: len(f) for s, f in wanted.items()}
    assert int(found["radiography"]["covid"]) == sum(f.label == "covid" for f in films)
    # every film of the positive class is of that source, so its sensitivity is the headline's
    headline = csv.DictReader((run / "tables" / "results.csv").read_text(encoding="utf-8").splitlines())
    assert found["radiography"]["sensitivity_estimate"] == next(headline)["sensitivity_estimate"]
    assert found["mooney"]["covid"] == "0"
    assert "Differences between subgroups are in the table of subgroups against the rest" in page
