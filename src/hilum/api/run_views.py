"""A run, and a suite of runs: their statistics, films, models and figures."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from hilum.api.models import Model, said
from hilum.api.view import (
    Figures,
    FilmRows,
    Row,
    Table,
    Told,
    View,
    chosen,
    fitting,
    plain_table,
    rows_table,
)
from hilum.artifacts.header import read_json
from hilum.artifacts.looks import count_look
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_files import STATISTICS
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.suite_record import SuiteRecord, runs_of
from hilum.core.errors import InputError, require_known

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hilum.artifacts.run_files import StageLine
    from hilum.report.evaluated import Evaluated


class Run(View):
    """A finished run: `rows` are its statistics, each figure of each cell and trial with its interval.

    >>> run = hilum.load("tiny")
    >>> run.cells, run.folder.n_trials
    (('squeezenet1_0--baseline--low', 'squeezenet1_0--crop--low'), 2)
    >>> wrong = run.films(wrong=True, cell=run.cells[0], trial=1)
    >>> [(row["truth"], row["predicted"]) for row in wrong][0] in [("covid", "normal"), ("normal", "covid")]
    True
    >>> run.model(run.cells[0]).threshold
    0.4
    """

    page_name = "report.html"

    @property
    def stages(self) -> tuple[StageLine, ...]:
        """What each stage did and found, of `hilum.run`; none for a run that was loaded."""
        return self.made or ()

    @cached_property
    def folder(self) -> RunFolder:
        """Everything that lies in the run's folder."""
        return RunFolder(self._whole)

    @property
    def finished(self) -> bool:
        """Whether it has its report."""
        return (self.path / self.page_name).is_file()

    @property
    def cells(self) -> tuple[str, ...]:
        """Names of its models, in the order of the report."""
        return tuple(c.name for c in self.folder.cells)

    def model(self, cell: str, trial: int = 1) -> Model:
        """The model that a trial of a cell trained."""
        within = self.folder.folder(self._cell(cell), trial).relative_to(self.folder.path)
        return Model(self.path / within / "bundle")

    def rows(self) -> list[Row]:
        """A row a figure: cell, trial (None for the mean over trials), metric, class, part, estimate, low, high, ..."""
        return list(read_json(self.path / STATISTICS))

    def films(
        self,
        *,
        part: str = "test",
        truth: str | None = None,
        predicted: str | None = None,
        wrong: bool | None = None,
        cell: str | None = None,
        trial: int | None = None,
        **columns: Any,
    ) -> FilmRows:
        """Predicted films: a row a film, cell and trial, with its path, truth, prediction and probabilities. Test films count as looked at.

        Args:
            part: ``test`` or ``valid``.
            truth: Films of this class.
            predicted: Films of which this class has the highest probability.
            wrong: Films whose prediction is wrong, the most certain first (True), or right (False).
            cell: Of this model only.
            trial: Of this trial only.
            columns: Columns of the manifest: ``source="mooney"``, ``age=">=18"``.
        """
        require_known(part, ("test", "valid"), "unknown part")
        fits, films = fitting(columns, self.folder.manifest), self.folder.manifest.by_id
        if part == "test":
            _ = self._looked
        rows = (
            row | {c: films[row["image_id"]].value(c) for c in columns if c != "source"}
            for row in self._predicted(part, cell, trial)
            if fits(films[row["image_id"]])
        )
        found = chosen(rows, self.folder.classes, truth, predicted, wrong)
        return FilmRows(f"Films of {part}{' that are predicted wrong' * bool(wrong)}", found)

    @cached_property
    def _looked(self) -> None:
        """The test films of this view are looked at, once."""
        count_look(self.folder, "films")

    def _predicted(self, part: str, cell: str | None, trial: int | None) -> Iterator[Row]:
        films = self.folder.manifest.by_id
        for c in self.folder.cells if cell is None else [self._cell(cell)]:
            for t in self.folder.trials if trial is None else [trial]:
                p = self.folder.predictions(c, t).of_part(part)
                for k, i in enumerate(p.image_ids):
                    which = {"image_id": i, "path": films[i].path, "source": films[i].source}
                    yield which | said(p, k) | {"cell": c.name, "trial": t}

    def _cell(self, name: str) -> RunCell:
        require_known(name, self.folder.cell_named, "unknown cell")
        return self.folder.cell_named[name]

    @cached_property
    def _evaluated(self) -> Evaluated:
        from hilum.paper.side_by_side import papers_numbers
        from hilum.report.evaluated import Evaluated
        from hilum.stages.report.counterparts import counterparts
        from hilum.stages.report.lungs import lungs_of

        return Evaluated(self.folder, papers_numbers, counterparts, lungs_of(self.folder)).checked()

    def told(self) -> Told:
        """The study in a sentence, and what its report says to read first."""
        from hilum.report.run_notes import unsafe_notes
        from hilum.report.study_page import sentence

        title = f"Run {self.path.name}"
        if not self.finished:
            return Told(title, "not finished; the same hilum.run goes on where it was")
        kinds = "; ".join(dict.fromkeys(f"{c.title} ({c.severity})" for c in self._evaluated.cautions))
        cautions = [f"Read this first: {kinds}. Its {self.page_name} says more."] if kinds else []
        unsafe = [n.removeprefix("Unsafe: ") for n in unsafe_notes(self.folder)]
        return Told(title, sentence(self.folder), cautions, unsafe, self.folder.record.synthetic)

    def table(self) -> Table:
        """The results by cell, as the report has them; of a run that is not finished its cells."""
        if not self.finished:
            return rows_table([{"cell": c} for c in self.cells])
        from hilum.report.sections.results import key_table

        return key_table(self._evaluated)

    def drawn(self) -> Figures:
        """Those of the report."""
        names = sorted(p.stem for p in (self.path / "figures").glob("*.svg"))
        return {name: partial(self._draw, name) for name in names}

    def _draw(self, name: str) -> Figure:
        from hilum.report.drawn import kept_figures
        from hilum.report.sections import SECTIONS

        with kept_figures() as kept:
            for section in SECTIONS:
                section(self._evaluated)
                if name in kept:
                    return kept[name]
        raise InputError(f"{self.path}: its report is of another hilum, and has a figure {name!r} more")


class Suite(Run):
    """The runs of a suite: rows are those of all its members, the member before them; a cell is ``study/cell``. They have figures."""

    @cached_property
    def members(self) -> dict[str, Run]:
        """Name of a study in the suite -> its run."""
        record = SuiteRecord.read(self._whole)
        return {m.study: Run(p) for m, p in zip(record.members, runs_of(self._whole), strict=True)}

    @property
    def cells(self) -> tuple[str, ...]:
        return tuple(f"{name}/{c}" for name, run in self.members.items() for c in run.cells)

    def rows(self) -> list[Row]:
        return [{"study": name, **row} for name, run in self.members.items() for row in run.rows()]

    def model(self, cell: str, trial: int = 1) -> Model:
        study, _, name = cell.partition("/")
        require_known(study, self.members, "unknown study of the suite")
        return self.members[study].model(name, trial)

    def films(self, **asked: Any) -> FilmRows:
        """As `Run.films`, of every member."""
        study, _, cell = (asked.pop("cell", None) or "").partition("/")
        if study:
            require_known(study, self.members, "unknown study of the suite")
        members = {n: run for n, run in self.members.items() if study in ("", n)}
        found = {n: run.films(cell=cell or None, **asked) for n, run in members.items()}
        return FilmRows("Films", ({"study": n, **row} for n, rows in found.items() for row in rows))

    def told(self) -> Told:
        told = [run.told() for run in self.members.values()]
        unsafe, synthetic = [text for t in told for text in t.unsafe], any(t.synthetic for t in told)
        title = SuiteRecord.read(self.path).title
        return Told(f"Suite {self.path.name}", title, (), unsafe, synthetic)

    def table(self) -> Table:
        """Its members."""
        rows = [(n, run.path.name, len(run.cells), run.folder.n_trials) for n, run in self.members.items()]
        return plain_table("members", ("study", "run", "cells", "trials"), rows)

    def drawn(self) -> Figures:
        return {}
