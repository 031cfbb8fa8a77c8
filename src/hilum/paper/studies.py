"""The studies that make up the paper, each a run that was evaluated; and what a reader must know of a study beside each of its numbers.

Convention: a suite's folder holds ``paper.json``; its members are run folders beside it. A member named ``experiment-N`` is an experiment
of the paper as described, one named ``as-run-N`` or ``as-run-N-more`` has the published scripts' faults, N from 1 to 5; any may be missing,
and a study of another name is shown without the paper.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Self

from hilum.artifacts.comparisons import ComparisonRow
from hilum.artifacts.drawn_films import DrawnFilms, drawn_path
from hilum.artifacts.looks import looks
from hilum.artifacts.run import RunCell, is_run
from hilum.artifacts.run_files import STATISTICS
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.suite_record import SUITE, SuiteRecord, is_suite_folder
from hilum.core.errors import InputError
from hilum.core.progress import progress
from hilum.paper import printed
from hilum.paper.side_by_side import SYNTHETIC, papers_numbers
from hilum.report import numbers
from hilum.report.evaluated import Evaluated
from hilum.report.run_notes import run_notes
from hilum.report.run_words import backbone_label, from_scratch
from hilum.stats.curves import point_figures
from hilum.study.faults import unsafe_among

_NAME = re.compile(r"(experiment|as-run)-([1-5])(?:-(.+))?")


@dataclass(frozen=True, kw_only=True)
class PaperStudy(Evaluated):
    """A study of the paper.

    Attributes:
        name: ``experiment-N``, ``as-run-N``, or another.
        seconds: That the study took, everything shared; None where not measured.
    """

    name: str
    seconds: float | None

    @classmethod
    def read(cls, name: str, path: Path, seconds: float | None, suite: Path) -> Self:
        """Read a study's run and check it.

        Args:
            name: Of the study.
            path: The run's folder.
            seconds: That the study took.
            suite: The file that names it, for messages.

        Raises:
            InputError: There is no such run, or it was not evaluated.
            DigestError: Its statistics are of other predictions.
        """
        if not is_run(path):
            raise InputError(
                f"{suite}: member {name!r} is run {path.name!r}, but {path} is no run's folder; run that study in this workspace, "
                "or take it out of the suite"
            )
        if not (path / STATISTICS).is_file():
            raise InputError(
                f"{suite}: member {name!r} was not evaluated: {path} has no statistics.json; run the study to its end"
            )
        return cls(folder=RunFolder(path), beside_of=papers_numbers, name=name, seconds=seconds).checked()

    @cached_property
    def validation(self) -> dict[str, float]:
        """Cell -> sensitivity on the validation films, mean over trials; a cell in one of whose trials it is undefined is left out."""
        folder, found = self.folder, {}
        positive = folder.classes.index(folder.positive)
        with progress("validation figures", len(folder.cells) * folder.n_trials, "trials") as step:
            for cell in folder.cells:
                trials = []
                for trial in folder.trials:
                    films = folder.predictions(cell, trial).of_part("valid")
                    trials.append(point_figures(films.y_index(), films.probabilities, positive))
                    step()
                if all("sensitivity" in t for t in trials):
                    found[cell.name] = fmean(t["sensitivity"] for t in trials)
        return found

    @cached_property
    def drawn(self) -> dict[str, int]:
        """Class -> training films as drawn, trial 1; empty where not recorded."""
        path = drawn_path(self.folder.path, "", self.folder.cells[0].pipeline, 1)
        by_id = self.folder.manifest.by_id
        films = DrawnFilms.read(path).parts["train"] if path.is_file() else ()
        return dict(Counter(by_id[f.image_id].label for f in films))

    @cached_property
    def looks(self) -> int | None:
        """How often its test part was looked at (`hilum.artifacts.looks`); None where there is no ledger."""
        seen = looks(self.folder)
        return seen.most if seen else None

    @property
    def experiment(self) -> int:
        """1 to 5; 0 for a study that is none of the paper's."""
        found = _NAME.fullmatch(self.name)
        return int(found[2]) if found else 0

    @property
    def as_run(self) -> bool:
        """Whether it is of the published scripts' faults."""
        return bool(self.experiment) and self.name.startswith("as-run")

    @property
    def title(self) -> str:
        """``Experiment 2``, ``Experiment 2 as run``, ``Experiment 2 as run (subset)``, or the name of another study."""
        found = _NAME.fullmatch(self.name)
        if not found:
            return self.name
        more = f" ({found[3]})" if found[3] else ""
        return f"Experiment {found[2]}{' as run' if self.as_run else ''}{more}"

    @property
    def unsafe(self) -> list[str]:
        """Switches that break validity and were on in any cell."""
        return unsafe_among(dict.fromkeys(s for c in self.folder.cells for s in c.switches))

    @property
    def short(self) -> str:
        """The title, for lists."""
        return self.title.replace("Experiment", "Exp.")

    def is_of_experiment(self, cell: RunCell) -> bool:
        """Whether a cell belongs to the paper's experiment; the constant rate that stands beside Experiments 3 and 4 does not."""
        return self.experiment not in (3, 4) or cell.schedule != "constant"

    @property
    def subset(self) -> str:
        """``subset “x” of 600 films``; empty where the study uses all films of its data."""
        subset = self.folder.record.subset
        return (
            f"subset “{subset['name']}” of {numbers.count(len(self.folder.manifest))} films" if subset else ""
        )

    @property
    def marks(self) -> str:
        """What its figures stand on: the subset, and whether it is unsafe; empty for neither."""
        return "; ".join(m for m in (self.subset, "UNSAFE" if self.unsafe else "") if m)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What stands under every table of the study."""
        return (*run_notes(self.folder), *([SYNTHETIC] if self.folder.record.synthetic else []))

    def caption(self, text: str) -> str:
        """A caption that says what a table is of (`marks`), and ends."""
        return f"{text} ({self.marks})." if self.marks else f"{text}."

    def family(self, factor: str) -> list[ComparisonRow]:
        """The rows of the families that compare a factor's levels, in the order of the study."""
        names = [f["name"] for f in self.folder.record.families if f["factor"] == factor]
        return [r for r in self.compared if r.family in names]

    def stands_in(self, cell: RunCell) -> bool:
        """Whether the cell's backbone takes the place of ResNet50 (Experiments 3 and 4)."""
        return self.experiment in (3, 4) and cell.backbone not in printed.BACKBONES[self.experiment]

    @property
    def stand_ins(self) -> list[str]:
        """Backbones that stand in for ResNet50."""
        return sorted({c.backbone for c in self.folder.cells if self.stands_in(c)})

    @property
    def undecided(self) -> list[str]:
        """Backbones that decide nothing, for their weights are random."""
        return sorted({c.backbone for c in self.folder.cells if not counts_for_claims(c)})

    def backbone_label(self, cell: RunCell) -> str:
        """The backbone for a table: marked where its weights are random and where it stands in for the paper's."""
        return backbone_label(cell) + (" (for resnet50)" if self.stands_in(cell) else "")


def counts_for_claims(cell: RunCell) -> bool:
    """Whether a cell decides anything: a frozen backbone with random weights does not, the network from scratch does."""
    return cell.pretrained or from_scratch(cell)


def highest(cells: Sequence[RunCell], figure: Callable[[RunCell], float | None]) -> RunCell | None:
    """The cell with the highest figure, the first of equals; None where no cell has one."""
    known = [(value, c) for c in cells if (value := figure(c)) is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


@dataclass(frozen=True)
class Paper:
    """The whole paper: every study of a suite.

    Attributes:
        suite: What ``paper.json`` says.
        studies: In the order of the suite.
    """

    suite: SuiteRecord
    studies: tuple[PaperStudy, ...]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a suite's folder, every study read and checked.

        Raises:
            InputError: It is no suite's, or a member does not exist or was not evaluated, or something is malformed.
            DigestError: A member's statistics are of other predictions.
        """
        if not is_suite_folder(folder):
            raise InputError(
                f"{folder}: expected the folder of a suite, with {SUITE}; make one with `hilum run` of a suite"
            )
        suite = SuiteRecord.read(folder)
        runs = folder.parent
        return cls(
            suite,
            tuple(PaperStudy.read(m.study, runs / m.run, m.seconds, folder / SUITE) for m in suite.members),
        )

    def experiment(self, number: int) -> PaperStudy | None:
        """The study of an experiment as described; that of the plain name where there are several."""
        found = [m for m in self.studies if m.experiment == number and not m.as_run]
        return min(found, key=lambda m: len(m.name)) if found else None

    @property
    def as_described(self) -> list[PaperStudy]:
        """The experiments as described, by number."""
        return [m for n in range(1, 6) if (m := self.experiment(n)) is not None]

    @property
    def as_run(self) -> list[PaperStudy]:
        """The experiments as run, by number."""
        return sorted((m for m in self.studies if m.as_run), key=lambda m: (m.experiment, m.name))

    @property
    def others(self) -> list[PaperStudy]:
        """Studies that are none of these, in the order of the suite."""
        known = {m.name for m in (*self.as_described, *self.as_run)}
        return [m for m in self.studies if m.name not in known]

    @property
    def in_order(self) -> tuple[PaperStudy, ...]:
        """All studies as the page has them: as described, as run, others."""
        return (*self.as_described, *self.as_run, *self.others)
