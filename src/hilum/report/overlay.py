"""A film beside its heat maps, as a radiologist reads them: what the model said above, a row a method, its checks in words beside it.

Convention: a film is uint8 (height, width), as the model saw it, a map float32 of the same shape in the method's own units. Its colours
are `hilum.explain.colours`. A map that does not pass its checks has a red frame and says so on the picture.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from hilum import RESEARCH_NOTICE
from hilum.artifacts.explanations import ExplainedFilm, FilmMap
from hilum.explain.colours import PERCENTILE, SMOOTHED_PX, in_colours
from hilum.report import style
from hilum.study.explanations import METHODS

RED: Final = "#C00000"
_AMBER: Final = "#A05A00"
_LUNGS, _FOUND = style.SKY, style.ORANGE
_ROW_IN, _HEAD_IN, _FOOT_IN = 2.3, 0.9, 0.62
_SCALE_MM = 50.0
_LETTER = 0.0072
"""Width of a letter in inches, of a size of 1 point."""
_ID = 78
"""Characters of an id that fit; of a longer one the end is shown."""


@dataclass(frozen=True)
class FilmOverlay:
    """A film to draw with its maps.

    Attributes:
        of: What is known of it.
        film: uint8 (height, width), prepared.
        values: Method, as it was asked for -> its map, float32 (height, width).
        options: Method -> its options.
        said: What the model said, a line each.
        lungs: Where lung is, bool (height, width); None where that is not known.
        found: Where that is what somebody marked, bool (height, width); None where nobody did.
    """

    of: ExplainedFilm
    film: NDArray[np.uint8]
    values: Mapping[str, NDArray[np.float32]]
    options: Mapping[str, Mapping[str, Any]]
    said: Sequence[str]
    lungs: NDArray[np.bool_] | None = None
    found: NDArray[np.bool_] | None = None


def picture_path(folder: Path, name: str) -> Path:
    """Where the picture of an explained film lies."""
    return folder / "pictures" / f"{name}.png"


def said_of(film: ExplainedFilm, classes: Sequence[str], positive: str, threshold: float) -> list[str]:
    """What the model says of a film: probabilities of all classes, the largest first, and what the operating point says."""
    order = sorted(zip(film.probabilities, classes, strict=True), key=lambda pc: (-pc[0], pc[1]))
    p = film.probabilities[classes.index(positive)]
    sign, verdict = ("≥", f"called {positive}") if film.positive else ("<", f"not called {positive}")
    return [
        "   ".join(f"{c} {p:.3f}" for p, c in order),
        f"operating point: p({positive}) {p:.3f} {sign} {threshold:.3f}, {verdict}",
    ]


def overlay_figure(film: FilmOverlay) -> Figure:
    """The figure of a film: at each row the film, the map over it with its colours, and the checks."""
    n = max(1, len(film.of.maps))
    height_in = _HEAD_IN + _ROW_IN * n + _FOOT_IN
    with style.figure(style.WIDTH_IN, height_in) as fig:
        fig.set_layout_engine("none")
        _head(fig, film, height_in)
        for k, made in enumerate(film.of.maps):
            bottom = (_FOOT_IN + _ROW_IN * (n - 1 - k) + 0.12) / height_in
            _row(fig, film, made, bottom, (_ROW_IN - 0.3) / height_in)
        fig.text(0.02, 0.06 / height_in, _footer(film), fontsize=7, color="#555555", va="bottom")
        return fig


def _head(fig: Figure, film: FilmOverlay, height_in: float) -> None:
    top = 1 - 0.1 / height_in
    name = film.of.image_id if len(film.of.image_id) <= _ID else f"…{film.of.image_id[1 - _ID :]}"
    fig.text(0.02, top, name, fontsize=10.5, weight="bold", va="top")
    known = f"labelled {film.of.label}" if film.of.label else "no label"
    lines = [known, *film.said]
    fig.text(0.02, top - 0.24 / height_in, "\n".join(lines), fontsize=8.5, va="top", linespacing=1.5)


def _footer(film: FilmOverlay) -> str:
    marks = [
        *(["blue line: lungs"] if film.lungs is not None else []),
        *(["orange line: what was marked on the film"] if film.found is not None else []),
        f"colours begin at the least value, or with a sign at zero, and end at the {PERCENTILE:g}th percentile",
        f"a grainy map is drawn smoothed ({SMOOTHED_PX:g} px)",
        "in brackets what a check is held against: ✗ the map shows nothing of the model, ! it shows the model looking elsewhere",
        "a map shows where this model’s answer came from, not where disease is",
    ]
    return f"{textwrap.fill('; '.join(marks), 130)}.\n{RESEARCH_NOTICE}"


def _row(fig: Figure, film: FilmOverlay, made: FilmMap, bottom: float, height: float) -> None:
    method = METHODS[made.method.partition(":")[0]]
    left, side = 0.02, height * fig.get_figheight() / fig.get_figwidth()
    plain = fig.add_axes((left, bottom, side, height))
    over = fig.add_axes((left + side + 0.012, bottom, side, height))
    bar = fig.add_axes((left + 2 * side + 0.022, bottom + 0.06 * height, 0.014, 0.88 * height))
    _show(plain, film.film)
    _scale(plain, film)
    _show(over, film.film)
    values, colours, norm = in_colours(film.values[made.method], method.signed)
    over.imshow(values, cmap=colours, norm=norm, interpolation="bilinear")
    for ax in (plain, over):
        if film.found is not None:
            ax.contour(film.found.astype(float), [0.5], colors=_FOUND, linewidths=1.1)
    if film.lungs is not None:
        over.contour(film.lungs.astype(float), [0.5], colors=_LUNGS, linewidths=0.7)
    bar.set_facecolor("#808080")
    fig.colorbar(ScalarMappable(norm, colours), cax=bar, extend="neither")
    bar.grid(visible=False)
    bar.tick_params(labelsize=6.5, length=2, pad=1.5)
    bar.yaxis.get_offset_text().set_fontsize(6)
    bar.set_ylabel(
        "against   ←   the class   →   for" if method.signed else "speaks for the class",
        fontsize=7,
        labelpad=2,
    )
    if made.failed:
        words = textwrap.fill(f"does not pass: {', '.join(made.failed)}", 36)
        over.text(
            0.5, 0.015, words, transform=over.transAxes, ha="center", va="bottom", fontsize=6.6, color="white", weight="bold",
            bbox={"facecolor": RED, "edgecolor": "none", "pad": 1.6, "alpha": 0.92},
        )  # fmt: skip
        over.add_patch(
            Rectangle((0, 0), 1, 1, transform=over.transAxes, fill=False, edgecolor=RED, lw=3, clip_on=False)
        )
    options = ", ".join(f"{k}\N{NO-BREAK SPACE}{v}" for k, v in film.options[made.method].items())
    _words(fig, made, (method.title, options), left + 2 * side + 0.125, bottom + height)


def _words(fig: Figure, made: FilmMap, method: tuple[str, str], left: float, top: float) -> None:
    """Method with its options, class explained, verdict, and a line a check."""
    inch = 1 / fig.get_figheight()
    down = 0.0

    def say(words: str, size: float, step_in: float, indent: float = 0.0, **options: Any) -> None:
        nonlocal down
        a_line = int((0.985 - left - indent) * fig.get_figwidth() / (_LETTER * size))
        lines = textwrap.wrap(words, a_line)
        at = (left + indent, top - down * inch)
        fig.text(*at, "\n".join(lines), fontsize=size, va="top", linespacing=1.15, **options)
        down += step_in * len(lines)

    say(method[0], 9, 0.165, weight="bold")
    say(method[1], 7, 0.125, color="#555555")
    say(f"of the score of {made.target}", 8, 0.155)
    tone = RED if made.failed else style.GREEN if made.verdict == "passes" else "#666666"
    say("does not pass" if made.failed else made.verdict, 8, 0.17, weight="bold", color=tone)
    for c in made.checks:
        wrong = ("✗", RED) if c.required else ("!", _AMBER)
        mark, colour = {True: ("✓", style.GREEN), False: wrong, None: ("·", "#666666")}[c.passed]
        value = "" if c.value is None else f" {c.value:.2f}"
        bound = "" if c.bound is None or c.passed is None else f" ({c.bound:.2f})"
        fig.text(left, top - down * inch, mark, fontsize=7.5, color=colour, weight="bold", va="top")
        said = f"{c.title}{(value + bound).replace('-', '−')}"
        say(said, 7.2, 0.135, indent=0.02, color=colour if c.passed is False else style.INK)


def _show(ax: Axes, film: NDArray[np.uint8]) -> None:
    ax.imshow(film, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def _scale(ax: Axes, film: FilmOverlay) -> None:
    """A bar of 50 mm where the film's file tells the size of a pixel, else a quarter of the width in pixels."""
    height, width = film.film.shape
    if film.of.mm_per_px:
        length, words = _SCALE_MM / film.of.mm_per_px[0], f"{_SCALE_MM:g} mm by the film’s header"
    else:
        length = 10 * round(width / 40)
        words = f"{length} px of {width} × {height}"
    x, y = 0.04 * width, 0.955 * height
    ax.plot([x, x + length], [y, y], color="black", lw=3.6, solid_capstyle="butt")
    ax.plot([x, x + length], [y, y], color="white", lw=2, solid_capstyle="butt")
    ax.text(
        x, y - 0.025 * height, words, color="white", fontsize=6.5, va="bottom",
        bbox={"facecolor": "black", "edgecolor": "none", "pad": 0.8, "alpha": 0.5},
    )  # fmt: skip
    ax.set_xlim(-0.5, width - 0.5)
    ax.set_ylim(height - 0.5, -0.5)
