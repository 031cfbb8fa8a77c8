"""Vectors that some network made of films elsewhere: a file with a row a film, its ``image_id`` and its ``vector``.

An ``.npz`` has the two as arrays, (n,) text and (n, C) numbers; a ``.parquet`` has them as columns, a list of numbers a row. No object is
unpickled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.digests import sha256_file
from hilum.core.errors import DigestError, InputError, MissingExtraError

_SHOWN = 3
_COLUMNS = ("image_id", "vector")


@dataclass(frozen=True)
class Vectors:
    """What a file holds.

    Attributes:
        path: The file.
        sha256: Digest of its bytes.
        image_ids: Shape (n,).
        values: float32, (n, C).
    """

    path: Path
    sha256: str
    image_ids: tuple[str, ...]
    values: NDArray[np.float32]

    def of(self, image_ids: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of films, (len(image_ids), C), in the order asked.

        Raises:
            InputError: Films have no vector, several, or one that is not finite; how many, and some of them.
        """
        n = Counter(self.image_ids)
        rows = {i: k for k, i in enumerate(self.image_ids)}
        finite: NDArray[np.bool_] = np.all(np.isfinite(self.values), axis=1)
        wrong = {
            "have no vector": [i for i in image_ids if i not in n],
            "have several vectors": [i for i in image_ids if n[i] > 1],
            "have a vector with values that are not finite": [
                i for i in image_ids if i in n and not finite[rows[i]]
            ],
        }
        found = [
            f"{len(ids)} of {len(image_ids)} films {what} ({', '.join(ids[:_SHOWN])}{', ...' if len(ids) > _SHOWN else ''})"
            for what, ids in wrong.items()
            if ids
        ]
        if found:
            raise InputError(f"{self.path}: {'; '.join(found)}; every film of the study needs exactly one")
        return self.values[[rows[i] for i in image_ids]]


def read_vectors(path: Path, sha256: str | None = None) -> Vectors:
    """Read a file of vectors.

    Args:
        path: ``.npz`` or ``.parquet``.
        sha256: Its declared digest.

    Raises:
        InputError: No such file, or it is not as it should be.
        DigestError: It is not the declared one.
        MissingExtraError: A parquet, and nothing that reads it is installed.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: no such file of vectors; expected an .npz or a .parquet with image_id and vector"
        )
    got = sha256_file(path)
    if sha256 is not None and got != sha256.lower():
        raise DigestError(f"{path}: declared sha256 {sha256}, the file has {got}")
    ids, values = _parquet(path) if path.suffix == ".parquet" else _npz(path)
    if values.ndim != 2 or len(ids) != len(values) or not values.size or values.dtype.kind not in "fiu":
        raise InputError(
            f"{path}: expected image_id of shape (n,) and vector of shape (n, C), numbers; got {len(ids)} ids and vectors of shape "
            f"{values.shape}, {values.dtype}"
        )
    return Vectors(path, got, tuple(map(str, ids)), values.astype(np.float32))


def _npz(path: Path) -> tuple[Sequence[Any], NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as held:
            return held["image_id"].tolist(), held["vector"]
    except KeyError as e:
        raise InputError(f"{path}: expected the arrays image_id and vector; {e.args[0]}") from e
    except Exception as e:  # no zip, or objects, which would have to be unpickled
        raise InputError(f"{path}: cannot be read as an .npz without pickled objects: {e}") from e


def _parquet(path: Path) -> tuple[Sequence[Any], NDArray[Any]]:
    if find_spec("pandas") is None or find_spec("pyarrow") is None:
        raise MissingExtraError("pandas, pyarrow", "notebook")
    import pandas

    try:
        table = pandas.read_parquet(path, columns=list(_COLUMNS))
        return table["image_id"].tolist(), np.array(table["vector"].tolist())
    except Exception as e:
        raise InputError(f"{path}: expected a parquet with the columns image_id and vector: {e}") from e
