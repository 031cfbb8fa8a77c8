"""Lung masks for a report's pictures: those that the run's workspace keeps, else the network's that the study names.

Convention: it stands here, since the report itself does without torch; a film whose lungs are not found has no mask.
"""

from __future__ import annotations

from functools import partial

from hilum.artifacts.masks import LungMask, MaskStore
from hilum.artifacts.run_folder import RunFolder
from hilum.augment.operation import Film
from hilum.core.digests import pixels_sha256
from hilum.report.panel import Lungs


def lungs_of(folder: RunFolder) -> Lungs:
    """Film -> its mask, for the films of a run and for others that its pictures show."""
    return partial(_mask, folder)


def _mask(folder: RunFolder, film: Film) -> Film | None:
    kept = folder.path.parent.parent / "masks"
    found: LungMask | None = MaskStore(kept).find(pixels_sha256(film)) if kept.is_dir() else None
    if found is None:
        from hilum.segment.segmenter import (
            Segmenter,
        )  # late: it takes seconds to import, and few reports need it

        (found,) = Segmenter.shipped().masks([film])
    return None if found.failed else found.mask
