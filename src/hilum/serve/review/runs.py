"""The finished runs of a workspace, as the pages read them: found by name, kept while their files stay as they are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.evaluation import EVALUATION, Evaluation
from hilum.artifacts.header import checked, read_json
from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.run import RECORD, RunCell
from hilum.artifacts.run_files import COMPARISONS, MANIFEST, STATISTICS
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import StudyRows
from hilum.core.errors import HilumError
from hilum.stats.answers import Answers
from hilum.study.several_findings import require_one_class

PART = "test"
_KEPT = 32
_STAMPED = (RECORD, MANIFEST, STATISTICS, EVALUATION)


@dataclass(frozen=True, eq=False)
class Tested:
    """The test films of a run and what its models said of them.

    Attributes:
        films: Every film that some trial of some model tested, in order of their ids.
        answers: Of the models, in the order of the run's cells.
        units: What a patient's films share, a text for each film.
    """

    films: tuple[FilmRow, ...]
    answers: Answers
    units: tuple[str, ...]


class FinishedRun:
    """A run that was evaluated.

    Args:
        path: Its folder.

    Raises:
        InputError: It is no run.
    """

    def __init__(self, path: Path) -> None:
        self.name, self.folder = path.name, RunFolder(path)
        require_one_class(self.folder.task, path.name)
        self.record = self.folder.record

    @cached_property
    def statistics(self) -> StudyRows:
        """Every figure."""
        return StudyRows.read(self.folder.path / STATISTICS)

    @cached_property
    def evaluation(self) -> Evaluation:
        """Curves and matrices."""
        return Evaluation.read(self.folder.path / EVALUATION)

    @cached_property
    def comparisons(self) -> list[ComparisonRow]:
        """Paired differences; none where nothing was compared."""
        path = self.folder.path / COMPARISONS
        return checked(read_json(path), list[ComparisonRow], path) if path.is_file() else []

    @cached_property
    def tested(self) -> Tested:
        """What the models said of the test films.

        Raises:
            InputError, DigestError: As `RunFolder.predictions`.
        """
        folder, of = self.folder, {}
        groups: dict[str, str] = {}
        for m, cell in enumerate(folder.cells):
            for t, trial in enumerate(folder.trials):
                table = of[m, t] = folder.predictions(cell, trial).of_part(PART)
                for i, patient, group in zip(table.image_ids, table.patient_ids, table.groups, strict=True):
                    groups.setdefault(
                        i, f"group {group}" if group else f"patient {patient}" if patient else f"film {i}"
                    )
        ids = sorted(groups)
        number = {i: k for k, i in enumerate(ids)}
        p = np.full((len(folder.cells), folder.n_trials, len(ids), len(folder.classes)), np.nan)
        for at, table in of.items():
            p[at][[number[i] for i in table.image_ids]] = table.probabilities
        films = tuple(folder.manifest.by_id[i] for i in ids)
        truth = np.array([folder.classes.index(f.label) for f in films], dtype=np.int64)
        answers = Answers(truth, p, folder.classes.index(folder.positive))
        return Tested(films, answers, tuple(groups[i] for i in ids))

    def label(self, cell: RunCell) -> str:
        """A model in the words of what varies between the run's models."""
        varying = self.folder.varying() or ("backbone",)
        return ", ".join(cell.factors.get(f, "") for f in varying) or cell.name


class Runs:
    """The runs of a workspace.

    Args:
        workspace: Its folder; None for none.
    """

    def __init__(self, workspace: Path | None) -> None:
        self.workspace = workspace
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, tuple[tuple[int, int], ...]], FinishedRun] = OrderedDict()

    def names(self) -> list[str]:
        """Names of the finished runs, sorted."""
        if self.workspace is None:
            return []
        folders = (self.workspace / "runs").glob("*")
        return sorted(f.name for f in folders if all((f / name).is_file() for name in _STAMPED))

    def get(self, name: str) -> FinishedRun | None:
        """A finished run by its name, which is one of `names`; None where there is none."""
        if self.workspace is None or name not in self.names():
            return None
        path = self.workspace / "runs" / name
        stamps = tuple((s.st_mtime_ns, s.st_size) for s in ((path / n).stat() for n in _STAMPED))
        with self._lock:
            if (name, stamps) not in self._kept:
                self._kept[name, stamps] = FinishedRun(path)
            self._kept.move_to_end((name, stamps))
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return self._kept[name, stamps]

    def readable(self) -> tuple[list[FinishedRun], list[tuple[str, str]]]:
        """The runs that can be read, and (name, why not) of the others."""
        found, broken = [], []
        for name in self.names():
            try:
                run = self.get(name)
                if run is not None:
                    found.append(run)
            except HilumError as e:
                broken.append((name, str(e)))
        return found, broken
