"""The members of an ensemble at work: each a predictor of its own, a film prepared once for all that prepare alike.

A member is refused that is not the one that the ensemble was made of, that may not be used alone, or that has other classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from hilum.artifacts.bundle import Bundle, bundle_version
from hilum.artifacts.header import require_digest
from hilum.core.errors import InputError
from hilum.ensembles import combined, said
from hilum.inference.opened import Opened, Pixels
from hilum.study.ensembles import recorded_ensemble

if TYPE_CHECKING:
    from hilum.inference.predictor import Predictor


class Members:
    """The members of an ensemble, loaded.

    Args:
        bundle: Of the ensemble.
        folder: Where it lies.
        arrays: The weights that combine them.
        load: Makes a member's predictor from its folder.

    Attributes:
        further: The first member of each preparation other than the ensemble's own.

    Raises:
        InputError: A member is not there, or has other classes.
        DigestError: It is another bundle now, or its weights are not its own.
        UnsafeError: It may not be used alone.
    """

    def __init__(
        self,
        bundle: Bundle,
        folder: Path,
        arrays: Mapping[str, NDArray[Any]],
        load: Callable[[Path], Predictor],
    ) -> None:
        self.table, self._arrays = recorded_ensemble(bundle.training["ensemble"]), arrays
        self._loaded = [load(_member_folder(bundle, folder, k)) for k in range(len(bundle.members))]
        preparations = [bundle.preparation]
        self.further: list[Predictor] = []
        self._prepared_as = []
        for member in self._loaded:
            if member.bundle.preparation not in preparations:
                preparations.append(member.bundle.preparation)
                self.further.append(member)
            self._prepared_as.append(preparations.index(member.bundle.preparation))

    def passed(
        self, films: NDArray[np.uint8], precision: str | None = None, batch: int | None = None
    ) -> torch.Tensor:
        """Logits of the ensemble, float64 (n, n_classes).

        Args:
            films: Prepared, (n, height, width); where members prepare otherwise (n, preparations, height, width), the ensemble's own first.
            precision: In place of the members' own.
            batch: Films a batch in place of theirs.
        """
        options = {"precision": precision} | ({} if batch is None else {"batch": batch})
        of_members = []
        for member, k in zip(self._loaded, self._prepared_as, strict=True):
            logits = member.passed(films[:, k] if films.ndim == 4 else films, **options)
            of_members.append(said(logits.double().cpu().numpy()))
        return torch.from_numpy(combined(self.table, self._arrays, np.stack(of_members, axis=1)))


def with_further(
    further: Sequence[Predictor], films: Sequence[Opened], made: Sequence[Pixels | str]
) -> list[Pixels | str]:
    """Prepared films with what members that prepare otherwise make of the same pixels: (preparations, height, width) each.

    Without such members films are as they are.

    Args:
        further: A member for each further preparation.
        films: With their pixels.
        made: By the ensemble's own preparation, or why there is none.
    """
    found = list(made)
    for k, film in enumerate(films if further else ()):
        for member in further:
            before = found[k]
            if isinstance(before, str) or film.pixels is None:
                break
            (more,) = member.prepared([film.pixels])
            found[k] = (
                more
                if isinstance(more, str)
                else np.concatenate([before.reshape(-1, *more.shape), more[None]])
            )
    return found


def _member_folder(bundle: Bundle, folder: Path, k: int) -> Path:
    """Where a member lies, once it is known to be the one that is meant."""
    member = bundle.members[k]
    path = folder / member.path
    if not (path / "bundle.json").is_file():
        raise InputError(
            f"{folder}: its member {member.cell} is not at {path}; an ensemble is its members too: leave it in its run's folder, or copy "
            "the members along, as they lie beside it"
        )
    require_digest(f"member {member.cell}", member.version, bundle_version(path), folder / "bundle.json")
    own = Bundle.described(path)[0]
    own.require_a_model(path)
    if (own.classes, own.positive) != (bundle.classes, bundle.positive):
        raise InputError(
            f"{folder}: its member {member.cell} has the classes {', '.join(own.classes)} with {own.positive} positive, the ensemble "
            f"{', '.join(bundle.classes)} with {bundle.positive}; make the ensemble again"
        )
    return path
