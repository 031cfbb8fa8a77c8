"""ensemble: what trials of several cells said -> a bundle of their bundles, and its predictions.

Weights are fitted on films of validation (or, where its table says so, of training), never of test, whose labels are not read here. The
ensemble's operating point, temperature, sets and gate are chosen on validation too; so that they are not chosen on answers of films that
the weights were fitted on, the answers of validation films are out of fold: by weights fitted without the film's patient. The weights
that the bundle keeps, and test is answered by, are fitted on all of them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hilum.artifacts.bundle import Bundle, Member, bundle_version
from hilum.artifacts.drawn_films import HELD_OUT, DrawnFilms
from hilum.artifacts.header import Header
from hilum.artifacts.kept_logits import KeptLogits
from hilum.artifacts.trial_files import PREDICT, PREDICTIONS, EnsembleFacts, PredictFacts, TrainFacts
from hilum.core.digests import digest
from hilum.core.errors import InputError
from hilum.core.keys import ALWAYS, Key
from hilum.core.mirror import brought
from hilum.ensembles import KINDS, Arrays, Fitting, Said, combined, fitted, fitted_out_of_fold, said
from hilum.inference.drawn_predictions import predictions_of, says_one_thing
from hilum.inference.judged import Seen, choose, gate_of, judge, patients_of
from hilum.inference.shapes import stored_shapes, training_shapes
from hilum.models.machine import threads
from hilum.study.ensembles import ENSEMBLE_KEY, Ensemble, FittedTable, fit_part, recorded_ensemble
from hilum.training.trial import finished

ENSEMBLE_TRIAL = Key(
    table=ENSEMBLE_KEY, members=ALWAYS, films=ALWAYS, seed=ALWAYS, threshold_rule="youden", backbone=ALWAYS
)
"""What a trial of an ensemble depends on (`hilum.core.keys` has the rules): members by version, films that are fitted on by digest."""


@dataclass(frozen=True)
class MemberTrial:
    """A trial of a member.

    Attributes:
        cell: Its cell.
        folder: The trial's, with its bundle and its kept logits.
        drawn: The file that says what it drew.
    """

    cell: str
    folder: Path
    drawn: Path


class Answers:
    """What the members said of the films of a trial."""

    def __init__(self, members: Sequence[MemberTrial]) -> None:
        self.members = members
        self.bundles = [Bundle.described(m.folder / "bundle")[0] for m in members]
        self.versions = [bundle_version(m.folder / "bundle") for m in members]
        read = {m.drawn: DrawnFilms.read(m.drawn) for m in members}
        self._drawn = [read[m.drawn] for m in members]
        self.drawn, self.classes = self._drawn[0], self.bundles[0].classes

    @cached_property
    def _kept(self) -> list[KeptLogits]:
        return [KeptLogits.read(m.folder, v) for m, v in zip(self.members, self.versions, strict=True)]

    def ids(self, part: str) -> list[str]:
        """The films of a part, in the order of what is said of them."""
        return [f.image_id for f in _films(self.drawn, part)]

    def labels(self, part: str) -> NDArray[np.int64]:
        """Their class indices: of films that are fitted on, or that something is chosen on."""
        if part == "test":
            raise ValueError("labels of test films are not read here")
        return np.array(self.drawn.labels(_films(self.drawn, part), self.classes), dtype=np.int64)

    def said(self, part: str) -> Said:
        """What each member said of a part's films.

        Raises:
            InputError: They are not the same films to all members.
        """
        wanted = [(f.image_id, f.copy) for f in _films(self.drawn, part)]
        found = []
        for member, drawn, kept in zip(self.members, self._drawn, self._kept, strict=True):
            at = {(f.image_id, f.copy): k for k, f in enumerate(_films(drawn, part))}
            if at.keys() != set(wanted):
                raise InputError(
                    f"{member.folder}: its {part} films are not those of {self.members[0].folder}; members of an ensemble share their "
                    "splits"
                )
            found.append(said(kept.parts[part][[at[w] for w in wanted]]))
        return np.stack(found, axis=1)

    def fitting(self, part: str, watched: Fitting | None = None) -> Fitting:
        """A part's films, to fit on."""
        groups = patients_of(self.drawn, self.ids(part))
        return Fitting(self.said(part), self.labels(part), groups, watched)


def _films(drawn: DrawnFilms, part: str) -> Sequence[Any]:
    return drawn.held_out(part) if part in HELD_OUT else drawn.parts[part]


@dataclass(frozen=True)
class EnsembleTask:
    """One trial of one ensemble.

    Attributes:
        out: The trial's folder.
        backbone: The cell's.
        table: The ensemble's.
        members: Its members' trials.
        prepared: The workspace's ``prepared`` folder, whose films a gate is fitted on.
        threshold_rule: How the operating point is chosen.
        seed: Of folds and of first weights.
        of: ``study``, ``trial`` and ``schedule``, for the record.
    """

    out: Path
    backbone: str
    table: Ensemble
    members: tuple[MemberTrial, ...]
    prepared: Path
    threshold_rule: str
    seed: int
    of: Mapping[str, Any]

    def key(self) -> str:
        """Digest of all that makes a difference; the members' bundles must be there."""
        answers = Answers(self.members)
        return self._key(answers)

    def _key(self, answers: Answers) -> str:
        films = {p: answers.drawn.digest_of(p, answers.classes) for p in {"valid", fit_part(self.table)} if p}
        return ENSEMBLE_TRIAL.digest(
            {
                "table": self.table.model_dump(),
                "members": answers.versions,
                "films": films,
                "seed": self.seed,
                "threshold_rule": self.threshold_rule,
                "backbone": self.backbone,
            }
        )

    @property
    def finished(self) -> bool:
        """Whether it is there, made of what its members are now."""
        there = all((self.out / name).is_file() for name in (PREDICTIONS, PREDICT))
        facts = EnsembleFacts.of(self.out) if there else None
        return facts is not None and facts.key == self.key()


def combine(task: EnsembleTask) -> int:
    """Make a trial of an ensemble: its bundle, and its predictions of valid and test; returns the number of films predicted.

    Raises:
        InputError: Its members have other films or classes, or no logits were kept of them.
        DigestError: Logits are of another bundle.
    """
    start = time.perf_counter()
    brought(task.out, *(m.folder for m in task.members))
    answers = Answers(task.members)
    table, part = task.table, fit_part(task.table)
    with threads(1), threadpool_limits(1):
        valid = answers.fitting("valid")
        films = valid if part != "train" else answers.fitting("train", watched=valid)
        arrays = fitted(table, films, task.seed)
        folds, own = 0, combined(table, arrays, valid.said)
        if part == "valid":
            assert isinstance(table, FittedTable)
            own, folds = fitted_out_of_fold(table, valid, task.seed, table.folds)
        first = answers.bundles[0]
        found = {"ensemble": table.model_dump(), "n_train": len(films.labels) if part else 0}
        template = _template(task, answers)
        bundle = finished(template, own, valid.labels, task.threshold_rule, found)
        inputs = {
            "split": answers.drawn.header.inputs["split"],
            **{p: answers.drawn.digest_of(p, first.classes) for p in ("train", "valid")},
            "members": digest(answers.versions),
        }
        folder = task.out / "bundle"
        bundle.write(folder, Header("bundle", inputs=inputs, options=found, seed=task.seed), arrays)
        shapes = stored_shapes(task.prepared, answers.drawn, _pixels(answers, "valid"))
        seen = Seen(valid.labels, own, shapes, valid.groups)
        choose(bundle, folder, seen, training_shapes(task.prepared, answers.drawn, first.classes))
    TrainFacts(round(time.perf_counter() - start, 4)).write(task.out)
    n = _predict(
        answers, task.out, arrays, task.prepared, {"valid": own}, "the members' pipelines, draws included"
    )
    weigh = KINDS[table.kind].weights
    shares = () if weigh is None else tuple(float(w) for w in weigh(table, arrays, valid.said).mean(axis=0))
    n_fitted = len(films.labels) if part else 0
    EnsembleFacts(task._key(answers), part, n_fitted, folds, shares).write(task.out)
    return n


def _template(task: EnsembleTask, answers: Answers) -> Bundle:
    """The bundle, but for what is chosen."""
    first = answers.bundles[0]
    where = task.out / "bundle"
    members = tuple(
        Member(m.cell, Path(os.path.relpath(m.folder / "bundle", where)).as_posix(), v)
        for m, v in zip(task.members, answers.versions, strict=True)
    )
    return Bundle(
        classes=first.classes, positive=first.positive, backbone=task.backbone, weights={}, state_sha256=digest(answers.versions),
        precision=first.precision, batch=min(b.batch for b in answers.bundles), preparation=first.preparation, head=task.table.kind,
        operating_point={}, calibration={}, training=dict(task.of), network="ensemble", lungs=first.lungs, members=members,
    )  # fmt: skip


def _pixels(answers: Answers, part: str) -> list[str]:
    return [f.pixels_sha256 for f in _films(answers.drawn, part)]


def _predict(
    answers: Answers,
    out: Path,
    arrays: Arrays,
    prepared: Path,
    known: Mapping[str, NDArray[np.float64]],
    path: str,
) -> int:
    """Write the predictions of an ensemble whose bundle lies in a trial's folder.

    Args:
        answers: What its members said.
        out: The trial's folder.
        arrays: What combines them.
        prepared: The workspace's ``prepared`` folder.
        known: Part -> logits that are there already.
        path: How films were prepared, for the record.
    """
    start = time.perf_counter()
    bundle, header, _ = Bundle.described(out / "bundle")
    table, gate = recorded_ensemble(bundle.training["ensemble"]), gate_of(bundle, out / "bundle")
    films, judged = {}, {}
    with threads(1), threadpool_limits(1):
        for part in HELD_OUT:
            if not (ids := answers.ids(part)):
                continue
            logits = known[part] if part in known else combined(table, arrays, answers.said(part))
            shapes = stored_shapes(prepared, answers.drawn, _pixels(answers, part))
            films[part], judged[part] = ids, judge(bundle, gate, logits, shapes)
    values = np.concatenate([j.probabilities for j in judged.values()])
    options = {"path": path, "positive": bundle.positive}
    if "valid" in films and fit_part(table) == "valid":
        options["valid"] = "out of fold: by weights fitted without the film's patient"
    done = Header("predictions", inputs=header.inputs, options=options)
    predictions_of(answers.drawn, films, judged, values, bundle, done).write(out / PREDICTIONS)
    PredictFacts(round(time.perf_counter() - start, 4), says_one_thing(values)).write(out)
    return len(values)


def ask_elsewhere(out: Path, members: Sequence[MemberTrial], prepared: Path) -> int:
    """Predictions of other films by an ensemble that is there, from what its members, in its order, said of them.

    Args:
        out: The trial's folder, which holds the ensemble's bundle.
        members: Trials of its members on the same films, their logits kept.
        prepared: The workspace's ``prepared`` folder.
    """
    _, _, arrays = Bundle.read(out / "bundle")
    return _predict(Answers(members), out, arrays, prepared, {}, "fixed steps only")
