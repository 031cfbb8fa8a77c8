"""The tables of the pages of single systems (Deep-COVID, COVID-Net, enhancements): figures by cell, thresholds, probes, costs."""

from __future__ import annotations

import re
from collections.abc import Callable

from kept import rows
from told import METRICS, covid_rows, difference, figure, number, of_csv

_PROBES = {
    "border-only": "the border alone",
    "thumbnail": "a thumbnail of 16 × 16 px",
    "labels-shuffled": "training labels shuffled",
    "source-rule": "nothing but the source",
}
_SIZES = (("parameters", 1e6), ("multiply_adds", 1e9))
_FACTORS = ("backbone", "pipeline", "schedule")


def rates(member: str) -> list[str]:
    """A row a model: all four figures of the positive class."""
    of = {m: covid_rows(member, m) for m in METRICS}
    return [
        *_head("cell", *METRICS.values()),
        *(
            _row(_words(c), *(figure(of[m][c]) for m in METRICS))
            for c in of["roc_auc"]
            if "--probe-" not in c
        ),
    ]


def areas(member: str) -> list[str]:
    """A row a model: what needs no threshold, of all films and of covid against adults' normal films."""
    adult = {
        r["cell"]: r
        for r in rows(member, "statistics.json")
        if (r["metric"], r["class"], r["trial"]) == ("roc_auc", "covid vs adult normal", None)
    }
    area, precision = covid_rows(member, "roc_auc"), covid_rows(member, "pr_auc")
    return [
        *_head("cell", "ROC-AUC", "ROC-AUC, covid vs adult normal", "PR-AUC"),
        *(
            _row(_words(c), figure(area[c]), figure(adult.get(c)), figure(precision[c]))
            for c in area
            if "--probe-" not in c
        ),
    ]


def sweep(member: str) -> list[str]:
    """A row a threshold, and one for the operating points that validation chose; two columns a pipeline."""
    found = rows(member, "threshold-sweep")
    pipelines = list(dict.fromkeys(r["pipeline"] for r in found))
    lines = _head(
        "threshold on p(covid)", *(f"{m}, {p}" for p in pipelines for m in ("sensitivity", "specificity"))
    )
    for threshold in dict.fromkeys(r["threshold"] for r in found):
        at = {r["pipeline"]: r for r in found if r["threshold"] == threshold}
        told = [
            of_csv(at[p], f"{m}_estimate", f"{m}_low", f"{m}_high")
            for p in pipelines
            for m in ("sensitivity", "specificity")
        ]
        lines.append(_row(number(float(threshold), 1) if threshold else "chosen on validation", *told))
    return lines


def probes(member: str) -> list[str]:
    """A row a probe: its ROC-AUC."""
    of = covid_rows(member, "roc_auc")
    named = {c.partition("--probe-")[2]: r for c, r in of.items() if "--probe-" in c}
    return [
        *_head("instead of the film", "ROC-AUC"),
        *(_row(_PROBES[p], figure(r)) for p, r in named.items()),
    ]


def maps(member: str) -> list[str]:
    """The heat maps of a run, and the share of them that pass each of their checks."""
    (found,) = rows(member, "checks-by-method")
    names = ("must_hold_randomised", "must_hold_deletion_insertion", "must_hold_stability")
    return [
        *_head("method", "maps", "pass all", "randomised weights", "deletion and insertion", "stability"),
        _row(found["method"], found["maps"], *(number(float(found[n]), 2) for n in ("pass", *names))),
    ]


def costs(member: str) -> list[str]:
    """A row a model: its size, and the seconds of a trial by itself."""
    size = {r["backbone"]: r for r in rows(member, "weights")}
    found = [r for r in rows(member, "seconds") if r["backbone"] in size]
    factors = [f for f in _FACTORS if len({r.get(f) for r in found}) > 1]
    lines = _head(*factors, "weights", "parameters (million)", "multiply-adds (billion)", "seconds a trial")
    for r in found:
        of = size[r["backbone"]]
        counted = (f"{int(of[n]) / by:.2f}" for n, by in _SIZES)
        told = (*(r[f] for f in factors), of["source"], *counted, f"{float(r['alone_total']):.0f}")
        lines.append(_row(*told))
    return lines


def systems(member: str) -> list[str]:
    """A row a system of a suite: what it costs, and its figures at its own operating point."""
    size = ("classes", "parameters (million)", "multiply-adds (billion)", "seconds a trial")
    lines = _head("system", *size, "ROC-AUC", "PR-AUC", "sensitivity", "specificity")
    for r in rows(member, "systems"):
        counts = (f"{float(r[n]) / by:.2f}" if r[n] else "–" for n, by in _SIZES)
        seconds = f"{float(r['seconds']):.0f}" if r["seconds"] else "–"
        told = (
            of_csv(r, f"{m}_estimate", f"{m}_low", f"{m}_high")
            for m in ("roc_auc", "pr_auc", "sensitivity", "specificity")
        )
        lines.append(_row(_words(r["system"]), r["classes"], *counts, seconds, *told))
    return lines


def tested(member: str) -> list[str]:
    """A row a system: its difference from the reference in each metric, verdicts by the adjusted test, the rest not distinguishable."""
    found = rows(member, "comparisons.json")
    lines = _head("system", *METRICS.values())
    for cell in dict.fromkeys(r["cell"] for r in found):
        of = {r["metric"]: r for r in found if r["cell"] == cell}
        lines.append(_row(_words(cell), *(difference(of.get(m)) for m in METRICS)))
    return lines


def _words(cell: str) -> str:
    """A cell's name; of a run its name without the digest."""
    return re.sub(r"-[0-9a-f]{12}/", ": ", cell).replace("--", ", ")


def _head(*names: str) -> list[str]:
    return [_row(*names), "|---" * len(names) + "|"]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


SYSTEM_MAKERS: dict[str, Callable[[str], list[str]]] = {
    f.__name__: f for f in (rates, areas, sweep, probes, maps, costs, systems, tested)
}
