"""Figures of kept runs as the pages print them: .877 (.812 to .931), .000 never p = 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kept import rows

METRICS = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "pr_auc": "PR-AUC",
    "roc_auc": "ROC-AUC",
}


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


def figure(row: Mapping[str, Any] | None, sign: bool = False) -> str:
    """An estimate with its interval; a dash where it is undefined."""
    if row is None or row["estimate"] is None:
        return "–"
    return number(row["estimate"], sign=sign) + interval(row["low"], row["high"], sign=sign)


def of_csv(row: Mapping[str, str], name: str, low: str, high: str, sign: bool = False) -> str:
    """An estimate with its interval, of three columns of a csv."""
    ends = {"estimate": row[name], "low": row[low], "high": row[high]}
    return figure({k: float(v) if v else None for k, v in ends.items()}, sign)


def difference(row: Mapping[str, Any] | None) -> str:
    """A difference with the interval that is its own, and its verdict where the adjusted test gives one; a dash where there is no row."""
    if row is None:
        return "-"
    judged = row["verdict"] in ("better", "worse")
    told = f", **{row['verdict']}** (p {p_words(row['p_adjusted'])})" if judged else ""
    return number(row["estimate"], sign=True) + interval(row["low_one"], row["high_one"], sign=True) + told


def covid_rows(member: str, metric: str) -> dict[str, dict[str, Any]]:
    """Cell -> the row of covid's figure."""
    found = (r for r in rows(member, "statistics.json") if (r["metric"], r["class"]) == (metric, "covid"))
    return {r["cell"]: r for r in found if r["trial"] is None}
