"""What `hilum runs` says of a workspace."""

import runpy
import shutil
from pathlib import Path

import pytest

from hilum.artifacts.header import read_json, write_json
from hilum.artifacts.statistics import StudyRows
from hilum.artifacts.suite_record import MemberRun, SuiteRecord
from hilum.core.errors import InputError
from hilum.stages.runs import choose_runs, compare_cells, list_runs

SMALL = runpy.run_path(str(Path(__file__).parents[2] / "small_workspace.py"))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A finished run, an unsafe one on a subset, one that was killed, one that cannot be read, and a paper of the first."""
    root = tmp_path_factory.mktemp("workspace")
    run = SMALL["make_workspace"](root)
    other = root / "runs" / "as-run-0123456789ab"
    shutil.copytree(run, other)
    value = read_json(other / "run.json")
    value["name"] = "as-run"
    value["study"]["data"]["subset"] = {"name": "stratified-600", "films": 600}
    for cell in value["cells"]:
        cell |= {"faults": "all", "switches": ["augmentor_gate", "second_softmax"]}
    write_json(other / "run.json", value)
    (other / "report.html").unlink()
    killed = root / "runs" / "killed-fedcba987654"
    shutil.copytree(run / "cells", killed / "cells")
    (root / "runs" / "torn-000000000000").mkdir()
    (root / "runs" / "torn-000000000000" / "run.json").write_text("{")
    paper = root / "runs" / "paper-111111111111"
    paper.mkdir()
    SuiteRecord("paper", "", "", (MemberRun("experiment-1", run.name, 4.5),)).write(paper)
    (root / "runs" / "torn-paper").mkdir()
    (root / "runs" / "torn-paper" / "paper.json").write_text("{")
    return root, run


def test_every_folder_has_its_state(workspace):
    root, run = workspace
    lines = {x.run: x for x in list_runs(root)}
    assert {f: x.state for f, x in lines.items()} == {
        run.name: "finished", "as-run-0123456789ab": "unfinished", "killed-fedcba987654": "unfinished",
        "torn-000000000000": "unreadable", "paper-111111111111": "paper", "torn-paper": "unreadable",
    }  # fmt: skip
    assert lines["killed-fedcba987654"].marks == ("4 trials trained so far",)
    assert lines["paper-111111111111"].marks == (run.name,)
    assert "expected JSON" in lines["torn-000000000000"].marks[0]


def test_a_finished_run_is_counted(workspace):
    root, run = workspace
    line = next(x for x in list_runs(root) if x.run == run.name)
    assert (line.films, line.cells, line.trials, line.seconds, line.looks) == (32, 2, 2, 12.5, 1)
    assert line.version == read_json(run / "run.json")["study_digest"]
    assert line.marks == ("synthetic films",)
    assert list(line.row) == [
        "run",
        "state",
        "study",
        "version",
        "films",
        "cells",
        "trials",
        "seconds",
        "looks",
        "marks",
    ]


def test_faults_that_break_validity_and_subsets_are_marked(workspace):
    line = next(x for x in list_runs(workspace[0]) if x.study == "as-run")
    assert line.marks[:2] == ("UNSAFE: second_softmax", "subset stratified-600: 600 films")


def test_filters_by_study_and_by_level(workspace):
    lines = list_runs(workspace[0])
    assert {x.study for x in choose_runs(lines, "small", {})} == {"small"}
    assert {x.study for x in choose_runs(lines, None, {"faults": "all"})} == {"as-run"}
    assert {x.study for x in choose_runs(lines, None, {"pipeline": "crop"})} == {"small", "as-run"}
    assert choose_runs(lines, "small", {"pipeline": "crop", "faults": "as-described"})


@pytest.mark.parametrize(
    ("study", "where", "message"),
    [
        ("smal", {}, "did you mean 'small'?"),
        (None, {"pipelin": "crop"}, "unknown factor 'pipelin'; did you mean 'pipeline'?"),
        (None, {"pipeline": "cropp"}, "no cell here has it; did you mean 'crop'?"),
    ],
)
def test_wrong_words_name_the_nearest_right_one(workspace, study, where, message):
    with pytest.raises(InputError) as e:
        choose_runs(list_runs(workspace[0]), study, where)
    assert message in str(e.value)


def test_cells_stand_side_by_side_with_the_figures_of_the_statistics(workspace):
    root, run = workspace
    found = compare_cells(
        choose_runs(list_runs(root), None, {"pipeline": "crop"}), {"pipeline": "crop"}, "specificity"
    )
    assert [(c["run"], c["pipeline"]) for c in found] == [("as-run-0123456789ab", "crop"), (run.name, "crop")]
    row = StudyRows.read(run / "statistics.json").find(
        "squeezenet1_0--crop--low", None, "specificity", "covid"
    )
    figures = (row.estimate, row.low, row.high, row.n_trials, row.n)
    assert tuple(found[1][k] for k in ("specificity", "low", "high", "trials", "films")) == figures
    assert found[1]["schedule"] == "low"
    with pytest.raises(InputError, match=r"did you mean 'sensitivity'\?"):
        compare_cells(list_runs(root), {}, "sensitivty")


def test_a_run_that_was_not_evaluated_has_cells_without_a_figure(workspace, tmp_path):
    run = workspace[1]
    shutil.copytree(run, tmp_path / "runs" / run.name)
    (tmp_path / "runs" / run.name / "statistics.json").unlink()
    found = compare_cells(list_runs(tmp_path), {}, "sensitivity")
    assert [(c["sensitivity"], c["low"], c["resampled"]) for c in found] == [(None, None, "")] * 2


def test_no_workspace_is_an_error(tmp_path):
    with pytest.raises(InputError, match="expected a workspace"):
        list_runs(tmp_path)
