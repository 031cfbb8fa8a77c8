"""The small files of a run's folder beside ``run.json``: what it took, what was said about its training, what was recorded elsewhere.

Convention: a file that is not there reads as None, or as empty; whoever shows it says that it was not recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hilum.artifacts.header import Header, Note, checked, read_json, read_object, write_json

STAGES = "stages.json"
FACTS = "run_facts.json"
AUDIT = "audit.json"
BOX = "boxed_film.json"
LEARNING = "learning.json"
MLFLOW_NOTE = "mlflow.json"
MANIFEST = "manifest.csv"
EXCLUDED = "excluded.csv"
DUPLICATES = "duplicates.json"
STATISTICS = "statistics.json"
COMPARISONS = "comparisons.json"
SUBGROUPS = "subgroups.json"
SPLITS = "splits"
AFTER_RECORD = ("evaluate", "explain", "report")
"""First words of stages that come after a run has written its record, and the seconds of all before it."""


@dataclass
class StageLine:
    """A line of ``stages.json``: what a stage did in a run.

    Attributes:
        stage: Its name.
        done: Items done.
        found: Items found finished.
        seconds: That it took.
        peak_anonymous_bytes: The most memory of all processes together while it went on, mapped files apart; 0 where it was not looked at.
    """

    stage: str
    done: int = 0
    found: int = 0
    seconds: float = 0.0
    peak_anonymous_bytes: int = 0


def write_stages(run: Path, lines: Sequence[StageLine]) -> None:
    """Write ``stages.json``."""
    write_json(run / STAGES, list(lines))


def read_stages(run: Path) -> list[StageLine]:
    """Read ``stages.json``; empty where it is not there."""
    path = run / STAGES
    return checked(read_json(path), list[StageLine], path) if path.is_file() else []


def add_stages(run: Path, lines: Sequence[StageLine]) -> None:
    """Add to ``stages.json`` what was done after it was written, by stages that it does not have."""
    known = read_stages(run)
    names = {line.stage for line in known}
    new = [line for line in lines if line.stage not in names and line.done]
    if known and new:
        write_stages(run, [*known, *new])


def stage_seconds(run: Path, stage: str) -> float | None:
    """Seconds that a stage took in a run; None where that is not recorded."""
    return next((line.seconds for line in read_stages(run) if line.stage == stage), None)


@dataclass(frozen=True)
class RunFacts(Note):
    """``run_facts.json``: what a run took the first time.

    Attributes:
        seconds: From the first film to the report.
        peak_rss_bytes: Resident memory of the largest process, mapped files included.
        peak_anonymous_bytes: Of that, without mapped files.
    """

    NOTE = FACTS

    seconds: float | None = None
    peak_rss_bytes: int | None = None
    peak_anonymous_bytes: int | None = None


@dataclass(frozen=True)
class BoxedFilmNote(Note):
    """``boxed_film.json``: the film that somebody annotated for the report.

    Attributes:
        path: Of the film.
        pixels_sha256: Digest of its decoded pixels.
        box: The box, in the words of `hilum.augment.box.Box`.
    """

    NOTE = BOX

    path: str
    pixels_sha256: str
    box: str


@dataclass(frozen=True)
class Problem:
    """A rule of `hilum.stats.learning` that held for some trials.

    Attributes:
        code: Of the rule.
        title: A few words.
        to_do: What to do about it.
        where: ``cell``, ``trial`` and ``facts`` of each trial.
    """

    code: str
    title: str
    to_do: str
    where: Sequence[Mapping[str, Any]]


def write_problems(run: Path, found: Sequence[Problem]) -> None:
    """Write ``learning.json``."""
    write_json(run / LEARNING, {"header": Header("learning"), "found": list(found)})


def read_problems(run: Path) -> list[Problem]:
    """Read ``learning.json``; none where it is not there yet."""
    path = run / LEARNING
    return checked(read_object(path).get("found"), list[Problem], path) if path.is_file() else []


@dataclass(frozen=True)
class MlflowNote(Note):
    """``mlflow.json``: what was recorded in MLflow.

    Attributes:
        store: Name of the store.
        content: Digest of what was recorded.
        runs: Trial -> its id there.
    """

    NOTE = MLFLOW_NOTE

    store: str
    content: str
    runs: Mapping[str, str]
