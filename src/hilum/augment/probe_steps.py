"""What probes do to a film before a pipeline prepares it: steps that take away what could be disease, or all that could not.

How good the same network is on what is left says how much of a score needs no lungs.
"""

from __future__ import annotations

from typing import Any, Final

from hilum.augment.pipeline import Pipeline
from hilum.core.errors import require_known

PROBE_STEPS: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "lungs-erased": ({"op": "erase_lungs"},),
    "lungs-only": ({"op": "erase_outside_lungs"},),
    "border-only": ({"op": "keep_border"},),
    "thumbnail": ({"op": "thumbnail"},),
    "patches-shuffled": ({"op": "shuffle_patches", "n": 8},),
}
"""Name of a probe -> its steps, as a study file has them."""


def probe_pipeline(probe: str, base: Pipeline) -> Pipeline:
    """A pipeline with a probe's steps before its own; it is called ``<base>-<probe>`` and gives films of the same size.

    Raises:
        InputError: No such probe, with the nearest right name.

    >>> from hilum.augment.presets import preset
    >>> [step.op for step in probe_pipeline("thumbnail", preset("crop")).steps]
    ['thumbnail', 'resize', 'crop_centre', 'resize']
    """
    require_known(probe, PROBE_STEPS, "unknown probe")
    table = base.to_dict()
    return Pipeline.from_dict(
        {**table, "name": f"{base.name}-{probe}", "steps": [*PROBE_STEPS[probe], *table["steps"]]}
    )
