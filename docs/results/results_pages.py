"""Keep the numbers of finished runs, and write the results pages from what is kept.

`store` copies what runs wrote (statistics, comparisons, tables) into docs/results; no film, path or id of a patient is in it. `write` fills
the marked parts of the pages from there: a test holds pages and stored files equal, so a page cannot say another run's number. `paper` is
the suite of `hilum run paper-frozen`, `as-run` that of `hilum run paper-stand-ins`; `trust`, `backbones` and `ensembles` are runs by the
names that the pages call them.

    python docs/results/results_pages.py store paper hilum-workspace/runs/paper-frozen-0123456789ab
    python docs/results/results_pages.py store as-run hilum-workspace/runs/paper-stand-ins-0123456789ab
    python docs/results/results_pages.py store trust four-classes=hilum-workspace/runs/trust4-0123456789ab on-cohen=...
    python docs/results/results_pages.py store backbones backbones=hilum-workspace/runs/backbones-0123456789ab
    python docs/results/results_pages.py store ensembles ensembles=hilum-workspace/runs/ensembles-0123456789ab flannel=...
    python docs/results/results_pages.py write
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STORED = {
    "paper": ROOT / "docs" / "results" / "paper-frozen",
    "as-run": ROOT / "docs" / "results" / "paper-stand-ins",
    "trust": ROOT / "docs" / "results" / "trust",
    "backbones": ROOT / "docs" / "results" / "backbones",
    "ensembles": ROOT / "docs" / "results" / "ensembles",
}
PAGES = {
    "paper": ROOT / "docs" / "explanation" / "paper-results.md",
    "trust": ROOT / "docs" / "explanation" / "what-these-films-can-show.md",
    "backbones": ROOT / "docs" / "explanation" / "backbones.md",
    "ensembles": ROOT / "docs" / "explanation" / "ensembles.md",
    "flannel": ROOT / "docs" / "explanation" / "flannel.md",
}
METRICS = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "pr_auc": "PR-AUC",
    "roc_auc": "ROC-AUC",
}
WHOLE = ("seconds", "epochs")
HEADLINE = ("sensitivity", "specificity", "pr_auc")
TABLES = {
    "trust": ("calibration", "selective", "sets", "outside-beside", "outside-drift", "outside-left-out"),
    "backbones": ("weights", "seconds"),
    "ensembles": ("weights", "seconds", "ensembles", "calibration"),
}
SUITE_TABLES = {
    "paper": ("claims", "table-3", "table-4", "table-5", "table-8", "table-9"),
    "as-run": (),
}
FACTS = ("machine", "versions", "precision", "manifest_digest", "study_digest")
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


def store_suite(of: str, suite: Path) -> None:
    """Copy what the page may quote from a suite's folder and those of its members."""
    paper = json.loads((suite / "paper.json").read_text())
    facts = [_store_run(of, m["study"], suite.parent / m["run"]) for m in paper["members"]]
    _write_facts(of, {"name": paper["name"], "members": facts})
    for name in SUITE_TABLES[of]:
        (STORED[of] / f"{name}.csv").write_bytes((suite / "tables" / f"{name}.csv").read_bytes())


def store_runs(of: str, runs: Mapping[str, Path]) -> None:
    """Copy what the page may quote from runs: of statistics the cells' rows, of the report some tables."""
    facts = []
    for name, run in runs.items():
        facts.append(_store_run(of, name, run, cells_only=True))
        for table in TABLES[of]:
            if (run / "tables" / f"{table}.csv").is_file():
                kept = STORED[of] / f"{name}.{table}.csv"
                kept.write_bytes((run / "tables" / f"{table}.csv").read_bytes())
    _write_facts(of, {"name": of, "members": facts})


def _store_run(of: str, name: str, run: Path, cells_only: bool = False) -> dict[str, Any]:
    """Keep a run's statistics and comparisons; gives its facts."""
    STORED[of].mkdir(parents=True, exist_ok=True)
    for kind in ("statistics", "comparisons"):
        if not (run / f"{kind}.json").is_file():
            continue
        data = (run / f"{kind}.json").read_bytes()
        if cells_only and kind == "statistics":
            of_cells = [r for r in json.loads(data) if r["trial"] is None]
            data = json.dumps(of_cells, ensure_ascii=False).encode()
        (STORED[of] / f"{name}.{kind}.json.gz").write_bytes(gzip.compress(data, 9, mtime=0))
    record = json.loads((run / "run.json").read_text())
    return {"study": name, "run": run.name, **{k: record[k] for k in FACTS}}


def _write_facts(of: str, facts: dict[str, Any]) -> None:
    (STORED[of] / "suite.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


def rows(member: str, name: str) -> list[dict[str, Any]]:
    """The rows of a stored list, JSON or csv."""
    (path,) = (p for folder in STORED.values() for p in folder.glob(f"{member}.{name}*"))
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as f:
            return list(csv.DictReader(f))
    found: list[dict[str, Any]] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def number(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """A share as the page prints it: .877, 1.000, -.012."""
    if value is None:
        return "-"
    text = (
        f"{value:+.{digits}f}"
        if sign and round(value, digits)
        else f"{abs(value) if sign else value:.{digits}f}"
    )
    return text.replace("0.", ".", 1) if abs(float(text)) < 1 else text


def interval(low: float | None, high: float | None, sign: bool = False) -> str:
    """An interval in brackets; nothing where there is none."""
    return "" if low is None or high is None else f" ({number(low, sign=sign)} to {number(high, sign=sign)})"


def p_words(p: float) -> str:
    """A p-value, never 0."""
    return "< .001" if p < 0.001 else number(p)


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
        values = []
        for m in metrics:
            r = of_pair.get(m)
            if r is None:
                values.append("-")
                continue
            judged = r["verdict"] in ("better", "worse")
            told = f", **{r['verdict']}** (p {p_words(r['p_adjusted'])})" if judged else ""
            values.append(
                number(r["estimate"], sign=True) + interval(r["low_one"], r["high_one"], sign=True) + told
            )
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


def _figure(row: Mapping[str, Any] | None, sign: bool = False) -> str:
    """An estimate with its interval; a dash where it is undefined."""
    if row is None or row["estimate"] is None:
        return "–"
    return number(row["estimate"], sign=sign) + interval(row["low"], row["high"], sign=sign)


def _of_csv(row: Mapping[str, str], name: str, low: str, high: str, sign: bool = False) -> str:
    """An estimate with its interval, of three columns of a csv."""
    ends = {"estimate": row[name], "low": row[low], "high": row[high]}
    return _figure({k: float(v) if v else None for k, v in ends.items()}, sign)


def _figures(member: str, metric: str) -> dict[str, dict[str, Any]]:
    """Cell -> the row of covid's figure."""
    found = (r for r in rows(member, "statistics.json") if (r["metric"], r["class"]) == (metric, "covid"))
    return {r["cell"]: r for r in found if r["trial"] is None}


def reached(member: str) -> list[str]:
    """ROC-AUC by what the model sees, a column a network; the rule of the source knows no network."""
    of = _figures(member, "roc_auc")
    lines = [f"| what the model sees | {' | '.join(NETWORKS.values())} |", "|---|" + "---|" * len(NETWORKS)]
    for seen, words in SEEN.items():
        found = []
        for network in NETWORKS:
            names = (f"{network}--{seen}--constant", f"{network}--whole--constant--probe-{seen}")
            found.append(_figure(next((of[n] for n in names if n in of), None)))
        lines.append(f"| {words} | {' | '.join(found)} |")
    return lines


def left_out(member: str) -> list[str]:
    """A row a model and the films that test it: held-out films of all sources, or all films of a source that it never saw."""
    metrics = ("roc_auc", "sensitivity", "specificity")
    of = {m: _figures(member, m) for m in metrics}
    lines = [
        f"| tested on | films (covid) | {' | '.join(METRICS[m] for m in metrics)} |",
        "|---|---|---|---|---|",
    ]
    for cell, row in of["roc_auc"].items():
        if "--probe" in cell:
            continue
        _, without, source = cell.partition("--without-")
        tested = f"{source}, never seen" if without else "all sources, held-out films"
        figures = " | ".join(_figure(of[m][cell]) for m in metrics)
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
        some = next(iter(_figures(f"on-{place}", "roc_auc").values()))
        for r in rows(f"on-{place}", "outside-beside"):
            if r["metric"] not in ("ROC-AUC", "Specificity") or r["pipeline"] not in ("whole", "lungs-only"):
                continue
            if not r["outside_estimate"]:
                continue
            words = (
                place, f"{some['n']} ({some['n_positive']})", r["metric"], NETWORKS[r["backbone"]], SEEN[r["pipeline"]],
                *(_of_csv(r, f"{side}_estimate", f"{side}_low", f"{side}_high") for side in ("in_source", "outside")),
                _of_csv(r, "difference_estimate", "alone_low", "alone_high", sign=True), p_words(float(r["p_holm"])),
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
          f"{_of_csv(r, 'shift', 'shift_low', 'shift_high', sign=True)} |" for r in most),
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
    elif sys.argv[1:] == ["write"]:
        for page in PAGES.values():
            page.write_text(filled(page.read_text()))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
