"""``outside.json`` of a run's folder: that its test films are other films than its models' own, which were left out, and what differs.

Such a run has the cells and bundles of the run that it came from (or of one bundle), no training, and test films only. What was known
of the models' own test films stands beside: their figures, the differences from them, and which statistics of the films moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.header import Header, read_artefact, write_json
from hilum.artifacts.json_parts import members
from hilum.artifacts.statistics import StudyRow

OUTSIDE = "outside.json"
FAMILY = "outside against in source"
AT_POINT = "outside against in source, at the operating point"


@dataclass(frozen=True)
class DriftRow:
    """How far a statistic of the films moved.

    Attributes:
        statistic: Its name; of a column of words with the word, as ``view = PA``.
        n_source: Films, one a patient where patients are known, of which it is known, in source; `n_outside` likewise.
        source: Mean in source, or share of the films; `outside` likewise.
        shift: Standardised mean difference, outside less source; None where neither side varies.
        low: Lower end of its 95 % interval; `high` likewise.
        distance: Kolmogorov and Smirnov's: the largest difference of the two distribution functions, 0 to 1.
        p: Of no difference, unadjusted; `p_adjusted` by Holm over all statistics.
    """

    statistic: str
    n_source: int
    n_outside: int
    source: float
    outside: float
    shift: float | None
    low: float | None
    high: float | None
    distance: float
    p: float
    p_adjusted: float


@dataclass(frozen=True)
class Outside:
    """What ``outside.json`` says.

    Attributes:
        origin: The run that the models came from, or the bundle's name.
        films: In the manifest that was given.
        sources: Source -> films that were kept.
        dropped: Reason -> films that were left out, in the order in which they were asked for.
        labels: Label of the manifest -> class of the model, where they differ.
        lacking: Classes of the model of which no film was kept.
        known: Whether the films that the model was made with are known, so that copies of them could be looked for.
        in_source: Figures of the models' own test films; empty where these are not known.
        differences: Outside less in source, of the families `FAMILY` and `AT_POINT`.
        drift: Largest distance first.
    """

    header: Header
    origin: str
    films: int
    sources: Mapping[str, int]
    dropped: Mapping[str, int]
    labels: Mapping[str, str]
    lacking: tuple[str, ...]
    known: bool
    in_source: Sequence[StudyRow] = ()
    differences: Sequence[ComparisonRow] = ()
    drift: Sequence[DriftRow] = ()

    def write(self, folder: Path) -> None:
        """Write it into a run's folder, whole or not at all."""
        rows = {
            k: [r.model_dump(by_alias=True) for r in getattr(self, k)] for k in ("in_source", "differences")
        }
        write_json(folder / OUTSIDE, {**members(self), **rows})

    @classmethod
    def of_run(cls, folder: Path) -> Outside | None:
        """That of a run's folder; None where its test films are its own.

        Raises:
            InputError: Malformed.
        """
        return read_artefact(folder / OUTSIDE, "outside", cls) if (folder / OUTSIDE).is_file() else None
