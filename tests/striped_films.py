"""Films of noise with a planted sign: stripes whose direction is the class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from hilum.core.seeding import generator

CLASSES = ("bacterial", "covid", "normal", "viral")


def make_films(folder: Path, n: int) -> Path:
    """Noise with a planted sign: stripes whose direction is the class. Two films a patient; returns the table."""
    folder.mkdir()
    y, x = np.mgrid[:96, :96] / 96
    rows = ["path,label,patient_id"]
    for k in range(n):
        rng = generator(5, "film", k)
        kind = (k // 2) % 4
        angle = np.pi * kind / 4
        stripes = np.sin(2 * np.pi * (8 * (x * np.cos(angle) + y * np.sin(angle)) + rng.random()))
        film = np.clip(110 + 40 * stripes + rng.normal(0, 30, (96, 96)), 0, 255).astype(np.uint8)
        Image.fromarray(film).save(folder / f"{k}.png")
        rows.append(f"{k}.png,{CLASSES[kind]},p{k // 2}")
    table = folder / "films.csv"
    table.write_text("\n".join(rows) + "\n")
    return table
