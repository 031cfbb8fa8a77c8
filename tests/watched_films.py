"""Readings without a network, for tests of the monitor: synthetic films, their logits drawn, and a bundle's folder with a reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from hilum.artifacts.bundle import Bundle, bundle_version
from hilum.artifacts.header import Header
from hilum.core.seeding import generator
from hilum.inference.answer import Remark, answer
from hilum.inference.opened import Opened
from hilum.inference.predictor import Scored
from hilum.inference.reader import Reading
from hilum.monitor.reference import About, Reference
from hilum.monitor.seen import seen_of
from hilum.synthetic.phantom import draw

CLASSES = ("covid", "normal")
SIDE_PX = 64
_LATERAL = Remark("not-frontal", "This looks like a lateral film; the model knows frontal ones.")


def write_bundle(folder: Path, threshold: float = 0.5) -> Bundle:
    """A bundle's folder, enough to be watched."""
    bundle = Bundle(
        classes=CLASSES, positive="covid", backbone="squeezenet1_0", weights={"choice": "none", "sha256": "", "seed": 7},
        state_sha256="ab" * 32, precision="fp32", batch=16, preparation={}, head="conv",
        operating_point={"threshold": threshold, "rule": "youden", "chosen_on": "valid"}, calibration={"temperature": 1.0},
        training={"study": "small", "trial": 1, "n_train": 10, "n_valid": 5},
    )  # fmt: skip
    bundle.write(folder, Header("bundle", {"train": "cd" * 32}), {"weight": np.zeros((2, 4), np.float32)})
    return bundle


def reading(bundle: Bundle, seed: int, change=None, label: str | None = None, shift: float = 0.0) -> Reading:
    """A synthetic film as it was read; its log-odds are near 1 for covid and -1 for normal."""
    rng = generator(5, "watched", seed)
    label = label or CLASSES[int(rng.random() < 0.6)]
    film = draw(label, rng, SIDE_PX).pixels
    film = film if change is None else change(film, rng)
    z = np.array([float(rng.normal((1.0 if label == "covid" else -1.0) + shift, 1.0)), 0.0])
    p = np.exp(z) / np.exp(z).sum()
    opened = Opened(
        "film", prepared=film, size_px=(256, 256), format="png", facts={"patient_id": "secret"}, flags={}
    )
    scored = Scored("film", p, bool(p[0] >= bundle.operating_point["threshold"]), logits=z, prepared=film)
    return Reading(answer(bundle, opened, scored), opened, scored)


def refused(one: Reading) -> Reading:
    """The same film, which the gate did not pass."""
    opened = replace(one.opened, flags={"lateral": 0.9})
    return Reading(
        replace(one.answer, abstained=True, gate=replace(one.answer.gate, passed=False, reasons=(_LATERAL,))),
        opened,
        one.scored,
    )


def unreadable(bundle: Bundle) -> Reading:
    """A film that could not be read."""
    opened = Opened("film", error="truncated", words="the film is cut short")
    scored = Scored("film", None, None, "truncated")
    return Reading(answer(bundle, opened, scored), opened, scored)


def write_reference(folder: Path, bundle: Bundle, n: int = 300, first: int = 10_000) -> Reference:
    """A reference of n synthetic films."""
    seen = [s for k in range(n) if (s := seen_of(reading(bundle, first + k))) is not None]
    about = About(bundle_version(folder), bundle.classes, bundle.positive, "synthetic films")
    made = Reference.of(about, seen, [True] * len(seen))
    made.write(folder)
    return made
