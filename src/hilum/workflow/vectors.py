"""The files of vectors that a study names in ``[precomputed]``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from hilum.artifacts.vectors import Vectors, read_vectors
from hilum.core.stamps import stamp
from hilum.models.weights import Weights
from hilum.study.file import Study
from hilum.study.tables import PRECOMPUTED


def vectors_of(study: Study, name: str) -> Vectors:
    """The vectors that a backbone ``precomputed/NAME`` is.

    Raises:
        InputError: No such file, or it is not as it should be.
        DigestError: It is not the declared one.
    """
    table = study.precomputed[name.removeprefix(PRECOMPUTED)]
    return _read(Path(table.file), table.sha256, str(stamp(Path(table.file))))


@cache
def _read(path: Path, sha256: str | None, stamped: str) -> Vectors:
    del stamped  # a file that changed is read again
    return read_vectors(path, sha256)


def length_of(study: Study, name: str) -> int:
    """How long a backbone's vectors are; 0 of a network."""
    return vectors_of(study, name).values.shape[1] if name.startswith(PRECOMPUTED) else 0


def weights_of_vectors(study: Study, name: str) -> Weights:
    """The file in the place of weights: its digest is what features depend on."""
    vectors = vectors_of(study, name)
    return Weights(
        "precomputed",
        vectors.path,
        vectors.sha256,
        f"vectors made elsewhere, {vectors.path.name}",
        "not stated",
    )
