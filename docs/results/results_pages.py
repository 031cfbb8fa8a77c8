"""Keep the numbers of finished runs, and write the results pages from what is kept.

`store` copies what runs wrote (statistics, comparisons, tables) into docs/results; no film, path or id of a patient is in it. `write` fills
the marked parts of the pages from there: a test holds pages and stored files equal, so a page cannot say another run's number. `paper` is
the suite of `hilum run paper-frozen`, `as-run` that of `hilum run paper-stand-ins`; the others are runs by the names that the pages call
them.

    python docs/results/results_pages.py store paper hilum-workspace/runs/paper-frozen-0123456789ab
    python docs/results/results_pages.py store as-run hilum-workspace/runs/paper-stand-ins-0123456789ab
    python docs/results/results_pages.py store trust four-classes=hilum-workspace/runs/trust4-0123456789ab on-cohen=...
    python docs/results/results_pages.py store backbones backbones=hilum-workspace/runs/backbones-0123456789ab
    python docs/results/results_pages.py store ensembles ensembles=hilum-workspace/runs/ensembles-0123456789ab flannel=...
    python docs/results/results_pages.py store systems comparison flannel=hilum-workspace/runs/flannel-0123456789ab deep-covid=...
    python docs/results/results_pages.py write
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from kept import ROOT, SUITE_TABLES, TABLES, rows, store_runs, store_suite, store_systems
from system_tables import SYSTEM_MAKERS
from told import METRICS, covid_rows, difference, figure, interval, number, of_csv, p_words

PAGES = {
    "paper": ROOT / "docs" / "explanation" / "paper-results.md",
    "trust": ROOT / "docs" / "explanation" / "what-these-films-can-show.md",
    "backbones": ROOT / "docs" / "explanation" / "backbones.md",
    "deep-covid": ROOT / "docs" / "explanation" / "deep-covid.md",
    "covid-net": ROOT / "docs" / "explanation" / "covid-net.md",
    "enhancement": ROOT / "docs" / "explanation" / "enhancement.md",
    "ensembles": ROOT / "docs" / "explanation" / "ensembles.md",
    "flannel": ROOT / "docs" / "explanation" / "flannel.md",
    "systems": ROOT / "docs" / "explanation" / "all-systems.md",
}
WHOLE = ("seconds", "epochs")
HEADLINE = ("sensitivity", "specificity", "pr_auc")
SEEN = {
    "whole": "the whole film",
    "lungs-only": "lungs only",
    "lungs-erased": "lungs erased",
    "border-only": "border only",
    "thumbnail": "a thumbnail of 16 × 16 px",
    "labels-shuffled": "the whole film, training labels shuffled",
    "source-rule": "nothing but the source",
}
NETWORKS = {"squeezenet1_0": "SqueezeNet 1.0", "tf_efficientnet_lite0": "EfficientNet-Lite0"}
_BLOCK = re.compile(r"(<!-- (\w+)(?: ([\w-]+))? -->\n).*?(<!-- end -->)", re.DOTALL)


def results(member: str) -> list[str]:
    """A row a cell: means over trials of the positive class's figures."""
    found = [r for r in rows(member, "statistics.json") if r["trial"] is None and r["class"] == "covid"]
    lines = ["| cell | " + " | ".join(METRICS[m] for m in HEADLINE) + " |", "|---|" + "---|" * len(HEADLINE)]
    for cell in dict.fromkeys(r["cell"] for r in found):
        of_cell = {r["metric"]: r for r in found if r["cell"] == cell}
        values = [
            number(of_cell[m]["estimate"]) + interval(of_cell[m]["low"], of_cell[m]["high"]) for m in HEADLINE
        ]
        lines.append(f"| {cell.replace('--', ', ')} | " + " | ".join(values) + " |")
    return lines


def comparisons(member: str) -> list[str]:
    """A row a pair of cells: differences with the interval that is the difference's own; verdicts where there are any."""
    found = rows(member, "comparisons.json")
    metrics = {m: label for m, label in METRICS.items() if any(r["metric"] == m for r in found)}
    lines = ["| comparison | " + " | ".join(metrics.values()) + " |", "|---|" + "---|" * len(metrics)]
    for label in dict.fromkeys(r["label"] for r in found):
        of_pair = {r["metric"]: r for r in found if r["label"] == label}
        values = [difference(of_pair.get(m)) for m in metrics]
        lines.append(f"| {label} | " + " | ".join(values) + " |")
    return lines


def contrasts(member: str) -> list[str]:
    """A row a contrast and model that sees the plain film: figures on films that are more alike."""
    found = [r for r in rows(member, "statistics.json") if r["trial"] is None and " " in r["class"]]
    lines = ["| contrast | cell | specificity | ROC-AUC |", "|---|---|---|---|"]
    for name, cell in dict.fromkeys((r["class"], r["cell"]) for r in found):
        if cell.split("--")[1] not in ("baseline", "whole") or "--probe" in cell:
            continue
        of_cell = {r["metric"]: r for r in found if (r["class"], r["cell"]) == (name, cell)}
        values = [
            number(r["estimate"]) + interval(r["low"], r["high"]) if (r := of_cell.get(m)) else "-"
            for m in ("specificity", "roc_auc")
        ]
        lines.append(f"| {name} | {cell.replace('--', ', ')} | {' | '.join(values)} |")
    return lines


def claims(_: str = "") -> list[str]:
    """The paper's claims with verdict and evidence, as the suite's report has them."""
    found = rows("claims", "csv")
    head = [name.replace("_", " ") for name in found[0]]
    body = [[cell.replace("|", "\\|") for cell in row.values()] for row in found]
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(r) + " |" for r in body),
    ]


def beside(table: str) -> list[str]:
    """A row a cell: each figure here, with its interval where the table has one, and the paper's."""
    found = rows(table, "csv")
    names = [n for n in found[0] if n in ("backbone", "pipeline", "schedule")]
    figures = [n.removesuffix("_here") for n in found[0] if n.endswith("_here")]
    head = [
        *names,
        *(f"{METRICS.get(f, f.replace('_', ' '))}{side}" for f in figures for side in ("", ", paper")),
    ]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in found:
        told = [row[n] for n in names]
        for f in figures:
            for text in (row[f"{f}_here"], row[f"{f}_paper"]):
                value = float(text) if text else None
                told.append("–" if value is None else f"{value:.0f}" if f in WHOLE else number(value, 4))
            if row.get(f"{f}_low") and table != "table-5":
                told[-2] += interval(float(row[f"{f}_low"]), float(row[f"{f}_high"]))
        lines.append(f"| {' | '.join(told)} |")
    return lines


def reached(member: str) -> list[str]:
    """ROC-AUC by what the model sees, a column a network; the rule of the source knows no network."""
    of = covid_rows(member, "roc_auc")
    lines = [f"| what the model sees | {' | '.join(NETWORKS.values())} |", "|---|" + "---|" * len(NETWORKS)]
    for seen, words in SEEN.items():
        found = []
        for network in NETWORKS:
            names = (f"{network}--{seen}--constant", f"{network}--whole--constant--probe-{seen}")
            found.append(figure(next((of[n] for n in names if n in of), None)))
        lines.append(f"| {words} | {' | '.join(found)} |")
    return lines


def left_out(member: str) -> list[str]:
    """A row a model and the films that test it: held-out films of all sources, or all films of a source that it never saw."""
    metrics = ("roc_auc", "sensitivity", "specificity")
    of = {m: covid_rows(member, m) for m in metrics}
    lines = [
        f"| tested on | films (covid) | {' | '.join(METRICS[m] for m in metrics)} |",
        "|---|---|---|---|---|",
    ]
    for cell, row in of["roc_auc"].items():
        if "--probe" in cell:
            continue
        _, without, source = cell.partition("--without-")
        tested = f"{source}, never seen" if without else "all sources, held-out films"
        figures = " | ".join(figure(of[m][cell]) for m in metrics)
        lines.append(f"| {tested} | {row['n']} ({row['n_positive']}) | {figures} |")
    return lines


def outside(_: str = "") -> list[str]:
    """A row a collection, metric, network and pipeline: in source, there, the difference; what is undefined there has no row."""
    head = (
        "on",
        "films (covid)",
        "metric",
        "network",
        "sees",
        "in source",
        "there",
        "difference",
        "p (Holm)",
    )
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for place in ("cohen", "nih", "nlm"):
        some = next(iter(covid_rows(f"on-{place}", "roc_auc").values()))
        for r in rows(f"on-{place}", "outside-beside"):
            if r["metric"] not in ("ROC-AUC", "Specificity") or r["pipeline"] not in ("whole", "lungs-only"):
                continue
            if not r["outside_estimate"]:
                continue
            words = (
                place, f"{some['n']} ({some['n_positive']})", r["metric"], NETWORKS[r["backbone"]], SEEN[r["pipeline"]],
                *(of_csv(r, f"{side}_estimate", f"{side}_low", f"{side}_high") for side in ("in_source", "outside")),
                of_csv(r, "difference_estimate", "alone_low", "alone_high", sign=True), p_words(float(r["p_holm"])),
            )  # fmt: skip
            lines.append(f"| {' | '.join(words)} |")
    return lines


def networks(member: str) -> list[str]:
    """A row a backbone: its weights, what it costs, and the seconds of a trial by itself."""
    seconds = {r["backbone"]: float(r["alone_total"]) for r in rows(member, "seconds")}
    lines = [
        "| backbone | weights | parameters (million) | multiply-adds (billion) | seconds |",
        "|---|---|---|---|---|",
    ]
    for r in rows(member, "weights"):
        size = f"{int(r['parameters']) / 1e6:.1f} | {int(r['multiply_adds']) / 1e9:.2f}"
        source = r["source"].partition(": ")[0] if r["backbone"].startswith("ensemble/") else r["source"]
        lines.append(f"| {r['backbone']} | {source} | {size} | {seconds[r['backbone']]:.0f} |")
    return lines


def ensembles(member: str) -> list[str]:
    """A row an ensemble: what its weights were fitted on, and the share of each member."""
    found = rows(member, "ensembles")
    members = list(dict.fromkeys(r["member"].partition(",")[0] for r in found))
    lines = [f"| ensemble | fitted on | {' | '.join(members)} |", "|---|---|" + "---|" * len(members)]
    starts = [k for k, r in enumerate(found) if r["ensemble"]]
    for k, start in enumerate(starts):
        of_one = found[start : starts[k + 1] if k + 1 < len(starts) else None]
        shares = [number(float(r["share"])) if r["share"] else "–" for r in of_one]
        lines.append(f"| {of_one[0]['ensemble']} | {of_one[0]['weights_fitted_on']} | {' | '.join(shares)} |")
    return lines


def calibrated(member: str) -> list[str]:
    """A row a cell: how far its probabilities are from what they say, before and at its temperature."""
    lines = [
        "| cell | ECE | log loss | ECE at the temperature | log loss at the temperature |",
        "|---|---|---|---|---|",
    ]
    found: dict[str, list[str]] = {}
    for r in rows(member, "calibration"):
        found.setdefault(r["backbone"], []).extend(
            number(float(r[f"{m}_estimate"])) for m in ("ece", "log_loss")
        )
    return [*lines, *(f"| {name} | {' | '.join(values)} |" for name, values in found.items())]


def probabilities(_: str = "") -> list[str]:
    """A row a model and the films that test it: calibration, coverage of sets, refusals."""
    head = (
        "tested on", "network", "ECE", "at the temperature", "sets of 90 % hold", "classes", "sets of 95 % hold", "classes", "refused"
    )  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for member, words in (
        ("four-classes", "Study A, its own test films"), ("on-cohen", "Study A on cohen"), ("on-nih", "Study A on nih"),
        ("on-nlm", "Study A on nlm"), ("two-classes", "Study B"),
    ):  # fmt: skip
        tables = {t: rows(member, t) for t in ("calibration", "sets", "selective")}
        for kept in tables["selective"]:
            if kept["pipeline"] not in ("whole", "baseline"):
                continue
            cell = {k: kept[k] for k in ("backbone", "pipeline", "source_left_out") if k in kept}
            of = {t: [r for r in found if cell.items() <= r.items()] for t, found in tables.items()}
            ece = [number(float(r["ece_estimate"])) for r in of["calibration"]]
            held = [
                (number(float(r["coverage_estimate"])), f"{float(r['classes_in_a_set']):.1f}")
                for r in of["sets"]
            ]
            tested = ", ".join([words, *([cell["source_left_out"]] if "source_left_out" in cell else [])])
            refused = number(1 - float(kept["kept_by_the_gate"]))
            told = (tested, NETWORKS[kept["backbone"]], *ece, *(v for level in held for v in level), refused)
            lines.append(f"| {' | '.join(told)} |")
    return lines


def drift(member: str) -> list[str]:
    """The statistics of the films that moved most, in standard deviations."""
    found = [r for r in rows(member, "outside-drift") if r["shift"]]
    most = sorted(found, key=lambda r: -abs(float(r["shift"])))[:6]
    return [
        "| statistic of the films | in source | there | shift |", "|---|---|---|---|",
        *(f"| {r['statistic_of_the_films']} | {float(r['in_source']):.3g} | {float(r['outside']):.3g} | "
          f"{of_csv(r, 'shift', 'shift_low', 'shift_high', sign=True)} |" for r in most),
    ]  # fmt: skip


MAKERS = {
    "results": results,
    "comparisons": comparisons,
    "contrasts": contrasts,
    "claims": claims,
    "beside": beside,
    "reached": reached,
    "networks": networks,
    "ensembles": ensembles,
    "calibrated": calibrated,
    "left_out": left_out,
    "outside": outside,
    "probabilities": probabilities,
    "drift": drift,
    **SYSTEM_MAKERS,
}


def filled(text: str) -> str:
    """The page with every marked part written anew."""

    def block(match: re.Match[str]) -> str:
        start, kind, member, end = match.groups()
        return start + "\n" + "\n".join(MAKERS[kind](member or "")) + "\n\n" + end

    return _BLOCK.sub(block, text)


def main() -> None:
    """What the command line asks for."""
    if sys.argv[1:2] == ["store"] and sys.argv[2:3] and sys.argv[2] in SUITE_TABLES and len(sys.argv) == 4:
        store_suite(sys.argv[2], Path(sys.argv[3]))
    elif sys.argv[1:2] == ["store"] and sys.argv[2:3] and sys.argv[2] in TABLES and sys.argv[3:]:
        store_runs(
            sys.argv[2], {name: Path(run) for name, _, run in (a.partition("=") for a in sys.argv[3:])}
        )
    elif sys.argv[1:3] == ["store", "systems"] and sys.argv[4:]:
        store_systems(
            Path(sys.argv[3]), {name: Path(run) for name, _, run in (a.partition("=") for a in sys.argv[4:])}
        )
    elif sys.argv[1:] == ["write"]:
        for page in PAGES.values():
            page.write_text(filled(page.read_text()))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
