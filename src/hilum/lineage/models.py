"""Bundles, features and predictions: what a model was trained on, and what it said of which films.

Convention: the films that a bundle was trained on are a digest of (film, prepared pixels, label) of each, which is computed again from the
run's ``prepared/`` and ``manifest.csv``; so a bundle leads back to its films without trusting a path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hilum.artifacts.drawn_films import DrawnFilms, drawn_paths
from hilum.artifacts.features import FEATURES
from hilum.artifacts.header import header_path, read_csv_header, read_json
from hilum.artifacts.history import history_lines
from hilum.artifacts.lineage import SHOWN, Artefact, Link, bundle_version, compared
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run import NAME, RunRecord
from hilum.artifacts.run_files import MANIFEST
from hilum.artifacts.trial_files import CELLS, PREDICTIONS, SECONDS, TRAIN
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import SHORT, digest, sha256_file
from hilum.lineage.films import FilmReader


class ModelReader:
    """Reads what is about models.

    Args:
        films: Reads what they were made from.
    """

    def __init__(self, films: FilmReader) -> None:
        self.films = films
        self.around = films.around

    def bundle(self, folder: Path) -> Artefact:
        """A bundle: its weights, preparation, and the films it was trained on."""
        value = read_json(folder / "bundle.json")
        header = value["header"]
        training = value.get("training", {})
        facts: dict[str, Any] = {
            "backbone": value["backbone"],
            "head": value["head"],
            "pipeline": _named(Pipeline.from_dict(value["preparation"])),
            "classes": value["classes"],
            "positive": value["positive"],
            "operating point": value["operating_point"],
            "trained": {
                k: training[k] for k in ("study", "trial", "schedule", "n_train", "n_valid") if k in training
            },
        }
        if value.get("unsafe"):
            facts["UNSAFE"] = ", ".join(value["unsafe"])
        weights = value.get("weights") or {}
        links = [
            self._bundle_input(role, str(v), value)
            for role, v in header["inputs"].items()
            if role != "weights"
        ]
        links.append(
            Link(
                f"backbone weights ({weights.get('choice')})",
                str(weights.get("sha256") or ""),
                "unchecked",
                "they are compared whenever the bundle is loaded; see `hilum weights verify`",
            )
        )
        name = _trial_name(folder)
        return Artefact(
            "bundle",
            name,
            bundle_version(folder),
            str(folder),
            facts,
            header,
            (_weights_link(folder, value), *links),
        )

    def _bundle_input(self, role: str, recorded: str, bundle: Mapping[str, Any]) -> Link:
        if role == "split":
            return self.films.find_split(recorded)
        if role == "features":
            return self._features(recorded)
        if role in ("train", "valid"):
            return self._trained_films(role, recorded, bundle)
        return Link(role, recorded, "unchecked", "hilum knows no way to find it again")

    def _features(self, recorded: str) -> Link:
        root = self.around.root
        folders = sorted(root.glob(f"features/*-{recorded[:SHORT]}")) if root else []
        if not folders:
            return Link(
                "features", recorded, "missing", "no feature store of this version in a workspace here"
            )
        found = self.features(folders[0])
        return compared("features", recorded, found.version, "", found)

    def features(self, folder: Path) -> Artefact:
        """A feature store: what its features depend on besides the pixels."""
        value = read_json(folder / "spec.json")
        spec = value["spec"]
        facts = {
            k: spec[k] for k in ("backbone", "tap", "precision", "size_px", "device", "versions") if k in spec
        }
        shards = [read_json(p) for p in sorted(folder.glob("*.json")) if p.name != "spec.json"]
        facts["films"] = sum(int(s.get("n_films", 0)) for s in shards)
        state = Link(
            "backbone state",
            spec["state_sha256"],
            "unchecked",
            "it is compared whenever features are computed",
        )
        return Artefact(
            "features", folder.name, FEATURES.digest(spec), str(folder), facts, value.get("header"), (state,)
        )

    def _trained_films(self, part: str, recorded: str, bundle: Mapping[str, Any]) -> Link:
        role = f"{part} films"
        run = self.around.run or self._run_with(bundle["header"]["inputs"].get("split", ""))
        if run is None:
            return Link(role, recorded, "missing", "no run here has the split that they were drawn from")
        manifest = self.around.once(run / MANIFEST, Manifest.read)
        classes = list(bundle["classes"])
        seen = 0
        for path in self._prepared(run, bundle):
            films = self.around.once(path, DrawnFilms.read).parts[part]
            labels = [classes.index(manifest.by_id[f.image_id].label) for f in films]
            seen += 1
            if digest([[f.image_id for f in films], [f.pixels_sha256 for f in films], labels]) == recorded:
                facts = {
                    "prepared": str(path.relative_to(run)),
                    "films": len(films),
                    "distinct films": len({f.image_id for f in films}),
                    "by source": dict(
                        sorted(Counter(manifest.by_id[f.image_id].source for f in films).items())
                    ),
                    "drawn for": sum(bool(f.drawn) for f in films),
                }
                link = self.films.find_manifest(RunRecord.read(run / NAME).manifest_digest)
                found = Artefact("prepared films", role, recorded, str(path), facts, None, (link,))
                return Link(role, recorded, "verified", artefact=found)
        if not seen:
            return Link(role, recorded, "missing", "the run has no prepared/ for this pipeline and split")
        return Link(role, recorded, "changed", "the run's prepared/ and manifest.csv give other films")

    def _prepared(self, run: Path, bundle: Mapping[str, Any]) -> Iterator[Path]:
        """The lists of prepared films that the bundle may have been trained on: its pipeline's, of its split."""
        split, pipeline = bundle["header"]["inputs"].get("split"), bundle["preparation"]["name"]
        for path in drawn_paths(run, pipeline):
            if self.around.once(path, DrawnFilms.read).header.inputs.get("split") == split:
                yield path

    def _run_with(self, split: str) -> Path | None:
        link = self.films.find_split(split)
        if link.state != "verified" or link.artefact is None:
            return None
        path = Path(link.artefact.where)
        return next((run for run in self.around.runs() if path.is_relative_to(run.resolve())), None)

    def predictions(self, path: Path) -> Artefact:
        """Predictions: how many films of which part, and the bundle that they come from."""
        p = self.around.once(path, Predictions.read)
        facts: dict[str, Any] = {
            "films": len(p),
            "by part": dict(sorted(Counter(x or "(none)" for x in p.parts).items())),
            "classes": p.classes,
            "provenance": p.provenance,
        }
        failed = sum(bool(e) for e in p.errors)
        if failed:
            facts["could not be read"] = failed
        header = p.header.to_dict() if p.provenance != "unknown" else None
        links: list[Link] = []
        if p.provenance != "unknown":
            links.append(
                compared(
                    "the csv as written", read_json(header_path(path))["csv_sha256"], sha256_file(path), ""
                )
            )
            links.append(self._bundle_of(path, p.header.inputs))
        return Artefact(
            "predictions", _trial_name(path), sha256_file(path), str(path), facts, header, tuple(links)
        )

    def _bundle_of(self, path: Path, inputs: Mapping[str, str]) -> Link:
        """The bundle of predictions: the one beside them with the same inputs, else one that was trained on the films they name."""
        beside = path.with_name("bundle")
        recorded = inputs.get("bundle") or inputs.get("train", "")
        if (beside / "bundle.json").is_file() and "bundle" not in inputs:
            own = read_json(beside / "bundle.json")["header"]["inputs"]
            found = self.bundle(beside)
            if own == dict(inputs):
                return Link(
                    "bundle of the same features, split and films", found.version, "verified", artefact=found
                )
            why = "the bundle beside was trained on other films, features or split"
            return Link("bundle", recorded, "changed", why, replace(found, inputs=()))
        for folder in self.around.bundles():
            value = self.around.once(folder / "bundle.json", read_json)
            if recorded in (value["header"]["inputs"].get("train"), bundle_version(folder)):
                return Link("bundle", recorded, "verified", artefact=self.bundle(folder))
        return Link(
            "bundle",
            recorded,
            "missing",
            "no bundle of this version here; name its workspace with --workspace",
        )

    def trial(self, folder: Path) -> Artefact:
        """A trial: its predictions, its bundle, and what is below them."""
        facts: dict[str, Any] = {}
        for name in (TRAIN, SECONDS):
            if (folder / name).is_file():
                facts[Path(name).stem] = read_json(folder / name)
        if epochs := len(history_lines(folder)):
            facts["epochs"] = epochs
        links = []
        path = folder / PREDICTIONS
        if path.is_file():
            p = self.predictions(path)
            links.append(
                Link(
                    "predictions",
                    p.version,
                    "verified" if p.facts["provenance"] == "hilum" else "changed",
                    artefact=p,
                )
            )
        elif (folder / "bundle" / "bundle.json").is_file():
            b = self.bundle(folder / "bundle")
            links.append(Link("bundle", b.version, "verified", artefact=b))
        version = digest([link.recorded for link in links])
        return Artefact("trial", _trial_name(folder), version, str(folder), facts, None, tuple(links))


def trial_state(folder: Path) -> tuple[Link, ...]:
    """Whether the files of a trial are as they were written, without what is below them."""
    found = []
    path = folder / PREDICTIONS
    if path.is_file():
        header, provenance = read_csv_header(path, "predictions")
        same = (folder / "bundle" / "bundle.json").is_file() and (
            read_json(folder / "bundle" / "bundle.json")["header"]["inputs"] == header.inputs
        )
        state: Any = "verified" if provenance == "hilum" and same else "changed"
        why = (
            ""
            if state == "verified"
            else f"provenance {provenance}"
            if provenance != "hilum"
            else "of another bundle"
        )
        found.append(Link("predictions", sha256_file(path), state, why))
    bundle = folder / "bundle"
    if (bundle / "bundle.json").is_file():
        found.append(_weights_link(bundle, read_json(bundle / "bundle.json")))
    return tuple(found)


def _weights_link(folder: Path, bundle: Mapping[str, Any]) -> Link:
    """The trained weights: of the head, or of the whole network where that was trained."""
    name = "network" if bundle.get("network") == "whole" else "head"
    path = folder / f"{name}.safetensors"
    found = sha256_file(path) if path.is_file() else None
    return compared(
        f"trained weights of the {name}",
        str(bundle.get(f"{name}_sha256", "")),
        found,
        f"no {path.name} in the bundle",
    )


def _named(pipeline: Pipeline) -> str:
    return f"{pipeline.name} {pipeline.digest[:SHOWN]}"


def _trial_name(path: Path) -> str:
    """cell/trial-N where the path lies in one, else its own name."""
    for p in (path, *path.parents):
        if p.name.startswith("trial-") and p.parent.parent.name == CELLS:
            return f"{p.parent.name}/{p.name}"
    return path.parent.name if path.name == "bundle" else path.name
