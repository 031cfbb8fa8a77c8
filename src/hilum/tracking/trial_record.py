"""What is recorded of a trial: parameters, metrics by epoch, figures at the end, tags, and a few small files. MLflow is not needed here.

Conventions: a figure's name begins with the part that its films are of (``test/sensitivity``, ``valid/sensitivity``), and is for the class
of the highest probability unless it ends in ``_at_operating_point``. Test figures are the rows of statistics.json, the three main ones
with the ends of their intervals; validation figures are computed from the trial's predictions. Nothing that names a patient or a film is
recorded: no film, no manifest, no split, no predictions, and no study file, whose filters may name patients.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hilum
from hilum import RESEARCH_NOTICE
from hilum.artifacts.bundle import Bundle, bundle_version
from hilum.artifacts.header import Header
from hilum.artifacts.history import HISTORY, read_history
from hilum.artifacts.run import RunCell, RunRecord
from hilum.artifacts.run_files import STATISTICS
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import AT_OPERATING_POINT, MACRO, StudyRow, StudyRows
from hilum.artifacts.trial_files import BUNDLE, FINDER, PREDICT, SECONDS, TRAIN
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import SHORT, canonical_json, digest, sha256_file
from hilum.stats.curves import point_figures
from hilum.study.faults import unsafe_among
from hilum.study.metrics import shown_in
from hilum.study.several_findings import MULTILABEL

FILES = (BUNDLE, HISTORY, TRAIN, FINDER, PREDICT, SECONDS)
"""Files of a trial that are kept with its record, where they are there."""
_OF_EPOCH = ("train_loss", "valid_loss", "learning_rate")
_OF_STUDY = ("split", "augment", "features", "statistics", "sampling")


@dataclass(frozen=True)
class TrialRecord:
    """A trial as flat values.

    Attributes:
        key: run folder/cell/trial-N, which names it for good.
        name: For people.
        params: What was chosen.
        tags: Versions, digests, marks.
        code: Tags of the code that records; no part of the digest, so that a newer checkout records nothing again.
        epochs: (epoch, figures of the epoch).
        figures: At the end.
        files: Small files, by their name in the record.
        ended_ms: When training ended, milliseconds since 1970.
        seconds: Of training and prediction.
    """

    key: str
    name: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    code: Mapping[str, str]
    epochs: tuple[tuple[int, Mapping[str, float]], ...]
    figures: Mapping[str, float]
    files: Mapping[str, Path]
    ended_ms: int
    seconds: float

    @property
    def digest(self) -> str:
        """Digest of what is recorded, but for the code and clock times."""
        files = {name: sha256_file(path) for name, path in self.files.items()}
        return digest([self.key, self.params, self.tags, self.epochs, self.figures, files])


def trial_records(folder: RunFolder) -> Iterator[TrialRecord]:
    """The record of every trial of an evaluated run.

    Raises:
        InputError: The run is not finished.
    """
    rows: dict[tuple[str, int | None], list[StudyRow]] = {}
    for row in StudyRows.read(folder.path / STATISTICS).rows:
        rows.setdefault((row.cell, row.trial), []).append(row)
    code = code_version()
    for cell, trial in folder.units():
        where = folder.folder(cell, trial)
        bundle, header, _ = Bundle.described(where / "bundle")
        train = where / TRAIN
        seconds = folder.seconds(cell, trial)
        yield TrialRecord(
            key=f"{folder.path.name}/{cell.name}/trial-{trial}",
            name=f"{cell.name}--trial-{trial}",
            params=_params(folder.record, cell, trial, bundle, header),
            tags=_tags(folder, cell, trial, bundle, header),
            code=code,
            epochs=tuple((r.epoch, {k: getattr(r, k) for k in _OF_EPOCH}) for r in read_history(where)),
            figures={
                **_test_figures(
                    rows.get((cell.name, trial), ()), MACRO if folder.task == MULTILABEL else folder.positive
                ),
                **_valid_figures(folder, cell, trial),
                **{f"time_s/{s}": t for s, t in seconds.alone.items()},
                **{f"time_shared_s/{s}": t for s, t in seconds.here.items()},
            },
            files={name: where / name for name in FILES if (where / name).is_file()},
            ended_ms=int((train if train.is_file() else where).stat().st_mtime * 1000),
            seconds=seconds.alone.get("train", 0.0) + seconds.alone.get("predict", 0.0),
        )


def flat(value: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """A nested table as dotted keys and texts; None is left out, a list is JSON.

    >>> flat({"policy": {"kind": "plateau", "patience": 2}, "clip": None, "parts": ["train"]})
    {'policy.kind': 'plateau', 'policy.patience': '2', 'parts': '["train"]'}
    """
    found: dict[str, str] = {}
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            found.update(flat(inner, f"{before}{key}."))
        elif inner is not None:
            found[f"{before}{key}"] = inner if isinstance(inner, str) else canonical_json(inner)
    return found


def _params(run: RunRecord, cell: RunCell, trial: int, bundle: Bundle, header: Header) -> dict[str, str]:
    study, policies = run.study, run.table("policy")
    training = {k: v for k, v in bundle.training.items() if k not in ("study", "trial", "schedule")}
    if "policy" not in training and cell.schedule in policies:
        training["policy"] = policies[cell.schedule]
    of_study = {name: study[name] for name in _OF_STUDY if study.get(name)}
    if "augment" in of_study:  # a study's own pipelines are named by their digest, in the tags
        of_study["augment"] = {k: v for k, v in of_study["augment"].items() if k != "pipeline"}
    return {
        **cell.factors,
        "trial": str(trial),
        "seed.study": str(run.seed),
        "seed.trial": str(header.seed),
        "weights": cell.weights,
        "head": bundle.head,
        "precision": bundle.precision,
        "finetuned": str(cell.finetuned),
        "redraw_with_trial": canonical_json(run.redraw_with_trial),
        **flat(training, "training."),
        **flat(of_study),
        **flat(run.table("finetune") if cell.finetuned else {}, "finetune."),
        **flat(run.subset or {}, "subset."),
    }


def _tags(folder: RunFolder, cell: RunCell, trial: int, bundle: Bundle, header: Header) -> dict[str, str]:
    run = folder.record
    report = f"runs/{folder.path.name}/report.html"
    versions = {
        "study": run.study_digest,
        "manifest": run.manifest_digest,
        "split": header.inputs.get("split"),
        "features": header.inputs.get("features"),
        "pipeline": Pipeline.from_dict(bundle.preparation).digest,
        "weights": bundle.weights.get("sha256"),
        "bundle": bundle_version(folder.folder(cell, trial) / "bundle"),
        "predictions": sha256_file(folder.predictions_path(cell, trial)),
    }
    unsafe = ", ".join(unsafe_among(cell.switches))
    notes = [f"Trial {trial} of {cell.name}, study {run.name}. {RESEARCH_NOTICE}"]
    if unsafe:
        notes.append(f"**Unsafe**: {unsafe}. These figures say something else than they seem to.")
    if run.synthetic:
        notes.append("Synthetic films: the figures say nothing about real ones.")
    notes.append(f"Report, in the workspace: `{report}`.")
    return {
        **{f"hilum.{name}.digest": str(value)[:SHORT] for name, value in versions.items() if value},
        "hilum.run": folder.path.name,
        "hilum.cell": cell.name,
        "hilum.trial": str(trial),
        "hilum.version": run.versions.get("hilum", hilum.__version__),
        "hilum.unsafe": unsafe or "none",
        "hilum.faults": ", ".join(cell.switches) or "none",
        "hilum.synthetic": str(run.synthetic),
        "hilum.report": report,
        "hilum.notice": RESEARCH_NOTICE,
        "mlflow.source.name": f"hilum run: {folder.path.name}",
        "mlflow.source.type": "LOCAL",
        "mlflow.note.content": "\n\n".join(notes),
    }


def _test_figures(rows: list[StudyRow] | tuple[()], positive: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for r in rows:
        if r.class_ not in (positive, "all") or r.estimate is None:
            continue
        metric = r.metric.replace(AT_OPERATING_POINT, "_at_operating_point")
        name = f"{r.part}/{metric}" if r.class_ == positive else f"{r.part}/{metric}_all_classes"
        found[name] = r.estimate
        if r.metric in shown_in("headline") and r.low is not None and r.high is not None:
            found |= {f"{name}.low": r.low, f"{name}.high": r.high}
    return found


def _valid_figures(folder: RunFolder, cell: RunCell, trial: int) -> dict[str, float]:
    predictions = folder.predictions(cell, trial).of_part("valid")
    if not len(predictions) or folder.task == MULTILABEL:
        return {}
    k = folder.classes.index(folder.positive)
    figures = point_figures(predictions.y_index(), predictions.probabilities, k)
    return {f"valid/{m}": figures[m] for m in shown_in("validation") if m in figures}


@cache
def code_version() -> dict[str, str]:
    """Tags: git's commit of the code that records, and whether files differ from it; empty where hilum is in no checkout of its own."""
    package = Path(hilum.__file__).parent

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(package), *words], capture_output=True, text=True, timeout=10, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    # a package installed inside another project's checkout is not tracked there: that commit says nothing of hilum
    if git("ls-files", "--error-unmatch", "__init__.py") is None:
        return {}
    commit, changed = git("rev-parse", "HEAD"), git("status", "--porcelain", "--", ".")
    return {"mlflow.source.git.commit": commit, "hilum.git_changed": str(bool(changed))} if commit else {}
