"""One film: its part in each trial of a run, what was drawn for it, and what each model said of it.

Convention: the film is told by its id, class and digests. Of its patient only whether an id is known is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hilum.artifacts.drawn_films import PREPARED, DrawnFilms, drawn_paths
from hilum.artifacts.lineage import SHOWN, Artefact, compared
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run import RECORD, RunRecord
from hilum.artifacts.run_files import SPLITS
from hilum.artifacts.split import read_split
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import sha256_file
from hilum.lineage.noun import once
from hilum.study.several_findings import MULTILABEL


def one_film(row: FilmRow, manifest_path: Path, runs: Sequence[Path]) -> Artefact:
    """A film of a manifest, and its way through runs.

    Args:
        row: The film.
        manifest_path: The manifest that it was found in.
        runs: Runs to look into; those without the film are left out.
    """
    path = Path(row.path)
    facts: dict[str, Any] = {
        "class": row.label,
        "source": row.source,
        "size": f"{row.width_px} x {row.height_px} px",
        "patient": "id known" if row.patient_id else "no id",
        "pixels": row.pixels_sha256[:SHOWN],
    }
    facts |= {k: getattr(row, k) for k in ("view", "age_group", "source_part") if getattr(row, k)}
    facts["in runs"] = {run.name: story for run in runs if (story := _in_run(row.image_id, run))}
    link = compared("file", row.sha256, sha256_file(path) if path.is_file() else None, f"no file {path}")
    return Artefact("film", row.image_id, row.sha256, str(manifest_path), facts, None, (link,))


def _in_run(image_id: str, run: Path) -> dict[str, list[dict[str, Any]]]:
    parts, drawn, said = [], [], []
    for path in sorted((run / SPLITS).rglob("*.json")):
        split = read_split(path)
        group = split.group_of.get(image_id)
        if group is None:
            continue
        inside = [p for p, ids in split.parts.items() if image_id in ids]
        n = sum(g == group for g in split.group_of.values())
        name = path.relative_to(run / SPLITS).with_suffix("").as_posix()
        parts.append({"split": name, "part": "+".join(inside), "films of its group": n})
    if not parts:
        return {}
    pipelines = {n: Pipeline.from_dict(t) for n, t in RunRecord.read(run / RECORD).pipelines.items()}
    for path in drawn_paths(run):
        name = path.relative_to(run / PREPARED).with_suffix("").as_posix()
        drawn += list(_drawn(image_id, path, name, pipelines))
    for path in sorted(run.glob("cells/*/trial-*/predictions.csv")):
        said += list(_said(image_id, path))
    return {"parts": parts, "drawn": drawn, "predicted": said}


def _drawn(image_id: str, path: Path, name: str, pipelines: dict[str, Pipeline]) -> Iterator[dict[str, Any]]:
    lists = DrawnFilms.read(path).parts
    pipeline = pipelines.get(path.stem.rpartition("--")[0])
    for part in ("train", "valid", "test"):
        for film, copy, pixels, drawn in lists[part]:
            if film != image_id:
                continue
            words = (
                pipeline.caption(drawn) if pipeline else "; ".join(d["op"] for d in drawn) or "nothing drawn"
            )
            yield {
                "prepared": name,
                "part": part,
                "copy": copy,
                "drawn": words,
                "pixels": pixels[:SHOWN],
                "steps": drawn,
            }


def _said(image_id: str, path: Path) -> Iterator[dict[str, Any]]:
    p = Predictions.read(path)
    for k in (k for k, i in enumerate(p.image_ids) if i == image_id):
        scores = {} if p.errors[k] else dict(zip(p.classes, p.probabilities[k].tolist(), strict=True))
        yield {
            "trial": f"{path.parent.parent.name}/{path.parent.name}",
            "part": p.parts[k],
            "class": p.y_true[k],
            "highest": _highest(p, scores, k),
            **{f"p {c}": score for c, score in scores.items()},
            "at operating point": {"1": "positive", "0": "negative"}.get(p.operating_point[k], ""),
        }


def _highest(p: Predictions, scores: Mapping[str, float], k: int) -> str:
    """The class of the highest probability of a film, or why there is none; of several findings those that are called there."""
    if not scores:
        return p.errors[k]
    return p.operating_point[k] if p.task == MULTILABEL else max(scores, key=lambda c: scores[c])


def find_film(image_id: str, manifests: Iterable[Path]) -> tuple[FilmRow, Path] | None:
    """The first manifest that has the film; by its id, or by the digest of its bytes."""
    for path in manifests:
        manifest = once(Manifest.read, path)
        if image_id in manifest.by_id:
            return manifest.by_id[image_id], path
        for film in manifest.films:
            if film.sha256 == image_id:
                return film, path
    return None
