"""predict: a bundle and films -> predictions.csv.

In a study they come from what is stored: features, or prepared films where the network was trained as a whole. Elsewhere from the films.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hilum.artifacts.bundle import Bundle, bundle_version
from hilum.artifacts.drawn_films import HELD_OUT, DrawnFilms
from hilum.artifacts.features import FeatureRows, PartFeatures
from hilum.artifacts.header import Header
from hilum.artifacts.kept_logits import KeptLogits
from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.predictions import JUDGED, Predictions
from hilum.artifacts.split import Split
from hilum.artifacts.trial_files import PREDICTIONS, PredictFacts
from hilum.core.errors import FilmError, InputError
from hilum.core.mirror import brought
from hilum.core.progress import progress
from hilum.core.tables import known
from hilum.imaging.as_ingested import bytes_as_ingested
from hilum.inference.drawn_predictions import predictions_of, says_one_thing
from hilum.inference.findings import decision_of, write_of_finding
from hilum.inference.judged import Seen, choose, gate_of, judge, patients_of
from hilum.inference.predictor import (
    Predictor,
    Scored,
    load_head,
    load_network,
    provenance,
    score_rows,
    softmaxed_again,
)
from hilum.inference.shapes import stored_shapes, training_shapes
from hilum.models.machine import exact_arithmetic, threads
from hilum.sources.facts import view_of
from hilum.sources.film_findings import text_of
from hilum.sources.named_films import named_films
from hilum.study.several_findings import MULTILABEL, require_one_class
from hilum.training.loop import logits
from hilum.training.regimen import LabelledRows
from hilum.training.task import Frozen, Whole

SHOWN = 20
"""Films named in a message, at most."""
_NAMED = 3
"""Films named for each reason, of films that were left without scores."""


@dataclass(frozen=True)
class PredictTask:
    """Predictions of one trial from what its study stored.

    Attributes:
        bundle: Its folder, in the run: what is chosen on validation is added there.
        drawn: The file that says what the trial drew (`hilum.artifacts.drawn_films`).
        body: Where its films are, as features or prepared, and the device of a whole network; heads are always scored on the CPU.
        out: predictions.csv.
        second_softmax: A fault of the published scripts, in the probabilities; the operating point is applied before it, on the scale that
            chose it.
        path: How the films were prepared, for the record.
        kept: Parts of whose films the logits are kept beside the predictions, for ensembles.
        findings: Of several findings, each one whose predictions are wanted by itself too, with the folder of that trial.
    """

    bundle: Path
    drawn: Path
    body: Frozen | Whole
    out: Path
    second_softmax: bool = False
    path: str = "the study's pipeline, draws included"
    kept: tuple[str, ...] = ()
    findings: tuple[tuple[str, Path], ...] = ()


def predict_trial(task: PredictTask) -> int:
    """Do one task; returns the number of films. Where it predicts validation films too, the bundle gets the
    thresholds of its sets and of its gate first.

    The seconds go beside the predictions, into predict.json, and whether every film got the same scores.
    """
    start = time.perf_counter()
    brought(task.bundle.parent, *(folder for _, folder in task.findings))
    bundle, header, state = Bundle.read(task.bundle)
    drawn = DrawnFilms.read(task.drawn)
    store = task.body.store(drawn)
    parts = {p: drawn.found(films, bundle.classes, store) for p in HELD_OUT if (films := drawn.held_out(p))}
    with threads(1), threadpool_limits(1):  # sums are taken in one order whatever the number of workers
        logits_of = _scorer(task, bundle, state)
        seen = {part: _seen(task, drawn, part, films, logits_of(films)) for part, films in parts.items()}
        constant = _predicted(task, bundle, header, drawn, seen)
        for finding, folder in task.findings:
            of_one, own_header = write_of_finding(task.bundle, finding, folder / "bundle")
            alone = replace(task, bundle=folder / "bundle", out=folder / PREDICTIONS, findings=())
            k, own = bundle.classes.index(finding), drawn.of_finding(finding, bundle.classes)
            _predicted(alone, of_one, own_header, own, {p: s.of_finding(k) for p, s in seen.items()})
        if task.kept:
            kept = {part: s.logits for part, s in seen.items()}
            if "train" in task.kept:
                kept["train"] = logits_of(drawn.found(drawn.parts["train"], bundle.classes, store))
            KeptLogits(bundle_version(task.bundle), kept).write(task.out.parent)
    facts = PredictFacts(round(time.perf_counter() - start, 4), constant)
    for folder in (
        *(folder for _, folder in task.findings),
        task.out.parent,
    ):  # the trial's own last: it is done then
        facts.write(folder)
    return sum(len(films.image_ids) for films in parts.values())


def _predicted(
    task: PredictTask, bundle: Bundle, header: Header, drawn: DrawnFilms, seen: Mapping[str, Seen]
) -> bool:
    """Write the predictions of films that were seen, by part; gives whether every film got the same scores."""
    if "valid" in seen:
        fitted_on = training_shapes(task.body.prepared, drawn, bundle.classes)
        bundle, gate = choose(bundle, task.bundle, seen["valid"], fitted_on)
    else:  # films from elsewhere: thresholds are those that the bundle has
        gate = gate_of(bundle, task.bundle)
    judged = {part: judge(bundle, gate, s.logits, s.shapes) for part, s in seen.items()}
    values = np.concatenate([j.probabilities for j in judged.values()])
    done = Header("predictions", inputs=header.inputs, options={"path": task.path, **bundle.asked})
    shown = softmaxed_again(values) if task.second_softmax else values
    ids = {part: [f.image_id for f in drawn.held_out(part)] for part in seen}
    predictions_of(drawn, ids, judged, shown, bundle, done).write(task.out)
    return says_one_thing(values)


def _scorer(
    task: PredictTask, bundle: Bundle, state: Mapping[str, NDArray[Any]]
) -> Callable[[PartFeatures], NDArray[np.float64]]:
    """What gives the logits of stored films, (n, n_classes)."""
    if isinstance(task.body, Whole):
        exact_arithmetic()  # in whatever process this is
        network = load_network(bundle, state, task.body.device)
        return lambda films: score_rows(network, FeatureRows(films.locations), bundle.batch).double().numpy()
    head = load_head(bundle, state)
    return lambda films: logits(head, LabelledRows.of(films)).double().numpy()


def _seen(
    task: PredictTask, drawn: DrawnFilms, part: str, films: PartFeatures, scores: NDArray[np.float64]
) -> Seen:
    """A part's films with logits and shapes."""
    shapes = stored_shapes(task.body.prepared, drawn, [f.pixels_sha256 for f in drawn.held_out(part)])
    return Seen(np.array(films.labels), scores, shapes, patients_of(drawn, films.image_ids))


def _scored(predictor: Predictor, rows: Sequence[FilmRow]) -> list[Scored]:
    def read() -> Iterator[tuple[str, bytes | FilmError]]:
        for row in rows:
            try:
                yield row.image_id, bytes_as_ingested(row.image_id, row.path, row.sha256)
            except FilmError as e:
                yield row.image_id, e

    scored = []
    with progress("predict", len(rows)) as step:
        for s in predictor.score(read()):
            scored.append(s)
            step()
    return scored


def predict_films(
    bundle: Path,
    paths: Sequence[Path],
    out: Path,
    device: str,
    split: Split | None = None,
    strict: bool = False,
    calibrated: bool = False,
    others: Sequence[Path] = (),
) -> Predictions:
    """Score films with a bundle and write predictions.csv; a film that cannot be read has its reason there.

    Patient, study and view are those of the manifest, or of a bare film's DICOM header.

    Args:
        bundle: Folder of the bundle.
        paths: Files, folders or manifests.
        out: predictions.csv.
        device: ``cpu`` or ``cuda``.
        split: Fills the part of films of a manifest.
        strict: Write nothing when a film has no scores.
        calibrated: Give probabilities at the bundle's temperature; decisions, sets and strangers are as without.
        others: Bundles of the same classes, such as other trials of the cell: how far apart all are on a film is its ``spread``.

    Raises:
        InputError: No film; films without scores when `strict`, all of them named; bundles of other classes; no temperature.
    """
    named = named_films(paths)
    rows = named.rows
    predictor = Predictor(bundle, device, calibrated=calibrated)
    scored = _scored(predictor, rows)
    spread = _spread(predictor, scored, [Predictor(b, device, calibrated=calibrated) for b in others], rows)
    if strict:
        _require_scores(scored, out)
    classes = predictor.bundle.classes
    header = provenance(predictor)
    more = {"left_out": named.notes(), "spread_over": f"{len(others) + 1} bundles" if others else ""}
    header = replace(header, options={**header.options, **{k: v for k, v in more.items() if v}})
    judged = {c: texts for c in JUDGED if any(texts := tuple(s.judged.get(c, "") for s in scored))}
    nothing = np.full(len(classes), np.nan)
    predictions = Predictions(
        image_ids=tuple(r.image_id for r in rows),
        patient_ids=tuple(
            r.patient_id if r.source else known(s.facts.get("patient_id", ""))
            for r, s in zip(rows, scored, strict=True)
        ),
        parts=tuple(split.part_of.get(r.image_id, "") if split else "" for r in rows),
        y_true=tuple(text_of(r, classes) if predictor.bundle.task == MULTILABEL else r.label for r in rows),
        probabilities=np.stack([nothing if s.probabilities is None else s.probabilities for s in scored]),
        classes=classes,
        groups=tuple(split.group_of.get(r.image_id, "") if split else "" for r in rows),
        operating_point=tuple(decision_of(predictor.bundle, s) for s in scored),
        errors=tuple(s.error for s in scored),
        header=header,
        study_uids=tuple(s.facts.get("study_uid", "") for s in scored),
        views=tuple(r.view or view_of(s.facts.get("view", "")) for r, s in zip(rows, scored, strict=True)),
        judged=judged | spread,
    )
    predictions.write(out)
    return predictions


def _require_scores(scored: Sequence[Scored], out: Path) -> None:
    bad = [s for s in scored if s.error]
    if bad:
        shown = "".join(f"\n  {s.name}: {s.error}" for s in bad[:SHOWN])
        more = f"\n  ... and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise InputError(
            f"{len(bad)} of {len(scored)} films cannot be scored, and --strict was given; {out} was not written:{shown}{more}"
        )


def _spread(
    predictor: Predictor, scored: Sequence[Scored], others: Sequence[Predictor], rows: Sequence[FilmRow]
) -> dict[str, tuple[str, ...]]:
    """Standard deviation (divisor n - 1) over bundles of each film's probability of the positive class; empty without other bundles."""
    own = predictor.bundle
    if others:
        require_one_class(
            own.task, "--spread", "ask the bundles of one finding, findings/<finding> in their run's folder"
        )
    for other in others:
        if (other.bundle.classes, other.bundle.positive) != (own.classes, own.positive):
            raise InputError(
                f"--spread: expected bundles of the classes {', '.join(own.classes)} with {own.positive} positive, got one of "
                f"{', '.join(other.bundle.classes)} with {other.bundle.positive}"
            )
    if not others:
        return {}
    k = own.classes.index(own.positive)
    found = []
    for films in zip(scored, *(_scored(o, rows) for o in others), strict=True):
        p = [s.probabilities[k] for s in films if s.probabilities is not None]
        found.append(f"{np.std(p, ddof=1):.6g}" if len(p) == len(films) else "")
    return {"spread": tuple(found)}


def scored_words(done: Predictions) -> list[str]:
    """What was left out, the films without scores by reason, and how many have them: a line each."""
    failed: dict[str, list[str]] = {}
    for image_id, error in zip(done.image_ids, done.errors, strict=True):
        if error:
            failed.setdefault(error, []).append(image_id)
    lines = [*done.header.options.get("left_out", ())]
    for reason, ids in sorted(failed.items()):
        more = ", ..." if len(ids) > _NAMED else ""
        lines.append(f"not scored, {reason}: {len(ids)} ({', '.join(ids[:_NAMED])}{more})")
    n_failed = sum(map(len, failed.values()))
    return [*lines, f"{len(done) - n_failed} films scored, {n_failed} not"]
