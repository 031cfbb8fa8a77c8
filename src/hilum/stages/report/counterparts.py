"""A film under torchvision's operations and under Augmentor's own, side by side.

Convention: it stands here, since the report itself does without torch. Torchvision's draws are made under a seed of their own and leave
torch's generator as it was.
"""

from __future__ import annotations

from collections.abc import Mapping

from hilum.augment.operation import Film
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import pixels_sha256
from hilum.core.seeding import generator, key_entropy
from hilum.imaging.resize import resize
from hilum.report.panel import PanelCell

DISTORTION = 0.3
"""Of torchvision's RandomPerspective, as in the paper's Figure 4."""
CENTRE = 0.8
"""Share of each side that torchvision's CenterCrop keeps: that of the paper's zoom."""


def counterparts(film: Film, pipelines: Mapping[str, Pipeline], seed: int) -> list[tuple[str, PanelCell]]:
    """A film under torchvision's perspective distortion and centre crop, and beside each Augmentor's own (the paper's Figure 4).

    Augmentor's are taken from the study's first pipeline that has them, with their options there; an operation that no pipeline has is
    left out together with its counterpart.

    Args:
        film: uint8 (height, width), as decoded.
        pipelines: The study's, by name.
        seed: Of the draws.
    """
    import torch
    from torchvision.transforms import (
        v2,
    )  # late: it takes seconds to import, and few reports have this figure

    height, width = next(iter(pipelines.values())).output_size
    prepared = resize(film, height, width)
    grey = torch.from_numpy(prepared)[None]
    found = [("as it is", PanelCell(prepared, "resized"))]
    kept = (round(CENTRE * height), round(CENTRE * width))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(key_entropy(seed, "torchvision") % 2**63)
        theirs = {
            "random_distortion": (
                "torchvision: perspective", v2.RandomPerspective(DISTORTION, p=1.0)(grey), f"RandomPerspective, {DISTORTION}",
            ),
            "zoom_random": (
                "torchvision: crop", v2.Resize((height, width))(v2.CenterCrop(kept)(grey)), f"CenterCrop {kept[1]}×{kept[0]} px, resized",
            ),
        }  # fmt: skip
    own = {"random_distortion": "Augmentor: elastic", "zoom_random": "Augmentor: zoom"}
    operations = {s.op: s for p in reversed(list(pipelines.values())) for s in p.steps}
    for op, (title, tensor, caption) in theirs.items():
        if op not in operations:
            continue
        operation = operations[op]
        drawn = operation.sample(generator(seed, pixels_sha256(prepared), op), height, width)
        found.append((title, PanelCell(tensor[0].numpy(), caption)))
        found.append((own[op], PanelCell(operation.apply(prepared, drawn), operation.describe(drawn))))
    return found
