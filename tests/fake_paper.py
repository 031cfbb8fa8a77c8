"""A made-up suite of small studies with the names that the whole paper's report knows. Load it with ``runpy.run_path``."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.header import Header, write_rows
from hilum.stages.evaluate import evaluate_run

make_run = runpy.run_path(str(Path(__file__).parent / "fake_run.py"))["make_run"]

ONE_CYCLE = {
    "schedule-1": [(15, 1e-3), (8, 5e-4), (5, 5e-4)],
    "schedule-2": [(10, 5e-4), (5, 5e-4), (13, 1e-4)],
    "schedule-3": [(15, 5e-4), (5, 1e-4)],
    "schedule-4": [(10, 5e-4), (10, 1e-4)],
}
COSTS = {
    "densenet121": {"parameters": 6_957_956, "multiply_adds": 3_400_000_000},
    "squeezenet1_0": {"parameters": 737_476, "multiply_adds": 980_000_000},
    "resnet50": {"parameters": 23_639_492, "multiply_adds": 4_870_000_000},
    "cnn": {"parameters": 113_412_236, "multiply_adds": 126_000_000},
}
ALONE = {"densenet121": {"featurize": 160.0}, "squeezenet1_0": {"featurize": 50.0}}


def matrix(sensitivity, specificity, n=(30, 80, 120, 30)):
    """Counts in which covid (the second class) has these rates as nearly as whole films allow; others err to covid only."""
    counts = np.diag(n)
    for k, films in enumerate(n):
        wrong = round(films * (1 - (sensitivity if k == 1 else specificity)))
        counts[k, k] -= wrong
        counts[k, 2 if k == 1 else 1] += wrong
    return counts.tolist()


def falling(epochs, stop=None):
    """Validation losses: falling by a tenth an epoch, and level from `stop` on."""
    return [0.9 ** (min(e, stop) if stop else e) for e in range(1, epochs + 1)]


def comparison(family, metric, cell, reference, estimate, verdict, **more):
    """A row of comparisons.json."""
    half = 0.005
    values = {
        "family": family, "metric": metric, "class": "covid", "cell": cell, "reference": reference, "label": f"{cell} against {reference}",
        "value": 0.9 + estimate, "reference_value": 0.9, "estimate": estimate, "low": estimate - half, "high": estimate + half,
        "low_one": estimate - half, "high_one": estimate + half, "p": 0.01, "p_adjusted": 0.03, "verdict": verdict, "method": "made up",
        "unit": "film", "n_clusters": 200, "n_trials": 2, "n_family": 9,
    }  # fmt: skip
    return ComparisonRow.model_validate({**values, **more})


def family(name, factor, reference):
    """A family of a study's record."""
    return {
        "name": name,
        "factor": factor,
        "reference": reference,
        "metrics": ["sensitivity", "specificity", "pr_auc"],
    }


def compared(run, rows, resamples=20):
    """Evaluate a run, then give it these comparisons."""
    evaluate_run(run, n_resamples=resamples)
    if rows is not None:
        write_rows(run / "comparisons.json", rows, Header("comparisons"))
    return run


def write_suite(runs, members, seconds=12.0):
    """paper.json of a suite beside its runs; gives its folder."""
    folder = runs / "paper-0123456789ab"
    folder.mkdir(parents=True, exist_ok=True)
    value = {
        "header": Header("paper").to_dict(),
        "name": "paper",
        "title": "The whole <paper>",
        "command": "hilum run paper --manifest manifest.csv",
        "members": [{"study": m, "run": f"{m}-abc", "seconds": seconds} for m in members],
    }
    (folder / "paper.json").write_text(json.dumps(value))
    lines = []
    for m in [*members, members[0]]:
        manifest = json.loads((runs / f"{m}-abc" / "run.json").read_text())["manifest_digest"]
        lines.append(json.dumps({"study": m, "run": f"{m}-abc", "manifest": manifest}) + "\n")
    (runs.parent / "looks.jsonl").write_text("".join(lines))
    return folder


def make_paper(workspace, full=False, synthetic=False, adjusted=True):
    """A suite with every kind of member: a study without families, one with them, a stand-in, random weights, a subset, unsafe faults.

    Args:
        workspace: Its folder.
        full: Whether Experiments 1 and 2 have all of the paper's cells, for looking at; else few, for tests.
        synthetic: Whether its films are marked as such.
        adjusted: Whether Experiment 3 has its family of comparisons.
    """
    runs = workspace / "runs"
    small = {"trials": 2, "ages": False, "synthetic": synthetic}
    rates = {"centre-crop": (0.95, 0.96), "rotation": (0.9, 0.975)}
    compared(
        make_run(
            runs / "experiment-1-abc", name="experiment-1", backbones=("resnet50", "squeezenet1_0") if full else ("squeezenet1_0",),
            pipelines=tuple(rates), matrices={(b, p): matrix(*r) for p, r in rates.items() for b in ("resnet50", "squeezenet1_0")},
            valid_losses={"constant": falling(25, stop=9)}, seed=1, **small,
        ),
        None,
    )  # fmt: skip
    backbones = ("resnet50", "squeezenet1_0", "densenet121") if full else ("squeezenet1_0", "densenet121")
    pipelines = ("baseline", "crop", "crop-distortion", "crop-zoom") if full else ("baseline", "crop")
    level = {"resnet50": 0.88, "squeezenet1_0": 0.92, "densenet121": 0.97}
    rows = [
        comparison("pipelines", m, f"{b}--{p}--constant", f"{b}--baseline--constant", d, v)
        for b in backbones
        for p in pipelines[1:]
        for m, d, v in (
            ("sensitivity", 0.02 if b == "densenet121" else 0.001, "better" if b == "densenet121" else "not distinguishable"),
            ("specificity", -0.01, "worse"),
            ("pr_auc", -0.004, "worse" if b != "squeezenet1_0" else "not distinguishable"),
        )
    ]  # fmt: skip
    compared(
        make_run(
            runs / "experiment-2-abc", name="experiment-2", backbones=backbones, pipelines=pipelines,
            matrices={
                (b, p): matrix(level[b] + 0.01 * (p != "baseline"), 0.98 - 0.01 * (p != "baseline"))
                for b in backbones
                for p in pipelines
            },
            study={"compare": [family("pipelines", "pipeline", "baseline")]},
            pretrained={"resnet50": False}, costs=COSTS, alone=ALONE, seed=2, **small,
        ),
        rows,
    )  # fmt: skip
    policies = {
        name: {"kind": "one_cycle", "phases": [{"epochs": e, "max_rate": r} for e, r in phases]}
        for name, phases in ONE_CYCLE.items()
    }
    cell = "squeezenet1_0--crop--{}".format
    compared(
        make_run(
            runs / "experiment-3-abc", name="experiment-3", backbones=("squeezenet1_0",), pipelines=("crop",),
            schedules=("constant", *ONE_CYCLE), matrices={"all": matrix(0.95, 0.97)}, costs=COSTS, alone=ALONE, seed=3,
            valid_losses={"constant": falling(20), **{n: falling(sum(e for e, _ in p)) for n, p in ONE_CYCLE.items()}},
            study={
                "policy": policies,
                "data": {"subset": {"name": "tenth", "films": 300}},
                "compare": [family("one cycle", "schedule", "constant")],
            },
            **small,
        ),
        [
            comparison("one cycle", "sensitivity", cell(s), cell("constant"), d, v)
            for s, d, v in zip(
                ONE_CYCLE, (0.02, 0.01, 0.002, 0.03), ("better", "not distinguishable", "not distinguishable", "better"), strict=True
            )
        ] if adjusted else [],
    )  # fmt: skip
    starts = {"schedule-1": (1e-3, 0.15), "schedule-2": (2e-4, 0.7)}
    plateau = {
        n: {"kind": "plateau", "learning_rate": r, "patience": 2, "factor": f} for n, (r, f) in starts.items()
    }
    start_1, start_2 = (f"squeezenet1_0--crop--{s}" for s in starts)
    compared(
        make_run(
            runs / "experiment-4-abc", name="experiment-4", backbones=("resnet50", "squeezenet1_0"),
            pretrained={"resnet50": False}, pipelines=("crop",), schedules=tuple(starts),
            matrices={start_1: matrix(0.88, 0.9), start_2: matrix(0.95, 0.95), "all": matrix(0.3, 0.9)}, seed=4,
            rate=lambda s, e: plateau[s]["learning_rate"] * plateau[s]["factor"] ** ((e - 1) // 3), epochs=20, costs=COSTS,
            study={"policy": plateau, "compare": [family("starts", "schedule", "schedule-1")]}, **small,
        ),
        [comparison("starts", m, start_2, start_1, d, "better") for m, d in (("sensitivity", 0.07), ("specificity", 0.05))],
    )  # fmt: skip
    slow, fast = ("constant-2e-4", "constant-5e-4")
    compared(
        make_run(
            runs / "experiment-5-abc", name="experiment-5", backbones=("cnn",), pipelines=("crop",), schedules=(slow, fast),
            matrices={f"cnn--crop--{slow}": matrix(0.6, 0.96), f"cnn--crop--{fast}": matrix(0.55, 0.95)}, costs=COSTS, seed=5,
            pretrained={"cnn": False}, study={"augment": {"size_px": 96}}, **small,
        ),
        None,
    )  # fmt: skip
    faults = {
        "as-described": (),
        "overlapping_test_draw": ("overlapping_test_draw",),
        "no_pretrained_weights": ("no_pretrained_weights",),
        "all": ("overlapping_test_draw", "no_pretrained_weights"),
    }
    base = "squeezenet1_0--crop--constant"
    compared(
        make_run(
            runs / "as-run-2-abc", name="as-run-2", backbones=("squeezenet1_0",), pipelines=("crop",), faults=faults, seed=6,
            matrices={
                base: matrix(0.9, 0.95),
                f"{base}--overlapping_test_draw": matrix(0.96, 0.97),
                f"{base}--no_pretrained_weights": matrix(0.6, 0.9),
                f"{base}--all": matrix(0.7, 0.92),
            },
            study={"compare": [family("faults", "faults", "as-described")], "data": {"subset": {"name": "tenth", "films": 300}}},
            **small,
        ),
        [
            comparison("faults", m, f"{base}--{f}", base, d, "better" if d > 0 else "worse")
            for f, d in (("all", -0.2), ("overlapping_test_draw", 0.06), ("no_pretrained_weights", -0.3))
            for m in ("sensitivity", "specificity", "pr_auc")
        ],
    )  # fmt: skip
    return write_suite(runs, [*(f"experiment-{n}" for n in range(1, 6)), "as-run-2"])
