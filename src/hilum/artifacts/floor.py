"""``floor.json``: what a machine can do at most, and beside it what the stages of a run took.

Convention: a floor is the least time that a stage's unavoidable work takes at measured peaks, with all cores at work and nothing else
done: a lower bound, no promise. A stage whose work has no such count has none. Nothing is computed here but their ratio.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from hilum.artifacts.header import Header, read_artefact, write_json
from hilum.artifacts.json_parts import members

FLOOR = "floor.json"
KIND = "floor"


class Peak(NamedTuple):
    """A measured rate.

    Attributes:
        a_second: Operations, or bytes.
        by: What reached it.
    """

    a_second: float
    by: str


class CodecRate(NamedTuple):
    """How fast one core decodes grey films of 8 bit.

    Attributes:
        codec: The bare codec's name.
        bare: Pixels a second of the codec alone: rows are inflated, or the picture is decoded, and nothing is checked.
        decoder: Pixels a second of hilum's decoder on the same bytes.
        decoder_only: What the decoder does besides, in words.
    """

    codec: str
    bare: float
    decoder: float
    decoder_only: str


@dataclass(frozen=True)
class Peaks:
    """What a machine can do at most.

    Attributes:
        machine: As `hilum.models.machine.describe` has it.
        threads: That matrix products and copies had.
        gemm: Device and precision (``cpu fp32``) -> operations a second.
        copy: Device -> bytes a second, read and written.
        codecs: Container -> pixels a second of one core.
        not_measured: What was not, and why.
    """

    machine: Mapping[str, Any]
    threads: int
    gemm: Mapping[str, Peak]
    copy: Mapping[str, Peak]
    codecs: Mapping[str, CodecRate]
    not_measured: Sequence[str] = ()


@dataclass(frozen=True)
class StageFloor:
    """A stage of a run beside its floor.

    Attributes:
        stage: Its name.
        seconds: That it took.
        floor_s: Seconds that it takes at least; None where nothing bounds it that can be counted.
        bound: What bounds it: ``arithmetic``, ``memory``, ``codec``, or several; empty where nothing does.
        words: How the floor is reckoned.
    """

    stage: str
    seconds: float
    floor_s: float | None
    bound: str = ""
    words: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times its floor a stage takes; None without a floor."""
        return self.seconds / self.floor_s if self.floor_s else None


@dataclass(frozen=True, kw_only=True)
class Floor:
    """``floor.json``.

    Attributes:
        peaks: Of the machine.
        run: Name of the run's folder; empty for none.
        stages: Of the run, in order.
        notes: What a reader of the ratios must know.
    """

    header: Header
    peaks: Peaks
    run: str = ""
    stages: Sequence[StageFloor] = ()
    notes: Sequence[str] = ()

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        write_json(path, members(self))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check.

        Raises:
            InputError: No such file, or none that hilum wrote.
        """
        return read_artefact(path, KIND, cls)
