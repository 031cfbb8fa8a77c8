"""What a finished run left on disk, read and checked: the cells, splits, predictions, losses and seconds.

Convention: the layout is the workflow's. A run folder is one study: every split was drawn from the manifest
that ``run.json`` names, and the predictions of every cell are of exactly the films of its split. Whatever
does not fit is refused; nothing is written or computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.flow import Flow
from hilum.artifacts.header import read_object
from hilum.artifacts.history import LossCurve
from hilum.artifacts.manifest import Exclusion, Manifest, read_exclusions
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.questions import Question, questions
from hilum.artifacts.run import RECORD, RunCell, RunRecord, is_run
from hilum.artifacts.run_files import AUDIT, DUPLICATES, EXCLUDED, MANIFEST, SPLITS
from hilum.artifacts.split import AnySplit, read_split
from hilum.artifacts.trial_files import PREDICTIONS, Seconds, trial_folder
from hilum.core.digests import digest, sha256_file
from hilum.core.errors import DigestError, InputError
from hilum.study.factors import FACTOR
from hilum.study.faults import that_set
from hilum.study.probes import FAMILY, NO_PROBE

PREDICTED_PARTS = ("valid", "test")


class RunFolder:
    """A run's folder.

    Args:
        path: The folder that holds ``run.json``.

    Attributes:
        cells: Those that are models, in order.
        probes: Those that are probes, which stand beside a model and are shown with it only.

    Raises:
        InputError: No ``run.json``, or one without the keys that are needed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        where = path / RECORD
        if not where.is_file():
            raise InputError(
                f"{path}: expected the folder of a run, with run.json; make one with `hilum run STUDY`"
            )
        self.record = RunRecord.read(where)
        self.classes, self.positive = self.record.classes, self.record.positive
        self.task, self.n_trials = self.record.task, self.record.n_trials
        self.cells = tuple(c for c in self.record.cells if c.probe == NO_PROBE)
        self.probes = tuple(c for c in self.record.cells if c.probe != NO_PROBE)
        self._read: dict[tuple[str, int], AnySplit] = {}

    def varying(self) -> tuple[str, ...]:
        """The factors that have several levels in this study; a source left out is said though every cell is without it."""
        levels = {f: {c.factors.get(f) for c in self.cells} for f in FACTOR}
        return tuple(
            f
            for f, v in levels.items()
            if len(v) > 1 or (FACTOR[f].said_alone and v - {FACTOR[f].default, None})
        )

    @cached_property
    def cell_named(self) -> Mapping[str, RunCell]:
        """Each model's cell by its name."""
        return {c.name: c for c in self.cells}

    @property
    def families(self) -> list[dict[str, Any]]:
        """The study's families of comparisons, and that of the probes with their models where it has some."""
        return [*self.record.families, *([dict(FAMILY)] if self.probes else [])]

    @property
    def trials(self) -> range:
        """The numbers of the trials: 1, 2, ..."""
        return range(1, self.n_trials + 1)

    def units(self, probes: bool = False) -> Iterator[tuple[RunCell, int]]:
        """Every model's cell with every trial, or every cell of all."""
        for cell in self.record.cells if probes else self.cells:
            for trial in self.trials:
                yield cell, trial

    @cached_property
    def manifest(self) -> Manifest:
        """The films of the study."""
        return Manifest.read(self.path / MANIFEST)

    @cached_property
    def questions(self) -> list[Question]:
        """The contrasts and subgroups that the study names."""
        return questions(self.record.study, self.classes, self.positive, self.manifest)

    @cached_property
    def exclusions(self) -> list[Exclusion]:
        """What was left out; empty where there is no such table."""
        return read_exclusions(self.path / EXCLUDED)

    @cached_property
    def copies(self) -> Duplicates | None:
        """The copies among the films; None where the run keeps no record of them."""
        path = self.path / DUPLICATES
        return Duplicates.read(path) if path.is_file() else None

    @cached_property
    def audit(self) -> dict[str, Any] | None:
        """What the audit of the films found; None where the run keeps no record of it."""
        path = self.path / AUDIT
        return read_object(path) if path.is_file() else None

    @cached_property
    def flow(self) -> Flow | None:
        """What became of every film; None where the run keeps no record of it."""
        return Flow.of_run(self.path)

    @cached_property
    def splits(self) -> dict[int, AnySplit]:
        """Trial -> the split that a page counts: the study's plain one, or the first cell's where no cell has that (`split_of`).

        Raises:
            DigestError: A split was drawn from another manifest.
        """
        own = next((c.splits for c in self.cells if not c.switches), "")
        return {t: self._split(own if all(c.splits for c in self.cells) else "", t) for t in self.trials}

    def split_of(self, cell: RunCell, trial: int) -> AnySplit:
        """The split that a trial of a cell was trained and tested on; an unsafe one where the cell is."""
        return self._split(cell.splits, trial)

    def splits_digest(self) -> str:
        """Digest of every split that a cell uses."""
        kinds = sorted({c.splits for c in self.cells} | {""})
        return digest([self._split(k, t).digest for k in kinds for t in self.trials])

    def _split(self, kind: str, trial: int) -> AnySplit:
        key = kind, trial
        if key not in self._read:
            path = self.path / SPLITS / kind / f"trial-{trial}.json"
            split = read_split(path)
            drawn_from = split.header.inputs.get("manifest")
            if drawn_from != self.record.manifest_digest:
                raise DigestError(
                    f"{path}: it was drawn from manifest {str(drawn_from)[:16]!r}, but the run is of "
                    f"manifest {self.record.manifest_digest[:16]!r}; the folder mixes two runs: run the "
                    "study again in an empty folder"
                )
            unknown = [i for i in split.group_of if i not in self.manifest.films.row_of]
            if unknown:
                raise DigestError(
                    f"{path}: film {unknown[0]!r} is not in the run's manifest.csv ({len(unknown)} such "
                    "films)"
                )
            self._read[key] = split
        return self._read[key]

    def folder(self, cell: RunCell, trial: int) -> Path:
        """Where a trial of a cell lies."""
        return trial_folder(self.path, cell.name, trial)

    def predictions_path(self, cell: RunCell, trial: int) -> Path:
        """The predictions of a trial of a cell."""
        return self.folder(cell, trial) / PREDICTIONS

    def predictions(self, cell: RunCell, trial: int) -> Predictions:
        """The predictions of a trial, checked against its split.

        Raises:
            InputError: They have other classes, or a label that differs from the manifest's.
            DigestError: Their films are not those of the split.
        """
        path = self.predictions_path(cell, trial)
        predictions = Predictions.read(path)
        if predictions.classes != self.classes:
            raise InputError(f"{path}: expected classes {self.classes!r}, got {predictions.classes!r}")
        split = self.split_of(cell, trial)
        for part in PREDICTED_PARTS:
            got = {i for i, p in zip(predictions.image_ids, predictions.parts, strict=True) if p == part}
            wanted = set(split.parts[part])
            if part != "test":
                # under an unsafe split a film of valid may be one of test, and is predicted as that
                wanted -= set(split.parts["test"])
            if got != wanted:
                film = sorted(got ^ wanted)[0]
                raise DigestError(
                    f"{path}: its {part} films are not those of splits/trial-{trial}.json: "
                    f"{len(wanted - got)} are missing, {len(got - wanted)} do not belong, the first is "
                    f"{film!r}; the folder mixes two runs"
                )
        row_of, labels = self.manifest.films.row_of, self.manifest.texts("label")
        for i, y in zip(predictions.image_ids, predictions.y_true, strict=True):
            row = row_of.get(i)
            if row is not None and labels[row] != y:
                raise InputError(
                    f"{path}: film {i!r} has y_true {y!r}, but the manifest says {labels[row]!r}"
                )
        return predictions

    def losses(self, cell: RunCell, trial: int) -> LossCurve:
        """Losses by epoch."""
        return LossCurve.of_trial(self.folder(cell, trial))

    def bundle(self, cell: RunCell, trial: int) -> Bundle | None:
        """What bundle.json says, whose weights are not looked at; None where there is no bundle."""
        folder = self.folder(cell, trial) / "bundle"
        return Bundle.described(folder)[0] if (folder / "bundle.json").is_file() else None

    def operating_point(self, cell: RunCell, trial: int) -> dict[str, Any]:
        """The bundle's operating point; empty where there is none. Of several findings it has ``thresholds``, by finding."""
        bundle = self.bundle(cell, trial)
        return bundle.operating_point if bundle else {}

    def temperature(self, cell: RunCell, trial: int) -> float | None:
        """The bundle's temperature, chosen on validation; None where there is none, or where the probabilities passed a second softmax:
        no temperature of the logits leads to those."""
        bundle = None if that_set(cell.switches, "second_softmax") else self.bundle(cell, trial)
        value = bundle.calibration.get("temperature") if bundle else None
        return None if value is None else float(value)

    def trained_weights(self, cell: RunCell, trial: int) -> str:
        """Digest of the weights that scored a trial's films, backbone and head together; empty where there is no bundle."""
        folder = self.folder(cell, trial) / "bundle"
        if not (folder / "bundle.json").is_file():
            return ""
        bundle, _, trained = Bundle.described(folder)
        return digest([trained, bundle.state_sha256])

    def seconds(self, cell: RunCell, trial: int) -> Seconds:
        """Seconds by step."""
        return Seconds.known(self.folder(cell, trial))

    def weight_digests(self) -> list[str]:
        """`trained_weights` of every trial of every cell, probes too."""
        return [self.trained_weights(c, t) for c, t in self.units(probes=True)]

    def prediction_digests(self) -> dict[str, str]:
        """``cell/trial-n`` -> sha256 of its predictions.csv."""
        found = {}
        for cell, trial in self.units(probes=True):
            path = self.predictions_path(cell, trial)
            if not path.is_file():
                raise InputError(f"{path}: no predictions; the run is not finished, run it again to go on")
            found[f"{cell.name}/trial-{trial}"] = sha256_file(path)
        return found

    def results_digest(self) -> str:
        """Digest of what the run is compared with others by: its study, its predictions and the weights that gave them."""
        return digest([self.record.study_digest, self.prediction_digests(), self.weight_digests()])


STATISTICS_INPUTS: Mapping[str, Callable[[RunFolder], str]] = {
    "study": lambda run: run.record.study_digest,
    "manifest": lambda run: run.record.manifest_digest,
    "splits": RunFolder.splits_digest,
    "predictions": lambda run: digest(run.prediction_digests()),
    "operating_points": lambda run: digest([run.operating_point(c, t) for c, t in run.units(probes=True)]),
    "temperatures": lambda run: digest([run.temperature(c, t) for c, t in run.units(probes=True)]),
    "weights": lambda run: digest(run.weight_digests()),
}
"""What a run's statistics are made from -> its digest as it is now."""


def run_of(path: Path) -> RunFolder | None:
    """The run that a file lies in; None where it lies in none."""
    at = next((p for p in path.resolve().parents if is_run(p)), None)
    return RunFolder(at) if at is not None else None
