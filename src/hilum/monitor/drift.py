"""A window of films held against a bundle's reference: scores, properties of the films, and what is on them.

Convention: a row a statistic with its threshold; an alarm is a value above it. Thresholds share out a probability of a false alarm over
all statistics and 50 windows (`hilum.stats.windows`), so a row alarms less easily than a test of it alone. Where nothing is known of a
statistic (no gate, no held-out films) it has no row. An alarm says that films or answers are no longer like the reference's, not that the
answers are wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from hilum.core.seeding import generator
from hilum.monitor.reference import Reference
from hilum.monitor.seen import PROPERTIES, Seen, log_odds
from hilum.stats.mmd import KernelReference
from hilum.stats.psi import counts_in, edges_of, psi, psi_limit
from hilum.stats.windows import ks_distance, ks_limit, level_of_each

WINDOW: Final = 100
"""Films of a window; fewer are looked at from `LEAST` on."""
LEAST: Final = 25
STEP: Final = 25
"""Films after which the window is looked at again."""
Group = Literal["scores", "films", "shape"]
Method = Literal["PSI", "KS", "MMD"]


@dataclass(frozen=True)
class DriftCheck:
    """A statistic of a window.

    Attributes:
        group: What it is of: answers, properties of the films, or what is on them.
        statistic: Its name.
        method: How it is measured.
        value: Of the window.
        threshold: The value above which it is an alarm.
        reference: Mean (or share) in the reference; None where it has none.
        window: Likewise in the window.
    """

    group: Group
    statistic: str
    method: Method
    value: float
    threshold: float
    reference: float | None = None
    window: float | None = None

    @property
    def alarm(self) -> bool:
        """Whether the value is above the threshold."""
        return self.value > self.threshold

    def as_json(self) -> dict[str, Any]:
        """As plain values, with ``alarm``."""
        return {**asdict(self), "alarm": self.alarm}


@dataclass(frozen=True, eq=False)
class Window:
    """Films of a window: arrays as in `Reference`."""

    logits: NDArray[np.float64]
    strangeness: NDArray[np.float64]
    properties: NDArray[np.float32]
    shapes: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.logits)

    @classmethod
    def of(cls, seen: Sequence[Seen]) -> Self:
        """A window of films that were read, at least one."""
        return cls(
            np.stack([s.logits for s in seen]),
            np.array([s.strangeness for s in seen], np.float64),
            np.stack([s.properties for s in seen]),
            np.stack([s.shape for s in seen]),
        )


class Checker:
    """A reference, ready to hold windows against.

    Args:
        reference: Of the bundle.
    """

    def __init__(self, reference: Reference) -> None:
        about, held = reference.about, reference.held_out
        self.reference = reference
        self._positive = about.classes.index(about.positive)
        self._logits = reference.logits[held]
        self._strange = reference.strangeness[held]
        self._odds = log_odds(self._logits, self._positive)
        self._edges = edges_of(self._odds)
        self._kernel = KernelReference(reference.shapes)
        self._limits: dict[tuple[int, float], float] = {}

    @cached_property
    def _has_gate(self) -> bool:
        return bool(np.isfinite(self._strange).all())

    @property
    def n_statistics(self) -> int:
        """Rows of a window."""
        return 3 + self._has_gate + len(PROPERTIES) + 1

    def checks(self, window: Window) -> list[DriftCheck]:
        """A row a statistic, in order; none for a window of fewer than `LEAST` films."""
        if len(window) < LEAST:
            return []
        alpha = level_of_each(self.n_statistics)
        return [
            *self._scores(window, alpha),
            *self._properties(window, alpha),
            self._shape(window, alpha),
        ]

    def _scores(self, window: Window, alpha: float) -> Iterator[DriftCheck]:
        n, m = len(window), len(self._logits)
        odds = log_odds(window.logits, self._positive)
        positive = self.reference.about.positive
        limit = ks_limit(n, m, alpha)

        def p(of: NDArray[np.float64]) -> float:
            return float((1 / (1 + np.exp(-of))).mean())

        yield DriftCheck(
            "scores",
            f"probability of {positive}",
            "KS",
            ks_distance(odds, self._odds),
            limit,
            p(self._odds),
            p(odds),
        )
        bins = len(self._edges) + 1
        value = psi(counts_in(odds, self._edges), counts_in(self._odds, self._edges))
        yield DriftCheck(
            "scores",
            f"probability of {positive}, in tenths",
            "PSI",
            value,
            psi_limit(n, m, bins, alpha),
            p(self._odds),
            p(odds),
        )
        classes = len(self.reference.about.classes)
        ours, theirs = (
            np.bincount(z.argmax(axis=1), minlength=classes) for z in (window.logits, self._logits)
        )
        shares = theirs[self._positive] / m, ours[self._positive] / n
        yield DriftCheck(
            "scores",
            "most likely class",
            "PSI",
            psi(ours, theirs),
            psi_limit(n, m, classes, alpha),
            *map(float, shares),
        )
        if self._has_gate:
            value = ks_distance(window.strangeness, self._strange)
            means = float(self._strange.mean()), float(window.strangeness.mean())
            yield DriftCheck("scores", "strangeness to the gate", "KS", value, limit, *means)

    def _properties(self, window: Window, alpha: float) -> Iterator[DriftCheck]:
        of = self.reference.properties
        limit = ks_limit(len(window), len(of), alpha)
        for k, name in enumerate(PROPERTIES):
            ours, theirs = window.properties[:, k], of[:, k]
            means = float(theirs.mean()), float(ours.mean())
            yield DriftCheck("films", name, "KS", ks_distance(ours, theirs), limit, *means)

    def _shape(self, window: Window, alpha: float) -> DriftCheck:
        n = min(len(window), len(self._kernel) // 2)
        shapes = window.shapes[-n:]
        if (n, alpha) not in self._limits:
            self._limits[n, alpha] = self._kernel.limit(n, alpha, generator(1, "monitor", "shape", n))
        return DriftCheck(
            "shape", "what is on the films", "MMD", self._kernel.mmd2(shapes), self._limits[n, alpha]
        )
