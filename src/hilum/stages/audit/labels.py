"""Labels that a plain model doubts, judged by the films' shape or by what a frozen backbone makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.artifacts.manifest import Manifest
from hilum.core.errors import require_known
from hilum.core.progress import progress
from hilum.imaging.as_ingested import film_as_ingested
from hilum.stats.label_suspects import out_of_fold, suspects, too_few

Labels = str
"""``none``, ``shape``, or the name of a backbone."""
NO_LABELS: Final = "none"
SHAPE: Final = "shape"
_SIDE_PX, _BATCH = 224, 16


def check_labels(by: Labels) -> None:
    """Refuse what cannot doubt labels here.

    Raises:
        InputError: It is no backbone with published weights, or they are not here.
    """
    if by not in (NO_LABELS, SHAPE):
        from hilum.models.registry import BACKBONES, backbone  # late: torch
        from hilum.models.weights import find

        require_known(
            by,
            [NO_LABELS, SHAPE, *(n for n, b in BACKBONES.items() if not b.from_scratch)],
            "labels cannot be doubted by",
        )
        find(backbone(by))


def label_suspects(
    manifest: Manifest,
    shapes: NDArray[np.float16],
    groups: Mapping[str, str],
    by: Labels,
    seed: int,
) -> dict[str, Any] | None:
    """The suspects for audit.json; None where they are not asked for.

    Args:
        manifest: The films.
        shapes: Of each film, in the manifest's order.
        groups: Film -> what may not be divided between folds.
        by: What films are judged by.
        seed: Of the folds.

    Raises:
        InputError: `by` is no backbone, its weights are not here, or a film cannot be read.
    """
    if by == NO_LABELS:
        return None
    films = manifest.films
    labels = np.array([f.label for f in films])
    own = np.array([groups[f.image_id] for f in films])
    sees = "edges and greys of the film at 64 by 64 pixels" if by == SHAPE else f"features of {by}"
    found: dict[str, Any] = {
        "by": by,
        "sees": sees,
        "n_films": len(films),
        "reason": too_few(labels, own),
        "suspects": [],
    }
    if found["reason"]:
        return found
    features = shapes.astype(np.float32) if by == SHAPE else _backbone_features(manifest, by)
    p = out_of_fold(features, labels, own, seed)
    found["suspects"] = [
        {
            "film": films[s.row].image_id, "source": films[s.row].source, "given": s.given, "suggested": s.suggested,
            "p_given": round(s.p_given, 4), "p_suggested": round(s.p_suggested, 4),
        }
        for s in suspects(p, labels)
    ]  # fmt: skip
    found["accuracy"] = float((np.unique(labels)[p.argmax(1)] == labels).mean())
    return found


def _backbone_features(manifest: Manifest, name: str) -> NDArray[np.float32]:
    """What a frozen backbone with its published weights makes of every film, squashed to 224 x 224; maps are averaged."""
    from hilum.models.backbone import FrozenBackbone  # late: torch
    from hilum.models.machine import exact_arithmetic
    from hilum.models.registry import backbone
    from hilum.models.weights import find

    exact_arithmetic()
    network = FrozenBackbone(backbone(name), find(backbone(name)))
    out: list[NDArray[np.float32]] = []
    with progress(f"audit: {name}", len(manifest)) as step:
        for k in range(0, len(manifest), _BATCH):
            films = [
                film_as_ingested(f.image_id, f.path, f.sha256).pixels for f in manifest.films[k : k + _BATCH]
            ]
            small = [
                Image.fromarray(p).resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BILINEAR) for p in films
            ]
            made = network.features(np.stack([np.asarray(s) for s in small]), _BATCH)
            out.append((made.mean((2, 3)) if made.ndim == 4 else made).cpu().numpy())
            step(len(films))
    return np.concatenate(out)
