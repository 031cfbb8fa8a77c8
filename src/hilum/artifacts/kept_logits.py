"""``logits.safetensors`` of a trial: a model's logits of the films of some parts, exact, for the ensembles that it is a member of.

Convention: films are in the order in which the trial drew them (`hilum.artifacts.drawn_films`), held-out ones as they are predicted; a
training film that was drawn several times is there so often. The file names the bundle that gave them by its version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from hilum.artifacts.header import not_as_written, require_digest
from hilum.core.errors import InputError
from hilum.core.files import write_bytes
from hilum.core.mirror import at_hand

LOGITS = "logits.safetensors"


@dataclass(frozen=True)
class KeptLogits:
    """Logits of a trial.

    Attributes:
        bundle: Version of the bundle.
        parts: Part -> logits, float64 (n_films, n_classes).
    """

    bundle: str
    parts: Mapping[str, NDArray[np.float64]]

    def write(self, folder: Path) -> None:
        """Write it into a trial's folder, whole or not at all."""
        arrays = {part: np.ascontiguousarray(z, np.float64) for part, z in self.parts.items()}
        write_bytes(folder / LOGITS, save(arrays, {"bundle": self.bundle}))

    @classmethod
    def read(cls, folder: Path, bundle: str) -> Self:
        """Read that of a trial's folder.

        Args:
            folder: The trial's.
            bundle: Version of the bundle that lies there.

        Raises:
            InputError: It is not there, or is none.
            DigestError: It is of another bundle.
        """
        path = at_hand(folder / LOGITS)
        if not path.is_file():
            raise InputError(f"{path}: no logits were kept; run the study again")
        try:
            with safe_open(str(path), "numpy") as f:
                made_by = (f.metadata() or {}).get("bundle", "")
                parts = {name: np.array(f.get_tensor(name)) for name in f.keys()}  # noqa: SIM118 - it is no mapping
        except SafetensorError as e:
            raise not_as_written(path, str(e)) from None
        require_digest("bundle", made_by, bundle, path)
        return cls(made_by, parts)

    @staticmethod
    def has(folder: Path, parts: tuple[str, ...]) -> bool:
        """Whether a trial's folder has the logits of some parts."""
        if not parts:
            return True
        path = at_hand(folder / LOGITS)
        if not path.is_file():
            return False
        with safe_open(str(path), "numpy") as f:
            return set(parts) <= set(f.keys())
