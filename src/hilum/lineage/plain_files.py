"""Files of a run or a workspace that have no artefact of their own to be: tables, figures, notes of what was measured, ledgers.

Convention: a file is known by its place (below the run's folder, the trial's, or the workspace), and is explained by what stands in the
table `PLACES`, what it holds, and the run that it is of. What the report wrote is held against the digest that the report kept of it.
A new kind of file is one entry in the table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any

from hilum.artifacts.bundle import REFERENCE
from hilum.artifacts.header import Header, header_path, read_json
from hilum.artifacts.history import HISTORY
from hilum.artifacts.lineage import Artefact, Link, compared
from hilum.artifacts.looks import LOOKS
from hilum.artifacts.manifest import Exclusion
from hilum.artifacts.run_files import BOX, EXCLUDED, FACTS, MLFLOW_NOTE, STAGES
from hilum.artifacts.trial_files import FINDER, PREDICT, SECONDS, TRAIN
from hilum.core.digests import sha256_file
from hilum.core.tables import count_rows, read_columns
from hilum.lineage.surroundings import Surroundings

PLACES: tuple[tuple[str, str, str], ...] = (
    # below a run's folder, or that of a comparison, an evaluation or a suite
    ("tables/*.csv", "table", "a table of the page: numbers in full, one header row"),
    ("tables/*.tex", "table", "a table of the page, for LaTeX (booktabs)"),
    ("figures/*.svg", "figure", "a figure of the page; its caption stands in the page"),
    ("figures/*.png", "figure", "a figure of the page; its caption stands in the page"),
    (STAGES, "stages", "what each stage of the run did: items done, items found finished, seconds"),
    (FACTS, "run facts", "what the run took the first time: seconds, and peak memory in bytes"),
    (EXCLUDED, "exclusions", "films that ingest left out, and why"),
    ("model_card.md", "model card", "what the models are for, how they were made and tested, what they must not be used for"),
    (MLFLOW_NOTE, "mlflow note", "what was recorded in MLflow, and where"),
    (BOX, "boxed film", "the film and the box that the report follows through the pipelines"),
    # below a trial's folder
    (HISTORY, "history", "losses and learning rate of each epoch of the trial"),
    (TRAIN, "training facts", "seconds of training, and steps an epoch"),
    (PREDICT, "prediction facts", "seconds of prediction, and whether every film got the same scores"),
    (SECONDS, "seconds", "what the trial would have cost alone, and its share of what was computed once for all"),
    (FINDER, "rate finder", "losses over learning rates, and the rates that they suggest"),
    (f"bundle/{REFERENCE}", "reference", "films that the bundle is watched against at work (hilum drift); no part of its version"),
    ("bundle/*.safetensors", "weights", "trained weights of the bundle; bundle.json names them by digest"),
    # below the workspace
    ("workspace.json", "workspace", "device, precision and threads, settled once for each kind of machine"),
    (LOOKS, "looks", "a line for each time test films were opened"),
    ("looks/*.json", "test films", "digests of a set of test films that was looked at"),
    ("prepared/shapes/*.npy", "shapes of prepared films", "what gates see of prepared films (hilum.imaging.shape), a row each"),
    ("prepared/*.npy", "prepared films", "pixels of prepared films, a row each; the .json beside says which"),
    ("features/*/*.ids.npy", "features", "digests of the prepared films of a shard of features"),
    ("features/*/*.npy", "features", "features of a shard; the .ids.npy beside says of which prepared films"),
    ("features/*/ranges.json", "ranges", "what activations reached over some training films (features.engine = 'onnx-int8')"),
    ("features/*/[0-9a-f]*.json", "features", "what computing a shard of features took"),
    ("mlflow.db", "mlflow store", "records of runs; `mlflow ui` reads it, hilum does not need it"),
    (".looks.lock", "lock", "held while a look is noted; it may be removed when no command runs"),
    (".workspace.lock", "lock", "held while the workspace is settled; it may be removed when no command runs"),
)  # fmt: skip
"""(place, kind, what it is); the first that fits."""

_OF_A_PAGE = ("tables", "figures")
_PAGE_MARK = re.compile(r'<meta name="generator" content="hilum ([^"]*)">')
_PAGE_HEAD_CHARS = 2000
_SHOWN_KEYS = 12


def plain_file(path: Path, around: Surroundings) -> Artefact | None:
    """What a file is by its place; None for one that has no such place.

    Args:
        path: The file, resolved.
        around: Where it lies.
    """
    if path.suffix == ".html":
        return _page(path)
    inside = around.run is not None or around.root is not None
    if path.parent.name in _OF_A_PAGE:
        inside = any(_page(p) for p in path.parents[1].glob("*.html"))
    found = next(((kind, what) for place, kind, what in PLACES if inside and path.match(place)), None)
    if found is None and path.name.endswith(".excluded.csv") and read_columns(path) == Exclusion._fields:
        found = "exclusions", "films that ingest left out, and why"
    if found is None:
        return None
    kind, what = found
    facts = {"what": what, **_contents(path)}
    return Artefact(kind, path.name, sha256_file(path), str(path), facts, None, tuple(_of(path, around)))


def _page(path: Path) -> Artefact | None:
    """A page that hilum wrote, by its mark."""
    with path.open(encoding="utf-8", errors="replace") as f:
        head = f.read(_PAGE_HEAD_CHARS)
    mark = _PAGE_MARK.search(head)
    if mark is None:
        return None
    title = re.search(r"<title>(.*?)</title>", head, flags=re.S)
    facts = {
        "what": "a page that hilum wrote",
        "title": unescape(title[1]) if title else "",
        "hilum": mark[1],
    }
    return Artefact("page", path.name, sha256_file(path), str(path), facts)


def _contents(path: Path) -> dict[str, Any]:
    """What a file holds, in a few facts."""
    if path.suffix == ".csv":
        tex = path.with_suffix(".tex")
        return {"caption": _caption(tex), "rows": count_rows(path), "columns": list(read_columns(path))}
    if path.suffix == ".tex":
        return {"caption": _caption(path)}
    if path.suffix == ".jsonl":
        lines = [text for text in path.read_text("utf-8", errors="replace").splitlines() if text.strip()]
        return {"lines": len(lines), "last": _scalars(json.loads(lines[-1])) if lines else {}}
    if path.suffix == ".json":
        value = read_json(path)
        if isinstance(value, dict):
            return _scalars({k: v for k, v in value.items() if k != "header"})
        return {"entries": len(value) if isinstance(value, list) else 1}
    if path.suffix == ".md":
        titles = re.findall(r"^#+ (.+)$", path.read_text("utf-8", errors="replace"), flags=re.M)
        return {"headings": titles}
    return {"bytes": path.stat().st_size}


def _caption(tex: Path) -> str:
    """The caption of a table, as its LaTeX has it."""
    found = re.search(r"^\\caption\{(.*)\}$", tex.read_text("utf-8"), flags=re.M) if tex.is_file() else None
    return re.sub(r"\\([&%$#_{}])", r"\1", found[1]) if found else ""


def _scalars(value: Any) -> dict[str, Any]:
    """Keys with plain values; of others how many they hold."""
    if not isinstance(value, Mapping):
        return {}
    plain = {k: f"{len(v)} entries" if isinstance(v, dict | list) else v for k, v in value.items()}
    return dict(list(plain.items())[:_SHOWN_KEYS])


def _of(path: Path, around: Surroundings) -> list[Link]:
    """The run that a file is of, and whether it is as the page's header has it."""
    links = []
    page = path.parents[path.parent.name in _OF_A_PAGE] / "report.html"
    outputs = Header.read(page).options.get("outputs", {}) if header_path(page).is_file() else {}
    if recorded := outputs.get(path.relative_to(page.parent).as_posix()):
        links.append(compared("as the report wrote it", recorded, sha256_file(path), ""))
    if around.run is not None:
        run = Artefact("run", around.run.name, "", str(around.run))
        links.append(Link("run", "", "unchecked", "it lies in this run's folder", run))
    return links
