"""How the inputs of an artefact are found again and compared: the recorded digest against what lies there now.

Convention: `FIND` says how each is found; one that is not in it is a file beside the artefact, a run of that name, or a csv beside with
that digest. The films that a bundle was trained on are a digest of (film, prepared pixels, label) of each, which is computed again from
a run's ``prepared/`` and ``manifest.csv``; so a bundle leads back to its films without trusting a path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast, get_args

from hilum.artifacts.bundle import WHOLE, Bundle, bundle_version, made_of
from hilum.artifacts.drawn_films import DrawnFilm, DrawnFilms, FilmFacts, drawn_paths
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.features import FeatureSpec
from hilum.artifacts.finding_runs import FINDINGS, whole_run
from hilum.artifacts.header import Header, read_csv_header
from hilum.artifacts.lineage import Artefact, Link, State, compared
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.run import RECORD, RunRecord, is_run
from hilum.artifacts.run_files import MANIFEST, SPLITS
from hilum.artifacts.run_folder import STATISTICS_INPUTS, RunFolder
from hilum.artifacts.split import UnsafeSplit, read_split
from hilum.artifacts.trial_files import CELLS, PREDICTIONS
from hilum.core.digests import digest, sha256_file
from hilum.core.progress import progress
from hilum.core.text import counted
from hilum.lineage import studies
from hilum.lineage.kinds import FOLDERS, all_trials, describe, kind_at
from hilum.lineage.noun import Input, once, run_version
from hilum.lineage.surroundings import Surroundings
from hilum.study.several_findings import MULTILABEL

_BUNDLES = (
    "cells/*/trial-*/bundle/bundle.json", "trials/*/bundle/bundle.json", f"{FINDINGS}/*/cells/*/trial-*/bundle/bundle.json",
)  # fmt: skip
_MANIFESTS = (("manifest",), ("*.csv",), lambda p: once(Manifest.read, p).digest)
SOUGHT: dict[str, tuple[tuple[str, ...], tuple[str, ...], Callable[[Path], str]]] = {
    "manifest": _MANIFESTS,
    "films": _MANIFESTS,
    "split": (("split", UnsafeSplit.kind), ("*.json", f"{SPLITS}/**/*.json"), lambda p: once(read_split, p).digest),
    "duplicates": (("duplicates",), ("*.json", "duplicates/*.json"), lambda p: once(Duplicates.read, p).digest),
    "features": (("features",), ("features/*/spec.json",), lambda p: FeatureSpec.read(p.parent)[0].digest),
    "bundle": (("bundle",), _BUNDLES, lambda p: made_of(Header.read(p).inputs)),
    WHOLE: (("bundle",), _BUNDLES[:1], lambda p: bundle_version(p.parent)),
    "bundle of the same features, split and films": (
        ("bundle",), ("bundle/bundle.json", *_BUNDLES), lambda p: digest(Header.read(p).inputs)
    ),
}  # fmt: skip
"""What is found by a digest -> kinds in the header, where it may lie below the folders around, and that digest of one."""
OF_RUN = {name: of for name, of in STATISTICS_INPUTS.items() if name not in SOUGHT}
"""Input that is something of a whole run -> its digest as it is now."""


def explain(path: Path, around: Surroundings, kind: str = "") -> Artefact:
    """What an artefact is and what it was made from.

    Args:
        path: Its file; its folder for the kinds that are one.
        around: Where its inputs are looked for.
        kind: For a file without a header.
    """
    kind = kind or kind_at(path)
    path = path.parent if FOLDERS.get(path.name) == kind else path
    noun = describe(path, kind)
    found = (FIND[i.how] if i.how else FIND.get(i.role, Search.beside) for i in noun.inputs)
    links = tuple(find(Search(i, path, around)) for find, i in zip(found, noun.inputs, strict=True))
    header = noun.header.to_dict() if noun.header else None
    facts = {k: v for k, v in noun.facts.items() if v is not None}
    return Artefact(kind, _name(path), noun.version, str(path), facts, header, links)


def _name(path: Path) -> str:
    """cell/trial-N where the path lies in one, else its own name."""
    for p in (path, *path.parents):
        if p.name.startswith("trial-") and p.parent.parent.name == CELLS:
            return f"{p.parent.name}/{p.name}"
    return path.parent.name if path.name == "bundle" else path.name


@dataclass(frozen=True)
class Search:
    """The search for an input.

    Attributes:
        wanted: The input.
        of: What it is an input of, a file or a folder.
        around: Where it is looked for.
    """

    wanted: Input
    of: Path
    around: Surroundings

    @property
    def folder(self) -> Path:
        """The folder that the artefact lies in, or is."""
        return self.of if self.of.is_dir() else self.of.parent

    def link(self, state: State, why: str = "", artefact: Artefact | None = None) -> Link:
        """The input in some state."""
        return Link(self.wanted.role, self.wanted.recorded, state, why, artefact)

    def compared(self, found: str | None, why: str = "", artefact: Artefact | None = None) -> Link:
        """A recorded input, held against what lies there."""
        return compared(self.wanted.role, self.wanted.recorded, found, why, artefact)

    def by_digest(self) -> Link:
        """The one of that version among all that lie around."""
        role = self.wanted.role
        kinds, places, version_of = SOUGHT[role]
        others = []
        for path in self.around.of_kind(kinds, places):
            version = version_of(path)
            if version == self.wanted.recorded:
                found = explain(path, self.around)  # predictions record what their bundle was trained on
                shown = found.version if found.kind == "bundle" else version
                return Link(role, shown, "verified", "", found)
            others.append((path, version))
        if self.wanted.detail:
            return self.link("unchecked", self.wanted.detail)
        own = [x for x in others if self.around.run and x[0].is_relative_to(self.around.run)]
        if len(own) == 1:  # the one that the run has is meant, and it is another now
            return self.compared(own[0][1], "", replace(explain(own[0][0], self.around), inputs=()))
        return self.link("missing", f"no {role} of this version in the run, beside it, or in the workspace")

    def films_on_disk(self) -> Link:
        """The films of a manifest, read only where that is asked for."""
        films = once(Manifest.read, self.of).films
        absent = sum(not Path(f.path).is_file() for f in films)
        if absent:
            files = counted(absent, "file is", "files are")
            return self.link("missing", f"{files} not where the manifest says")
        if not self.around.read_films:
            return self.link("unchecked", "every file is there; --films reads them all and compares")
        changed = 0
        with progress("films", len(films)) as step:
            for f in films:
                changed += sha256_file(Path(f.path)) != f.sha256
                step()
        why = f"{counted(changed, 'file has', 'files have')} other bytes than at ingest"
        return self.link("changed", why) if changed else self.link("verified")

    def prepared(self) -> Link:
        """The films that a bundle was trained on, among the lists of its pipeline and split."""
        bundle, header, _ = Bundle.described(self.of)
        part, seen = self.wanted.detail, False
        own = self.around.run
        if own and bundle.task == MULTILABEL:  # seen from the run of one of its findings
            own = whole_run(RunFolder(own)).path
        for run in [own] if own else self.around.runs():
            for path in drawn_paths(run, bundle.preparation["name"]):
                drawn = once(DrawnFilms.read, path)
                if drawn.header.inputs.get("split") != header.inputs.get("split"):
                    continue
                seen, by_id = True, once(Manifest.read, run / MANIFEST).by_id
                facts = {i: FilmFacts(f.label, f.patient_id, "") for i, f in by_id.items()}
                if replace(drawn, facts=facts).digest_of(part, bundle.classes) == self.wanted.recorded:
                    return self.link("verified", artefact=self.list_of(drawn.parts[part], path, run))
        if seen:
            return self.link("changed", "the run's prepared/ and manifest.csv give other films")
        return self.link("missing", "no run here has prepared films of this pipeline and split")

    def list_of(self, films: Sequence[DrawnFilm], path: Path, run: Path) -> Artefact:
        """A part of a run's list of prepared films."""
        by_id = once(Manifest.read, run / MANIFEST).by_id
        facts = {
            "prepared": str(path.relative_to(run)),
            "films": len(films),
            "distinct films": len({f.image_id for f in films}),
            "by source": dict(sorted(Counter(by_id[f.image_id].source for f in films).items())),
            "drawn for": sum(bool(f.drawn) for f in films),
        }
        whole = Input("manifest", RunRecord.read(run / RECORD).manifest_digest)
        links = (replace(self, wanted=whole).by_digest(),)
        role, recorded, *_ = self.wanted
        return Artefact("prepared films", role, recorded, str(path), facts, inputs=links)

    def trial(self) -> Link:
        """A trial of a cell."""
        return self.link(*trial_state(self.of / self.wanted.role))

    def trials(self) -> Link:
        """All trials of a run in one line."""
        run = RunFolder(self.folder)
        states = {f"{c.name}/trial-{t}": trial_state(run.folder(c, t)) for c, t in run.units(probes=True)}
        bad = [f"{name}: {why}" for name, (state, why) in states.items() if state != "verified"]
        if not bad:
            return Link(self.wanted.role, digest(run.prediction_digests()), "verified")
        changed = any(state == "changed" for state, _ in states.values())
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        return self.link("changed" if changed else "missing", bad[0] + more)

    def of_run(self) -> Link:
        """Something of the whole run that the artefact is of."""
        if not is_run(self.folder):
            return self.beside()
        run, role = RunFolder(self.folder), self.wanted.role
        found, artefact = OF_RUN[role](run), None
        if role == "study":
            if "grid" not in run.record.study:
                return self.link("missing", "run.json does not hold the study")
            artefact = studies.study(run.record.study, str(run.path / RECORD))
            found = artefact.version
        if role == "predictions":
            facts = {"go on with": f"hilum show {run.folder(run.cells[0], 1)}"}
            links = (replace(self, wanted=all_trials(run)).trials(),)
            artefact = Artefact("trials", "of all cells", found, str(run.path / CELLS), facts, None, links)
        return self.compared(found, "", artefact)

    def run_of_that_name(self) -> Link:
        """A run by its name: of a suite beside it, of a cell above it."""
        run = self.of.parent.parent if self.of.parent.name == CELLS else self.of.parent / self.wanted.recorded
        if not is_run(run):
            return self.link("missing", f"no run {run.name} beside it")
        return Link(self.wanted.role, run_version(run), "verified", "", explain(run, self.around))

    def file(self) -> Link:
        """A file of the artefact's folder."""
        path = self.folder / self.wanted.detail
        return self.compared(
            sha256_file(path) if path.is_file() else None, f"no {path.name} in {path.parent}"
        )

    def explained(self) -> Link:
        """An artefact in the artefact's folder, with what it was made from."""
        path = self.folder / self.wanted.detail
        if not path.exists():
            return self.link("missing", f"no {path.name} in {path.parent}")
        found = explain(path, self.around)
        return self.compared(found.version, "", found)

    def said(self) -> Link:
        """An input of which the artefact itself says how it stands."""
        return self.link(cast(State, self.wanted.how), self.wanted.detail)

    def beside(self) -> Link:
        """A file beside the artefact, by its name or else by its digest; or a run of that name."""
        role, recorded, folder = self.wanted.role, self.wanted.recorded, self.folder
        if (folder / role).is_file():
            return self.compared(sha256_file(folder / role))
        run = next((run for run in self.around.runs() if run.name == role), None)
        if run is not None:  # comparisons of runs name them, with the digest of what was compared
            return self.compared(RunFolder(run).results_digest(), "", explain(run, self.around))
        is_predictions = role == "predictions"
        for csv in sorted(folder.glob("*.csv")):
            if sha256_file(csv) == recorded:
                found = explain(csv, self.around, "predictions") if is_predictions else None
                return self.link("verified", artefact=found)
        if is_predictions:
            return self.link("missing", f"no csv in {folder} has this digest")
        return self.link("unchecked", "hilum knows no way to find it again")


def trial_state(folder: Path) -> tuple[State, str]:
    """Whether the files of a trial are as they were written, and fit one another; without what is below them."""
    predictions, bundle = folder / PREDICTIONS, folder / "bundle"
    if not (predictions.is_file() and (bundle / "bundle.json").is_file()):
        return "missing", "it has no bundle or no predictions"
    header, provenance = read_csv_header(predictions, "predictions")
    described, own, recorded = Bundle.described(bundle)
    if provenance != "hilum":
        return "changed", f"predictions of provenance {provenance}"
    if own.inputs != header.inputs:
        return "changed", "predictions of another bundle"
    weights = bundle / described.weights_name
    found = compared("", recorded, sha256_file(weights) if weights.is_file() else None, "there are none")
    return found.state, f"trained weights: {found.why}" if found.why else ""


FIND: dict[str, Callable[[Search], Link]] = {
    **dict.fromkeys(SOUGHT, Search.by_digest),
    **dict.fromkeys(OF_RUN, Search.of_run),
    **dict.fromkeys(get_args(State), Search.said),
    "films on disk": Search.films_on_disk,
    "prepared films": Search.prepared,
    "trial of a cell": Search.trial,
    "trials": Search.trials,
    "run of that name": Search.run_of_that_name,
    "file": Search.file,
    "explained": Search.explained,
}
"""How an input is found -> what finds and compares it; a role of a header where that says it all."""
