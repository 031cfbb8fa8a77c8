"""The claims on comparisons that were computed from predictions of planted rates, through the evaluation that studies have."""

import json
import runpy
from pathlib import Path

import pytest

from hilum.paper.claims import CLAIMS, TESTS, findings
from hilum.paper.studies import Paper

FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_paper.py"))
FILMS = (20, 300, 300, 20)  # of each class: enough for a tenth to be seen
PLATEAU = {
    n: {"kind": "plateau", "learning_rate": r, "patience": 2, "factor": f}
    for n, r, f in (("schedule-1", 1e-3, 0.15), ("schedule-2", 2e-4, 0.7))
}


def rates(sensitivity, specificity):
    return FAKE["matrix"](sensitivity, specificity, FILMS)


def study(runs, number, edit=None, **options):
    """A study of an experiment, evaluated without contrasts, which no claim reads; `edit` changes its record before."""
    options["study"] = {"contrast": [], **options.get("study", {})}
    run = FAKE["make_run"](
        runs / f"experiment-{number}-abc", name=f"experiment-{number}", ages=False, **{"trials": 3, **options}
    )
    value = json.loads((run / "run.json").read_text())
    if edit:
        edit(value)
        (run / "run.json").write_text(json.dumps(value))
    FAKE["compared"](run, None, resamples=200)


def found(runs, *numbers):
    folder = FAKE["write_suite"](runs, [f"experiment-{n}" for n in numbers])
    return {f.claim.letter: f for f in findings(Paper.read(folder))}


def experiment_4(runs, matrices, **options):
    study(
        runs, 4, backbones=("resnet50", "squeezenet1_0"), pipelines=("crop",), schedules=tuple(PLATEAU),
        matrices={f"{b}--crop--{s}": rates(*m) for (b, s), m in matrices.items()},
        study={"policy": PLATEAU, "compare": [FAKE["family"]("starts", "schedule", "schedule-1")]}, **options,
    )  # fmt: skip
    return found(runs, 4)["f"]


def starts(resnet, squeezenet):
    """(rates of schedule-1, of schedule-2) of each backbone."""
    return {
        (b, s): m
        for b, pair in (("resnet50", resnet), ("squeezenet1_0", squeezenet))
        for s, m in zip(PLATEAU, pair, strict=True)
    }


LOW, HIGH = (0.7, 0.7), (0.9, 0.9)


@pytest.mark.parametrize(
    ("resnet", "squeezenet", "verdict", "told"),
    [
        ((LOW, HIGH), (LOW, HIGH), "holds", "in four of four"),
        ((LOW, HIGH), (LOW, LOW), "holds in part", "in two of four"),
        ((LOW, HIGH), (HIGH, LOW), "fails", "in two of four"),
        ((HIGH, HIGH), (HIGH, HIGH), "not distinguishable", "in none of four"),
    ],
    ids=["both", "one of two", "one each way", "neither"],
)
def test_a_lower_start_needs_both_backbones_and_both_metrics(tmp_path, resnet, squeezenet, verdict, told):
    f = experiment_4(tmp_path / "runs", starts(resnet, squeezenet))
    assert (f.verdict, f.evidence.count(told)) == (verdict, 1)
    assert not f.parts[0].thumb


def test_one_contrast_just_below_a_twentieth_and_three_the_other_way_prove_nothing(tmp_path):
    """By itself, and within its metric's family, resnet50's sensitivity is better; over all that the claim reads it is not."""
    runs = tmp_path / "runs"
    f = experiment_4(runs, starts(((0.81, 0.9), (0.875, 0.89)), ((0.9, 0.895), (0.9, 0.89))))
    rows = json.loads((runs / "experiment-4-abc" / "comparisons.json").read_text())
    better = [r for r in rows if r["verdict"] == "better"]
    assert [(r["metric"], r["cell"]) for r in better] == [("sensitivity", "resnet50--crop--schedule-2")]
    assert 0.0125 < better[0]["p"] < 0.025
    assert all(r["estimate"] < 0 for r in rows if r not in better and r["metric"] != "pr_auc")
    assert f.verdict == "not distinguishable"


def test_what_was_trained_once_decides_no_claim(tmp_path):
    f = experiment_4(tmp_path / "runs", starts((LOW, HIGH), (LOW, HIGH)), trials=1)
    assert f.verdict == "not tested here"
    assert "4 on these films, one trial" in f.evidence or f.evidence.count("on these films, one trial") == 4


def experiment_2(runs, edit=None, resnet=True, **options):
    backbones = (*(("resnet50",) if resnet else ()), "squeezenet1_0", "densenet121")
    level = {"resnet50": 0.75, "squeezenet1_0": 0.75, "densenet121": 0.95}
    matrices = {
        (b, p): rates(min(0.98, level[b] + 0.12 * (p == "crop")), level[b] - 0.1 * (p == "crop"))
        for b in backbones
        for p in ("baseline", "crop")
    }
    families = [
        FAKE["family"]("pipelines", "pipeline", "baseline"),
        FAKE["family"]("backbones", "backbone", "densenet121"),
    ]
    seconds = {"resnet50": 80.0, "squeezenet1_0": 75.0, "densenet121": 160.0}
    study(
        runs, 2, edit, backbones=backbones, pipelines=("baseline", "crop"), matrices=matrices, study={"compare": families},
        alone={b: {"prepare": 0.0, "featurize": s} for b, s in seconds.items()}, **options,
    )  # fmt: skip
    return found(runs, 2)


def whole(backbone):
    """The backbone was trained as a whole."""

    def edit(value):
        for cell in value["cells"]:
            cell["finetuned"] = cell["backbone"] == backbone

    return edit


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    return experiment_2(tmp_path_factory.mktemp("frozen") / "runs")


def test_planted_gains_and_losses_decide_the_claims_of_experiment_2(frozen):
    told = {
        k: (f.verdict, f.parts[0].verdict, f.parts[0].evidence.rpartition("; ")[2]) for k, f in frozen.items()
    }
    assert told["a"] == ("holds", "holds", "in three of three")
    # every specificity is a tenth worse; the areas vary from trial to trial, and a gain of .01 cannot be excluded
    assert told["b"][:2] == ("holds in part", "holds in part")
    assert "in three of six" in told["b"][2]
    assert told["c"][:2] == ("not tested here", "holds")
    assert "in 12 of 12" in told["c"][2]
    assert told["j"][0] == "not distinguishable"


def test_seconds_of_a_frozen_densenet_say_nothing_of_the_paper_s(frozen):
    for part in (frozen["c"].parts[1], frozen["d"].parts[0]):
        assert part.verdict == "not tested here"
        assert part.evidence == "densenet121 was trained on a frozen backbone here, as a whole in the paper"
    assert frozen["c"].verdict == frozen["d"].verdict == "not tested here"


def test_random_weights_say_nothing_of_it_either(tmp_path):
    claims = experiment_2(
        tmp_path / "runs",
        pretrained=dict.fromkeys(("squeezenet1_0", "densenet121"), False),
        resnet=False,
        trials=2,
    )
    assert {p.evidence for p in claims["c"].parts} == {"densenet121 has random weights here"}
    assert claims["d"].evidence == "squeezenet1_0 has random weights here."
    assert {claims[k].verdict for k in "abcdj"} == {"not tested here"}


def test_networks_trained_as_the_paper_s_are_timed_but_not_set_against_frozen_ones(tmp_path):
    claims = experiment_2(tmp_path / "runs", whole("densenet121"), trials=2)
    best, slow = claims["c"].parts
    assert (slow.verdict, slow.thumb) == ("holds", True)
    (d,) = claims["d"].parts
    assert (d.verdict, d.evidence) == ("holds", "85.0 s over 170 s, ratio 0.50")
    assert best.verdict == "not tested here"
    assert "(frozen, pretrained) against densenet121 (whole network, pretrained)" in best.evidence


def test_backbones_that_were_not_run_keep_a_claim_from_holding(tmp_path):
    claims = experiment_2(tmp_path / "runs", resnet=False)
    assert claims["a"].evidence.endswith("not run: resnet50.")
    assert claims["a"].verdict == "holds in part"


def test_the_cnn_is_set_only_against_the_same_films(tmp_path):
    runs = tmp_path / "runs"
    good = rates(0.95, 0.95)
    study(
        runs, 3, backbones=("squeezenet1_0",), pipelines=("crop",), schedules=("schedule-1",), matrices={"all": good},
        study={"data": {"subset": {"name": "tenth", "films": 64}}},
    )  # fmt: skip
    study(
        runs, 5, backbones=("cnn",), pipelines=("crop",), schedules=("constant-2e-4",), matrices={"all": rates(0.6, 0.95)},
        pretrained={"cnn": False},
    )  # fmt: skip
    apart = found(runs, 3, 5)["h"]
    assert apart.verdict == "not tested here"
    assert apart.evidence.startswith(
        "other films: Experiment 5 has 720 films and Experiment 3 has subset “tenth”"
    )
    study(
        runs,
        4,
        backbones=("resnet50",),
        pipelines=("crop",),
        schedules=("schedule-2",),
        matrices={"all": good},
    )
    low, like = found(runs, 3, 4, 5)["h"].parts
    assert (low.verdict, low.evidence.count("resnet50")) == ("holds", 1)
    assert like.verdict == "holds"
    assert "against a mean of 0.9500 over 1 cells" in like.evidence


def test_every_test_that_a_claim_names_is_there_and_none_is_left_over():
    named = [p for claim in CLAIMS for p in claim.parts if isinstance(p, str)]
    assert sorted(named) == sorted(TESTS)
    assert [claim.letter for claim in CLAIMS] == list("abcdefghij")


def test_a_time_is_not_set_against_a_backbone_that_was_not_run(tmp_path):
    schedules = dict.fromkeys(("schedule-3", "schedule-4"), PLATEAU["schedule-1"])
    few = {"all": rates(*HIGH)}
    study(tmp_path, 2, backbones=("resnet50",), pipelines=("crop",), matrices=few)
    study(
        tmp_path, 3, backbones=("resnet50",), pipelines=("crop",), schedules=tuple(schedules), matrices=few,
        study={"policy": schedules},
    )  # fmt: skip
    (time,) = [p for p in found(tmp_path, 2, 3)["e"].parts if p.what == "time"]
    assert time.verdict == "not tested here"
    assert "densenet121 was not run in Experiment 2" in time.evidence
