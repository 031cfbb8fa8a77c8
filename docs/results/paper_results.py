"""Keep the numbers of a finished suite, and write the results page from what is kept.

`store` copies what `hilum run paper-stand-ins` wrote (statistics and comparisons of each study, the claims) into
docs/results/paper-stand-ins; no film, path or id of a patient is in it. `write` fills the marked parts of
docs/explanation/paper-results.md from there: a test holds page and stored files equal, so the page cannot say another run's number.

    python docs/results/paper_results.py store hilum-workspace/runs/paper-stand-ins-0123456789ab
    python docs/results/paper_results.py write
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STORED = ROOT / "docs" / "results" / "paper-stand-ins"
PAGE = ROOT / "docs" / "explanation" / "paper-results.md"
METRICS = {"sensitivity": "sensitivity", "specificity": "specificity", "pr_auc": "PR-AUC"}
KEPT = ("statistics.json", "comparisons.json")
_BLOCK = re.compile(r"(<!-- (\w+)(?: ([\w-]+))? -->\n).*?(<!-- end -->)", re.DOTALL)


def store(suite: Path) -> None:
    """Copy what a page may quote from a suite's folder and those of its members."""
    paper = json.loads((suite / "paper.json").read_text())
    STORED.mkdir(parents=True, exist_ok=True)
    facts = []
    for member in paper["members"]:
        run = suite.parent / member["run"]
        for name in KEPT:
            if (run / name).is_file():
                data = gzip.compress((run / name).read_bytes(), 9, mtime=0)
                (STORED / f"{member['study']}.{name}.gz").write_bytes(data)
        record = json.loads((run / "run.json").read_text())
        kept = ("machine", "versions", "precision", "manifest_digest", "study_digest")
        facts.append({"study": member["study"], "run": member["run"], **{k: record[k] for k in kept}})
    suite_facts = {"name": paper["name"], "members": facts}
    (STORED / "suite.json").write_text(json.dumps(suite_facts, indent=1, ensure_ascii=False) + "\n")
    (STORED / "claims.csv").write_bytes((suite / "tables" / "claims.csv").read_bytes())


def rows(member: str, name: str) -> list[dict[str, Any]]:
    """The rows of a stored list."""
    path = STORED / f"{member}.{name}.gz"
    found: list[dict[str, Any]] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def number(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """A share as the page prints it: .877, 1.000, -.012."""
    if value is None:
        return "-"
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
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
    lines = ["| cell | " + " | ".join(METRICS.values()) + " |", "|---|" + "---|" * len(METRICS)]
    for cell in dict.fromkeys(r["cell"] for r in found):
        of_cell = {r["metric"]: r for r in found if r["cell"] == cell}
        values = [
            number(of_cell[m]["estimate"]) + interval(of_cell[m]["low"], of_cell[m]["high"]) for m in METRICS
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
            verdict = f", **{r['verdict']}** (p {p_words(r['p_adjusted'])})"
            told = verdict if r["verdict"] in ("better", "worse") else ""
            values.append(
                number(r["estimate"], sign=True) + interval(r["low_one"], r["high_one"], sign=True) + told
            )
        lines.append(f"| {label} | " + " | ".join(values) + " |")
    return lines


def contrasts(member: str) -> list[str]:
    """A row a contrast and cell of the baseline pipeline: figures on films that are more alike."""
    found = [r for r in rows(member, "statistics.json") if r["trial"] is None and " " in r["class"]]
    lines = ["| contrast | cell | specificity | ROC-AUC |", "|---|---|---|---|"]
    for name, cell in dict.fromkeys((r["class"], r["cell"]) for r in found):
        if cell.split("--")[1] != "baseline":
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
    with (STORED / "claims.csv").open(newline="", encoding="utf-8") as f:
        found = list(csv.reader(f))
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in found]
    head, *body = escaped
    head = [name.replace("_", " ") for name in head]
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in body),
    ]


MAKERS = {
    "results": results,
    "comparisons": comparisons,
    "contrasts": contrasts,
    "claims": claims,
}


def filled(text: str) -> str:
    """The page with every marked part written anew."""

    def block(match: re.Match[str]) -> str:
        start, kind, member, end = match.groups()
        return start + "\n" + "\n".join(MAKERS[kind](member or "")) + "\n\n" + end

    return _BLOCK.sub(block, text)


def main() -> None:
    """What the command line asks for."""
    if sys.argv[1:2] == ["store"] and len(sys.argv) == 3:
        store(Path(sys.argv[2]))
    elif sys.argv[1:] == ["write"]:
        PAGE.write_text(filled(PAGE.read_text()))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
