"""Factors, faults and suites end to end, on synthetic films: same test films, marks everywhere, nothing unsafe is served."""

import json
from pathlib import Path

import numpy as np
import pytest

from browser import check_page
from hilum.artifacts.bundle import Bundle
from hilum.artifacts.comparisons import read_comparisons
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.split import Split, read_split
from hilum.core.engine import Local
from hilum.core.errors import InputError, UnsafeError
from hilum.models.backbone import build_network
from hilum.models.registry import backbone
from hilum.models.weights import find, state_sha256
from hilum.report.compare_page import write_compare_page
from hilum.stages.compare import compare_runs
from hilum.stages.ingest import ingest
from hilum.stages.predict import predict_films
from hilum.study.file import Study
from hilum.study.suite import read_suite
from hilum.synthetic.phantom import make_films
from hilum.workflow.run import run_study
from hilum.workflow.suite import Planned, run_suite

SMALL = {
    "seed": 4,
    "augment": {"size_px": 64},
    "training": {"epochs": 2, "learning_rate": 2e-3},
    "statistics": {"resamples": 100},
}
CELL = "tf_efficientnet_lite0--crop--constant"


def study(name: str, **tables: object) -> Study:
    grid = {"backbones": ["tf_efficientnet_lite0"], "pipelines": ["crop"], "trials": 1}
    given = tables.pop("grid", {})
    return Study.model_validate({"name": name, **SMALL, **tables, "grid": {**grid, **given}})  # type: ignore[dict-item]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a manifest of 120 films."""
    root = tmp_path_factory.mktemp("faults")
    ingest([f"synthetic={make_films(root / 'films', 120, 5, 96)}"], root / "manifest.csv", engine=Local(1))
    return root


def run(root: Path, s: Study) -> Path:
    return run_study(s, root / "manifest.csv", root / "workspace", Local(1), "test")[0].parent


@pytest.fixture(scope="module")
def faults(root: Path) -> Path:
    """A run as described, with each of seven faults, and with all."""
    return run(
        root,
        study(
            "faults",
            grid={"faults": ["as-described", "one-at-a-time", "all"]},
            unsafe={
                "overlapping_test_draw": True, "test_as_validation": True, "softmax_before_loss": True, "second_softmax": True,
                "unequal_crop": True,
            },
            as_run={"augmentor_gate": True, "no_pretrained_weights": True},
            compare=[{"name": "worth", "factor": "faults", "reference": "as-described", "metrics": ["sensitivity", "roc_auc"]}],
        ),
    )  # fmt: skip


def test_every_fault_predicts_the_same_test_films(faults: Path) -> None:
    ids = {
        cell.name: Predictions.read(cell / "trial-1" / "predictions.csv").of_part("test").image_ids
        for cell in (faults / "cells").iterdir()
    }
    assert len(ids) == 9
    assert len(set(ids.values())) == 1


def test_a_fault_acts_where_it_should_and_nowhere_else(faults: Path) -> None:
    facts = {c["faults"]: c for c in json.loads((faults / "run.json").read_text())["cells"]}
    plain = Split.read(faults / "splits" / "trial-1.json")
    overlapping = read_split(faults / "splits" / facts["overlapping_test_draw"]["splits"] / "trial-1.json")
    assert set(overlapping.parts["test"]) & set(overlapping.parts["train"])
    assert overlapping.parts["test"] == plain.parts["test"]
    assert facts["second_softmax"]["splits"] == facts["as-described"]["splits"] == ""
    assert facts["augmentor_gate"]["prepared_as"] == "crop+augmentor_gate"
    once, twice = (
        Predictions.read(faults / "cells" / f"{CELL}{mark}" / "trial-1" / "predictions.csv").of_part("test")
        for mark in ("", "--second_softmax")
    )
    assert once.image_ids == twice.image_ids
    assert (once.probabilities.argmax(1) == twice.probabilities.argmax(1)).all()
    assert (
        twice.probabilities.max() < 0.4754
    )  # e / (e + 3): a softmax of probabilities of four classes cannot exceed it
    bundles = {
        m: Bundle.read(faults / "cells" / f"{CELL}{m}" / "trial-1" / "bundle")[0]
        for m in ("", "--softmax_before_loss")
    }
    assert bundles[""].unsafe == ()
    assert bundles["--softmax_before_loss"].unsafe == ("softmax_before_loss",)


def trial_of(run_dir: Path, mark: str = "") -> Path:
    return run_dir / "cells" / f"{CELL}{mark}" / "trial-1"


def predictions_of(run_dir: Path, mark: str, part: str) -> Predictions:
    return Predictions.read(trial_of(run_dir, mark) / "predictions.csv").of_part(part)


def last_valid_loss(run_dir: Path, mark: str) -> float:
    lines = (trial_of(run_dir, mark) / "history.jsonl").read_text().splitlines()
    return float(json.loads(lines[-1])["valid_loss"])


def test_softmax_before_the_loss_is_in_the_loss_that_the_study_trained_with(faults: Path) -> None:
    """The validation loss of the last epoch, again from the predictions: -log p as described, -log softmax(p) with the fault."""
    for mark, scores_of in (("", np.log), ("--softmax_before_loss", np.array)):
        p = predictions_of(faults, mark, "valid")
        z = scores_of(p.probabilities)
        right = z[np.arange(len(p)), p.y_index()]
        by_hand = float((np.log(np.exp(z).sum(axis=1)) - right).mean())
        assert last_valid_loss(faults, mark) == pytest.approx(by_hand, rel=1e-6)
    both = [trial_of(faults, m) / "bundle" / "head.safetensors" for m in ("", "--softmax_before_loss")]
    assert both[0].read_bytes() != both[1].read_bytes()


def test_without_pretrained_weights_films_pass_the_network_as_it_was_drawn(
    faults: Path, root: Path, tmp_path: Path
) -> None:
    """Both stores are there; the digest is that of the random network, and films scored anew with it score as the study has it."""
    digests = {}
    for mark, weights in (("", "imagenet"), ("--no_pretrained_weights", "none")):
        bundle = Bundle.read(trial_of(faults, mark) / "bundle")[0]
        assert bundle.weights["choice"] == weights
        b = backbone("tf_efficientnet_lite0")
        assert bundle.state_sha256 == state_sha256(build_network(b, find(b, weights), seed=4))
        digests[mark] = bundle.state_sha256
    assert digests[""] != digests["--no_pretrained_weights"]
    specs = [json.loads(p.read_text())["spec"] for p in (root / "workspace" / "features").glob("*/spec.json")]
    assert {s["state_sha256"] for s in specs} >= set(digests.values())
    stored = predictions_of(faults, "--no_pretrained_weights", "test")
    fresh = predict_films(
        trial_of(faults, "--no_pretrained_weights") / "bundle",
        [root / "manifest.csv"],
        tmp_path / "p.csv",
        "cpu",
    )
    score = dict(zip(fresh.image_ids, fresh.probabilities, strict=True))
    drawn = json.loads((faults / "prepared" / "crop--trial-1.json").read_text())["test"]
    alone = {row[0] for row in drawn if not row[3]}  # films that the draw left alone are what `predict` sees
    assert len(alone) > 40
    for image_id, p in zip(stored.image_ids, stored.probabilities, strict=True):
        if image_id in alone:
            assert score[image_id] == pytest.approx(p, abs=1e-6)
    plain = predictions_of(faults, "", "test")
    assert np.abs(plain.probabilities - stored.probabilities).max() > 0.05


def test_what_is_unsafe_says_so_and_is_not_served(faults: Path, root: Path, tmp_path: Path) -> None:
    page = (faults / "report.html").read_text()
    assert "Something in this study breaks the validity of its numbers on purpose" in page
    assert json.loads((faults / "run.json").read_text())["unsafe"] == [
        "overlapping_test_draw", "second_softmax", "softmax_before_loss", "test_as_validation", "unequal_crop",
    ]  # fmt: skip
    bundle = faults / "cells" / f"{CELL}--all" / "trial-1" / "bundle"
    with pytest.raises(UnsafeError, match="second_softmax") as e:
        predict_films(bundle, [root / "films"], tmp_path / "p.csv", "cpu")
    assert e.value.exit_code == 3
    safe = faults / "cells" / f"{CELL}--augmentor_gate" / "trial-1" / "bundle"
    assert len(predict_films(safe, [root / "manifest.csv"], tmp_path / "p.csv", "cpu")) == 120


def test_the_family_has_a_row_a_fault(faults: Path) -> None:
    rows = read_comparisons(faults / "comparisons.json")
    assert len(rows) == 8 * 2
    assert {r.n_family for r in rows} == {8}
    nothing = next(r for r in rows if r.cell.endswith("second_softmax") and r.metric == "sensitivity")
    assert nothing.estimate == 0.0  # argmax does not see a second softmax
    assert nothing.verdict == "not distinguishable"


@pytest.mark.parametrize("varying", [["head"], ["split"], []], ids=" ".join)
def test_a_trial_redraws_what_the_study_says_and_nothing_else(root: Path, varying: list[str]) -> None:
    folder = run(root, study(f"redraws-{len(varying)}", grid={"trials": 2}, redraw_with_trial=varying))
    splits = [Split.read(folder / "splits" / f"trial-{n}.json") for n in (1, 2)]
    trials = [folder / "cells" / CELL / f"trial-{n}" for n in (1, 2)]
    seeds = [Bundle.read(t / "bundle")[1].seed for t in trials]
    heads = [(t / "bundle" / "head.safetensors").read_bytes() for t in trials]
    assert (splits[0].parts != splits[1].parts) == ("split" in varying)
    assert splits[0].parts["test"] == splits[1].parts["test"]
    assert (seeds[0] != seeds[1]) == ("head" in varying)
    assert (heads[0] != heads[1]) == bool(varying)
    scores = [Predictions.read(t / "predictions.csv").of_part("test").probabilities for t in trials]
    assert np.array_equal(scores[0], scores[1]) == (not varying)


def test_any_factors_cross_and_the_smaller_share_is_nested(root: Path) -> None:
    folder = run(
        root,
        study(
            "factors",
            grid={"schedules": ["constant", "cycle"], "losses": ["cross-entropy", "focal"], "fractions": [1.0, 0.5]},
            policy={"cycle": {"kind": "one_cycle", "phases": [{"epochs": 1, "max_rate": 4e-3}, {"epochs": 2, "max_rate": 1e-3}]}},
            loss={"focal": {"kind": "focal", "alpha": "balanced"}},
        ),
    )  # fmt: skip
    assert sorted(p.name for p in (folder / "cells").iterdir()) == sorted(
        f"tf_efficientnet_lite0--crop--{s}{loss}{share}"
        for s in ("constant", "cycle")
        for loss in ("", "--focal")
        for share in ("", "--fraction-0.5")
    )
    halved = folder / "cells" / "tf_efficientnet_lite0--crop--cycle--focal--fraction-0.5" / "trial-1"
    assert len((halved / "history.jsonl").read_text().splitlines()) == 3
    half = Split.read(next((folder / "splits").glob("*fraction-0.5")) / "trial-1.json")
    assert set(half.parts["train"]) < set(Split.read(folder / "splits" / "trial-1.json").parts["train"])


def test_a_network_from_scratch_goes_the_same_way(root: Path) -> None:
    folder = run(root, study("scratch", grid={"backbones": ["cnn"]}, training={"epochs": 1}))
    trial = folder / "cells" / "cnn--crop--constant" / "trial-1"
    assert len(Predictions.read(trial / "predictions.csv").of_part("test")) == 61
    assert json.loads((trial / "seconds.json").read_text())["alone"]["featurize"] == 0.0
    facts = json.loads((folder / "run.json").read_text())
    assert facts["costs"]["cnn"]["trained"] == facts["costs"]["cnn"]["parameters"]


def test_a_suite_runs_its_members_and_reports_them_together(root: Path, tmp_path: Path) -> None:
    text = '[[member]]\nstudy = "a"\nname = "experiment-2"\n[[member]]\nstudy = "b"\nname = "as-run-2"\n'
    (root / "two.toml").write_text('name = "two"\n' + text)
    grid = {"pipelines": ["baseline", "crop"]}
    plain = study(
        "experiment-2", grid=grid, compare=[{"name": "p", "factor": "pipeline", "reference": "baseline"}]
    )
    again = study("as-run-2", grid={"faults": ["as-described", "all"]}, unsafe={"second_softmax": True})
    members = [
        Planned("experiment-2", plain, root / "manifest.csv"),
        Planned("as-run-2", again, root / "manifest.csv"),
    ]
    report, lines = run_suite(read_suite(root / "two.toml"), members, root / "workspace", Local(1), "test")
    page = report.read_text()
    assert "Table 4" in page
    assert "Unsafe" in page
    check_page(report, tmp_path, "two")
    assert [(line.stage, line.done, line.found) for line in lines] == [
        ("experiment-2", 1, 0),
        ("as-run-2", 1, 0),
    ]
    _, lines = run_suite(read_suite(root / "two.toml"), members, root / "workspace", Local(1), "test")
    assert [(line.done, line.found) for line in lines] == [(0, 1), (0, 1)]


def test_two_runs_are_compared_by_their_cells(root: Path, faults: Path, tmp_path: Path) -> None:
    gentle = run(root, study("gentle", training={"epochs": 2, "learning_rate": 1e-4}))
    with pytest.raises(InputError, match="there is nothing to compare in one run"):
        compare_runs([gentle], tmp_path / "none")
    out = tmp_path / "compared"
    write_compare_page(compare_runs([gentle, faults], out), out)
    rows = read_comparisons(out / "comparisons.json")
    assert all(r.paired for r in rows)
    page = next(out.glob("*.html")).read_text()
    assert "learning_rate" in page
    assert "nsafe" in page
