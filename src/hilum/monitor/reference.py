"""``reference.safetensors`` of a bundle: how films look to it that are like those it was made with, and how it answered them.

Convention: one film a patient. Scores are of films that the model did not train on (validation and test of its run); where those are few,
training films stand for how films look, never for scores. The file lies in the bundle's folder, names the bundle's version and is no part
of it: a bundle without one is watched all the same, but for drift.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from hilum.artifacts.bundle import REFERENCE, bundle_version
from hilum.artifacts.header import checked, not_as_written
from hilum.core.errors import DigestError, InputError
from hilum.core.files import write_bytes
from hilum.imaging.shape import SHAPE_RULES
from hilum.monitor.seen import PROPERTIES, SEEN_RULES, Seen

_ABOUT = "hilum_reference"
_ARRAYS = ("logits", "strangeness", "properties", "shapes", "held_out")


@dataclass(frozen=True)
class About:
    """What a reference says of itself.

    Attributes:
        bundle: Version of the bundle (`hilum.artifacts.bundle.bundle_version`).
        classes: Its classes, in order.
        positive: The class that sensitivity is about.
        films: Where the films come from, in words.
        rules: Versions of what is seen of a film: properties, shape.
    """

    bundle: str
    classes: tuple[str, ...]
    positive: str
    films: str
    rules: tuple[int, int] = (SEEN_RULES, SHAPE_RULES)


@dataclass(frozen=True, eq=False)
class Reference:
    """Films that a window is held against.

    Attributes:
        about: What it is of.
        logits: float64 (n, n_classes); NaN of a film that the model trained on.
        strangeness: float64 (n,); NaN likewise, and without a gate.
        properties: float32 (n, n_properties).
        shapes: float16 (n, 768).
        held_out: bool (n,): the model did not train on the film, so that its scores count.
    """

    about: About
    logits: NDArray[np.float64]
    strangeness: NDArray[np.float64]
    properties: NDArray[np.float32]
    shapes: NDArray[np.float16]
    held_out: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.held_out)

    @classmethod
    def of(cls, about: About, seen: Sequence[Seen], held_out: Sequence[bool]) -> Self:
        """A reference of films that were read."""
        return cls(
            about,
            np.stack([s.logits for s in seen]),
            np.array([s.strangeness for s in seen], np.float64),
            np.stack([s.properties for s in seen]),
            np.stack([s.shape for s in seen]),
            np.array(held_out, np.bool_),
        )

    def write(self, folder: Path) -> Path:
        """Write it into its bundle's folder, whole or not at all."""
        arrays: dict[str, NDArray[Any]] = {
            name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS
        }
        write_bytes(folder / REFERENCE, save(arrays, {_ABOUT: json.dumps(asdict(self.about))}))
        return folder / REFERENCE

    @classmethod
    def of_bundle(cls, folder: Path) -> Self | None:
        """That of a bundle's folder; None where it has none.

        Raises:
            InputError: It is none that hilum wrote, or an earlier hilum's, which saw films otherwise.
            DigestError: It is another bundle's.
        """
        path = folder / REFERENCE
        if not path.is_file():
            return None
        try:
            with safe_open(str(path), "numpy") as held:
                text = (held.metadata() or {}).get(_ABOUT, "")
                arrays = {name: held.get_tensor(name) for name in _ARRAYS}
            about = checked(json.loads(text), About, path)
        except (SafetensorError, json.JSONDecodeError) as e:
            raise not_as_written(path, str(e)) from None
        again = f"make it again: hilum drift {folder} --make-reference"
        if about.rules != (SEEN_RULES, SHAPE_RULES) or arrays["properties"].shape[1] != len(PROPERTIES):
            raise InputError(
                f"{path}: an earlier hilum made it, which saw other properties of films; {again}"
            )
        version = bundle_version(folder)
        if about.bundle != version:
            raise DigestError(
                f"{path}: it is of the bundle {about.bundle[:16]}, but this one is {version[:16]}; {again}"
            )
        return cls(about, **arrays)
