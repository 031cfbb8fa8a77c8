"""Lung masks for a report's pictures: those that the run's workspace keeps (stand-ins last), else the network's that the study names.

Convention: it stands here, since the report itself does without torch; a film whose lungs are not found has no mask.
"""

from __future__ import annotations

from functools import cache

from hilum.artifacts.masks import SOURCE, MaskStore
from hilum.artifacts.run_folder import RunFolder
from hilum.augment.operation import Film
from hilum.core.digests import pixels_sha256
from hilum.core.errors import InputError
from hilum.report.panel import Lungs


def lungs_of(folder: RunFolder) -> Lungs:
    """Film -> its mask, for the films of a run and for others that its pictures show."""

    table = folder.record.table("lungs")

    @cache
    def kept() -> MaskStore:
        return MaskStore(folder.path.parent.parent / "masks")

    def mask(film: Film) -> Film | None:
        origins = [o for o in kept().origins if o != SOURCE or table.get("own", True)]
        found = [m for o in origins if (m := kept().find(pixels_sha256(film), o))]
        if found:
            return next((m.mask for m in found if not m.failed), None)
        from hilum.inference.lungs import segmenter_named  # late: it loads torch, and few reports need it

        try:
            segmenter = segmenter_named(table.get("model", "shipped"), table.get("convention", "lungs"))
        except InputError:  # a network that has gone since
            return None
        return segmenter.usable(film)

    return mask
