"""The flow of films drawn as CONSORT draws participants: a box a step, beside it what was left out, at the end the parts of a trial.

Convention: a step that left nothing out is drawn only where it is the first or the last. Reasons beyond the most frequent ones are counted
together; all of them are in the table. Lengths are in inches at the printed size.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from hilum.artifacts.flow import Flow, FlowStep, TrialFlow
from hilum.artifacts.split import PARTS
from hilum.report import numbers, style
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture

_MOST_REASONS = 5
_LINE, _PAD, _GAP = 0.16, 0.08, 0.2
_LEFT, _RIGHT = (0.05, 3.25), (3.6, 7.15)
_CHARS = {_LEFT: 44, _RIGHT: 52}


def flow_picture(evaluated: Evaluated) -> Picture | None:
    """The flow of the run's films; None where the run keeps no record."""
    folder, flow = evaluated.folder, evaluated.folder.flow
    if flow is None:
        return None
    trial = flow.of("", 1) or next(iter(flow.trials), None)
    steps = shown_steps(flow)
    boxes = [
        _lines([f"{s.name}: {numbers.count(s.films)}", *_classes(s, folder.classes)], _LEFT) for s in steps
    ]
    sides = [_lines(reasons("left out", s.left_out), _RIGHT) if s.left_out else [] for s in steps]
    if trial and trial.not_used:
        sides[-1] = [*sides[-1], *_lines(reasons("in no part of the trial", trial.not_used), _RIGHT)]
    parts = [_part(trial, p) for p in PARTS] if trial else []
    heights = [max(_height(b), _height(s)) for b, s in zip(boxes, sides, strict=True)]
    total = sum(heights) + _GAP * (len(heights) + 1) + (_height(parts[0]) + _GAP if parts else 0)
    with style.figure(style.WIDTH_IN, total) as fig:
        fig.set_layout_engine("none")
        ax = fig.add_axes((0.0, 0.0, 1.0, 1.0))
        ax.set_axis_off()
        ax.set_xlim(0, style.WIDTH_IN)
        ax.set_ylim(total, 0)
        y = _GAP / 2
        middle = sum(_LEFT) / 2
        for k, (box, side, height) in enumerate(zip(boxes, sides, heights, strict=True)):
            _box(ax, _LEFT, y, height, box, "white")
            if side:
                _box(ax, _RIGHT, y, _height(side), side, "#f3f3f3")
                _arrow(ax, (_LEFT[1], y + _height(side) / 2), (_RIGHT[0], y + _height(side) / 2))
            if k + 1 < len(boxes):
                _arrow(ax, (middle, y + height), (middle, y + height + _GAP))
            y += height + _GAP
        if parts:
            _parts(ax, parts, middle, y - _GAP)
    caption = "Flow of films, from those found to the parts" + (f" of trial {trial.trial}." if trial else ".")
    alt = "Flow chart; every number is in the table of the flow of films."
    return evaluated.picture(fig, "flow-of-films", caption, alt)


def shown_steps(flow: Flow) -> list[FlowStep]:
    """The first step, the last, and those between that left something out."""
    last = len(flow.steps) - 1
    return [s for k, s in enumerate(flow.steps) if k in (0, last) or s.left_out]


def reasons(what: str, counts: Mapping[str, int]) -> list[str]:
    """Films by reason, the most frequent reasons first, the others together; their numbers add up.

    >>> reasons("left out", {"a": 1, "b": 3})
    ['left out: 4', 'b: 3', 'a: 1']
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    most, others = ordered[:_MOST_REASONS], ordered[_MOST_REASONS:]
    lines = [f"{what}: {numbers.count(sum(counts.values()))}"]
    lines += [f"{reason}: {numbers.count(n)}" for reason, n in most]
    if others:
        lines.append(f"{len(others)} other reasons: {numbers.count(sum(n for _, n in others))}")
    return lines


def _classes(step: FlowStep, classes: Sequence[str]) -> list[str]:
    # a name is not broken from its number
    there = [f"{c}\N{NO-BREAK SPACE}{numbers.count(step.by_class[c])}" for c in classes if c in step.by_class]
    return [", ".join(there)] if there else []


def _part(trial: TrialFlow, part: str) -> list[str]:
    lines = [f"{part}: {numbers.count(trial.parts[part])}"]
    if part == "train":
        return [*lines, f"{numbers.count(trial.copies)} copies trained on"]
    return [*lines, f"{numbers.count(trial.scored.get(part, 0))} scored"]


def _lines(texts: Sequence[str], column: tuple[float, float]) -> list[str]:
    return [line for text in texts for line in textwrap.wrap(text, _CHARS[column])]


def _height(lines: Sequence[str]) -> float:
    return _LINE * len(lines) + 2 * _PAD


def _box(
    ax: Axes, column: tuple[float, float], y: float, height: float, lines: Sequence[str], colour: str
) -> None:
    left, right = column
    patch = FancyBboxPatch(
        (left, y),
        right - left,
        height,
        boxstyle="square,pad=0",
        facecolor=colour,
        edgecolor="#666666",
        linewidth=0.7,
    )
    ax.add_patch(patch)
    for k, text in enumerate(lines):
        weight = "bold" if k == 0 else "normal"
        ax.text(
            left + _PAD,
            y + _PAD + _LINE * (k + 0.5),
            text,
            va="center",
            ha="left",
            fontsize=8,
            fontweight=weight,
        )


def _parts(ax: Axes, parts: Sequence[Sequence[str]], middle: float, y: float) -> None:
    width = (_RIGHT[1] - _LEFT[0] - 2 * _GAP) / len(parts)
    for k, lines in enumerate(parts):
        left = _LEFT[0] + k * (width + _GAP)
        _box(ax, (left, left + width), y + _GAP, _height(lines), lines, "white")
        _arrow(ax, (middle, y), (left + width / 2, y + _GAP))


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": "#666666", "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0},
    )
