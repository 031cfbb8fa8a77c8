"""The report of a study with schedules, faults, a subset, a finder, costs and looks: each is on the page and in the files."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hilum.artifacts.run_folder import RunFolder
from hilum.augment.follow import Box
from hilum.paper.side_by_side import papers_numbers
from hilum.report.boxed_film import set_box
from hilum.report.sections.curves import rate_curves
from hilum.stages.evaluate import evaluate_run
from hilum.stages.report import write_report

FAKE = runpy.run_path(str(Path(__file__).parents[2] / "fake_run.py"))
POLICIES = {
    "constant": {"kind": "constant", "learning_rate": 5e-4},
    "cycles": {"kind": "one_cycle", "phases": [{"epochs": 4, "max_rate": 1e-3}, {"epochs": 2, "max_rate": 5e-4}]},
    "falling": {"kind": "plateau", "learning_rate": 1e-3, "patience": 0, "factor": 0.5},
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("facts") / "runs" / "experiment-2-abc"
    FAKE["make_run"](
        root, pipelines=("crop-zoom",), schedules=tuple(POLICIES), trials=1, epochs=6,
        matrices={"all": FAKE["SMALL"]},
    )  # fmt: skip
    value = json.loads((root / "run.json").read_text())
    value["study"] = {
        "training": {"epochs": 6, "best_epoch": True}, "data": {"subset": {"name": "tiny", "films": 81}},
    }  # fmt: skip
    value["costs"] = {
        "resnet50": {"parameters": 23_639_428, "trained": 131_396, "multiply_adds": 5_149_584_384}
    }
    rates = np.geomspace(1e-6, 1, 40)
    for cell in value["cells"]:
        cell["switches"] = ["second_softmax"] if cell["schedule"] == "falling" else []
        at = root / "cells" / cell["name"] / "trial-1"
        bundle = json.loads((at / "bundle" / "bundle.json").read_text())
        bundle["training"] = {"policy": POLICIES[cell["schedule"]], "epochs": 6}
        (at / "bundle" / "bundle.json").write_text(json.dumps(bundle))
        (at / "train.json").write_text(json.dumps({"seconds": 9.5, "steps_per_epoch": 10}))
        seen = {
            "rates": rates.tolist(),
            "losses": np.linspace(1.4, 0.4, 40).tolist(),
            "steep": 1e-3,
            "valley": 2e-3,
            "minimum": None,
        }
        (at / "finder.json").write_text(json.dumps(seen))
    (root / "run.json").write_text(json.dumps(value))
    evaluate_run(root, n_resamples=20)
    write_report(root, papers_numbers)
    return root


def test_rates_are_those_of_the_policy_that_was_trained_with(run):
    curves = {c.name: c for c in rate_curves(RunFolder(run))}
    assert {n: len(c.rates) for n, c in curves.items()} == {"constant": 60, "cycles": 60, "falling": 60}
    # torch's own one-cycle scheduler, a fresh one for each phase
    wanted = []
    for epochs, rate in ((4, 1e-3), (2, 5e-4)):
        optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)])
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * 10)
        for _ in range(epochs * 10):
            wanted.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if len(wanted) not in (40, 60):
                scheduler.step()
    assert curves["cycles"].rates == pytest.approx(np.array(wanted), rel=1e-9)
    # a plateau follows the validation losses of the trial: torch's own, an epoch at a time
    losses = RunFolder(run).losses(RunFolder(run).cells[2], 1).valid
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=1e-3)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    steps = []
    for loss in losses:
        steps += [optimizer.param_groups[0]["lr"]] * 10
        plateau.step(loss)
    assert curves["falling"].rates == pytest.approx(np.array(steps))


def test_every_epoch_that_was_trained_is_in_the_curve_of_rates(tmp_path):
    """A figure showed two of three epochs: those of the head alone were missing; and a training that stopped early ends where it did."""
    root = FAKE["make_run"](
        tmp_path / "run", pipelines=("crop",), trials=1, epochs=3, matrices={"all": FAKE["SMALL"]}
    )
    at = root / "cells" / "resnet50--crop--constant" / "trial-1"
    bundle = json.loads((at / "bundle" / "bundle.json").read_text())
    cycle = {"kind": "one_cycle", "phases": [{"epochs": 2, "max_rate": 1e-3}]}
    tuned = {"unfreeze": "fine_tune", "head_epochs": 1}
    bundle["training"] = {"policy": cycle, "epochs": 2, "finetune": tuned}
    (at / "bundle" / "bundle.json").write_text(json.dumps(bundle))
    (at / "train.json").write_text(json.dumps({"seconds": 9.5, "steps_per_epoch": 10}))
    (curve,) = rate_curves(RunFolder(root))
    assert len(curve.rates) == 30
    assert curve.rates[:10].tolist() == [1e-3] * 10  # the head alone, at the phase's highest rate
    assert curve.rates[10] == pytest.approx(1e-3 / 25)
    assert curve.rates[10:].max() == pytest.approx(1e-3, rel=1e-3)
    bundle["training"] = {"policy": POLICIES["constant"], "epochs": 20}
    (at / "bundle" / "bundle.json").write_text(json.dumps(bundle))
    (curve,) = rate_curves(RunFolder(root))
    assert len(curve.rates) == 30


def test_a_fault_stands_above_the_page_in_its_title_and_under_every_table(run):
    page = (run / "report.html").read_text()
    assert "(unsafe)</title>" in page
    assert page.index("breaks the validity") < page.index('id="results"')
    assert "a second softmax at evaluation (second_softmax, in 1 of 3 cells)." in page
    forms = {"model-card", "claim", "tripod-ai"}
    for path in (run / "tables").glob("*.tex"):
        text = path.read_text()
        if path.stem not in forms:
            assert "Unsafe in some cells: second softmax." in text, path.name
            assert "A subset: 81 films" in text, path.name
            assert "Best epoch:" in text, path.name


def test_figures_forms_costs_and_looks_are_there(run):
    page = (run / "report.html").read_text()
    for name in (
        "learning-rates",
        "learning-rate-finder",
        "loss-curves",
        "pr-curves",
        "box-panel",
        "augmentor-torchvision",
    ):
        assert f'id="f-{name}"' in page
        assert (run / "figures" / f"{name}.svg").is_file()
    for name in ("model-card", "claim", "tripod-ai"):
        assert (
            f"<details><summary>{ {'model-card': 'Model card', 'claim': 'CLAIM checklist', 'tripod-ai': 'TRIPOD+AI checklist'}[name] }"
            in page
        )
    assert "test films (of 1 study), 1 of them of this run" in page
    assert "the 1st look at these " in page
    weights = (run / "tables" / "weights.csv").read_text().splitlines()
    assert weights[0].endswith("parameters,trained,multiply_adds")
    assert weights[1].endswith("23639428,131396,5149584384")
    assert "23.6 M" in page
    assert "5.15 G" in page
    told = json.loads(
        page.split('id="f-learning-rates"')[1]
        .split('<script type="application/json">')[1]
        .split("</script>")[0]
    )
    assert [line["name"] for line in told[0]["lines"]] == ["constant", "cycles", "falling"]
    assert (run / "model_card.md").read_text().startswith("# Model card: Four pipelines &lt;compared>")


def test_another_look_another_box_or_a_lost_card_and_the_report_is_written_again(run, tmp_path):
    page = run / "report.html"
    write_report(run, papers_numbers)
    before = page.stat().st_mtime_ns
    ledger = run.parents[1] / "looks.jsonl"
    ledger.write_text(ledger.read_text() * 2)
    write_report(run, papers_numbers)
    assert "the 2nd look at these " in page.read_text()
    assert page.stat().st_mtime_ns > before
    (run / "model_card.md").unlink()
    Image.fromarray(np.arange(120 * 100, dtype=np.uint32).astype(np.uint8).reshape(120, 100)).save(
        tmp_path / "own.png"
    )
    set_box(run, tmp_path / "own.png", Box(0.4, 0.4, 0.2, 0.2))
    write_report(run, papers_numbers)
    assert (run / "model_card.md").is_file()
    assert "own.png, its box drawn by a reader" in page.read_text()
    assert (run / "tables" / "box.csv").read_text().splitlines()[1] == "as it was,100×120 px,1"
