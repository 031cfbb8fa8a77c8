"""The one reader of films: bytes to answers, for the command, the service, the pages and the picture archive's node.

Opening a film needs no network and may be done in another process (`Opener`); answering does (`Reader.answers`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.artifacts.bundle import bundle_version
from hilum.core.errors import FilmError
from hilum.inference.answer import answer
from hilum.inference.engines import EngineName, engine_of, in_turn
from hilum.inference.opened import Opened
from hilum.inference.opener import Opener
from hilum.inference.predictor import Predictor, Scored
from hilum.inference.said import Answer


@dataclass(frozen=True, eq=False)
class Reading:
    """A film as it was read.

    Attributes:
        answer: For whoever asked.
        opened: The film; its facts are about a patient.
        scored: Logits, and the film as the network took it.
    """

    answer: Answer
    opened: Opened
    scored: Scored


class Reader:
    """A bundle, ready to answer.

    Args:
        folder: The bundle.
        engine: What computes its network.
        device: ``cpu`` or ``cuda``.
        kept: Folder where graphs of ONNX are kept from one start to the next.

    Attributes:
        bundle: As stored.
        version: Its digest, `hilum.artifacts.bundle.bundle_version`.
        engine: What computes it.
        opener: What opens films for it.
        predictor: What scores films, through that engine.
        scored: Scores films that were opened, in order: `predictor`'s own, or what asks another machine.

    Raises:
        InputError: No bundle, its weights cannot be found, or the engine cannot be had.
        DigestError: Weights or gate are not those of the bundle.
        UnsafeError: The bundle is unsafe, or a probe.
    """

    def __init__(
        self, folder: Path, engine: EngineName = "auto", device: str = "cpu", kept: Path | None = None
    ) -> None:
        self.folder = folder
        self.predictor = Predictor(folder, device)
        self.bundle, self.version = self.predictor.bundle, bundle_version(folder)
        self.engine = engine_of(folder, self.predictor, engine, device, kept)
        self.predictor.passed = in_turn(self.engine.logits, self.engine.together)
        self.scored: Callable[[Sequence[Opened]], list[Scored]] = self.predictor.scored
        lungs = self.predictor.segmenter is not None
        self.opener = Opener(None if lungs else self.predictor.pipeline, pixels=bool(self.predictor.further))

    def answers(self, films: Sequence[Opened]) -> list[Reading]:
        """Answer films that were opened; what is said of one does not depend on the others."""
        scored = self.scored(films)
        return [Reading(answer(self.bundle, f, s), f, s) for f, s in zip(films, scored, strict=True)]

    def read(self, films: Iterable[tuple[str, bytes | FilmError]]) -> list[Reading]:
        """Open films and answer them, in this process."""
        return self.answers([self.opener(name, data) for name, data in films])
