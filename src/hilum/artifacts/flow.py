"""flow.json: what became of every film on its way from the files found to the films scored, with every count (CONSORT, CLAIM, STARD).

Convention: each step says how many films went on and how many were left out, by reason; the films that went on and those left out are the
films of the step before. In a part of a trial the films of the parts and those not used are the films of the study; under an unsafe split
a film may be in two parts, and is then counted in `shared` too. A flow that does not add up cannot be made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hilum.artifacts.header import Header, read_artefact, write_json
from hilum.artifacts.json_parts import members
from hilum.artifacts.split import PARTS
from hilum.core.errors import InputError

FLOW = "flow.json"
FOUND, IN_MANIFEST, STUDY_FILMS = "files and rows found", "films in the manifest", "films of the study"
"""Names of steps that every flow has, or that begin and end it."""
WITH_LUNGS = "films with a usable lung mask"
"""Of a study that reads lungs, where some have none."""


@dataclass(frozen=True)
class FlowStep:
    """A step of the flow.

    Attributes:
        name: What the films are that went on.
        films: How many.
        left_out: Reason -> how many did not go on.
        by_class: Class -> how many went on; empty where classes are not known yet.
    """

    name: str
    films: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    by_class: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class TrialFlow:
    """What a trial makes of the study's films.

    Attributes:
        splits: Folder of its split beneath ``splits``; empty for the study's plain one.
        not_used: Reason -> films in no part.
        shared: Times that a film stands in a part beyond its first; 0 unless the split is unsafe.
        copies: Training films after sampling, a film that was drawn twice counted twice.
        copied: Different films among them.
        scored: Part -> films that a cell's model gave probabilities.
    """

    splits: str
    trial: int
    parts: Mapping[str, int]
    not_used: Mapping[str, int]
    shared: int
    copies: int
    copied: int
    scored: Mapping[str, int]


@dataclass(frozen=True)
class Flow:
    """The flow of a run's films: steps from the first that is known to the films of the study, and the trials of every split.

    Raises:
        InputError: Counts that do not add up; says which.
    """

    steps: tuple[FlowStep, ...]
    trials: tuple[TrialFlow, ...]
    header: Header

    def __post_init__(self) -> None:
        if not self.steps:
            raise InputError("a flow of films needs one step at least, got none")
        for before, after in zip(self.steps, self.steps[1:], strict=False):
            _add_up(f"step {after.name!r}", before.films, after.films, *after.left_out.values())
        for step in self.steps:
            if step.by_class:
                _add_up(f"classes of step {step.name!r}", step.films, *step.by_class.values())
        for t in self.trials:
            where = f"trial {t.trial} of {t.splits or 'the plain split'}"
            in_parts = sum(t.parts[p] for p in PARTS) - t.shared
            _add_up(where, self.steps[-1].films, in_parts, *t.not_used.values())
            if t.copied > t.parts["train"] or t.copied > t.copies:
                raise InputError(
                    f"flow of films, {where}: {t.copied} different films among {t.copies} copies of {t.parts['train']} training films"
                )

    @property
    def films(self) -> int:
        """Films of the study."""
        return self.steps[-1].films

    def of(self, splits: str, trial: int) -> TrialFlow | None:
        """The flow of a trial; None where there is none."""
        return next((t for t in self.trials if (t.splits, t.trial) == (splits, trial)), None)

    def write(self, path: Path) -> None:
        """Write flow.json."""
        write_json(path, {"header": self.header, **members(self)})

    @classmethod
    def of_run(cls, folder: Path) -> Flow | None:
        """The flow of a run's folder; None where it keeps no record."""
        return cls.read(folder / FLOW) if (folder / FLOW).is_file() else None

    @classmethod
    def read(cls, path: Path) -> Flow:
        """Read flow.json.

        Raises:
            InputError: Missing, malformed, or counts that do not add up.
        """
        return read_artefact(path, "flow", cls)


def _add_up(where: str, whole: int, *parts: int) -> None:
    if sum(parts) != whole or min(parts, default=0) < 0:
        raise InputError(
            f"flow of films, {where}: {' + '.join(map(str, parts))} = {sum(parts)}, expected {whole}; every film must be counted once"
        )
