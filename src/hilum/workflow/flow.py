"""The flow of a run's films: why each film of the manifest that is not in the study is not, and what each trial made of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from hilum.artifacts.flow import FLOW, FOUND, IN_MANIFEST, STUDY_FILMS, WITH_LUNGS, Flow, FlowStep, TrialFlow
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest, excluded_path, read_exclusions
from hilum.artifacts.split import PARTS, AnySplit
from hilum.study.film_filter import compile_filter, filter_words
from hilum.study.findings_checks import is_multilabel
from hilum.workflow.classes import labels_in
from hilum.workflow.drawing import Drawing
from hilum.workflow.draws import StudyDraws
from hilum.workflow.state import Run


def ingest_steps(manifest: Manifest, manifest_path: Path) -> list[FlowStep]:
    """From what ingest found to the manifest; the manifest alone where ingest kept no record, or films were added since."""
    reasons: Counter[str] = Counter()
    sources = manifest.header.options.get("sources")
    if excluded_path(manifest_path).is_file():
        reasons.update(e.reason for e in read_exclusions(excluded_path(manifest_path)))
    elif sources is not None:
        for facts in sources.values():
            reasons.update(facts.get("excluded", {}))
    taken_out = 0
    if manifest.provenance == "edited" and sources is not None:
        taken_out = sum(facts.get("films", 0) for facts in sources.values()) - len(manifest)
    left_out = dict(sorted(reasons.items()))
    if taken_out > 0:
        left_out["taken out of the manifest by hand"] = taken_out
    known = taken_out >= 0 and (sources is not None or bool(reasons))
    last = FlowStep(IN_MANIFEST, len(manifest), left_out if known else {}, manifest.count_by("label"))
    return [FlowStep(FOUND, len(manifest) + sum(left_out.values())), last] if known else [last]


def selection_steps(run: Run) -> list[FlowStep]:
    """From the manifest to the study's films: what each choice of its ``[data]`` leaves out, in the order that they are made."""
    data, chosen, films = run.study.data, run.chosen.by_id, run.films.by_id
    wanted = [compile_filter(t) for t in data.include]
    unwanted = [(f"data.exclude: {filter_words(t)}", compile_filter(t)) for t in data.exclude]
    subset = data.subset.name if data.subset else ""
    labels = set(labels_in(run.study, run.labelled))
    unlabelled = "no finding is known" if is_multilabel(run.study) else ""
    sieves: tuple[tuple[bool, str, Callable[[FilmRow], str]], ...] = (
        (True, "films of the study’s classes", lambda f: "" if f.label in labels else unlabelled or f"class {f.label}"),
        (
            bool(wanted), "films that data.include names",
            lambda f: "" if any(fits(f) for fits in wanted) else "fits no table of data.include",
        ),
        (
            bool(unwanted), "films that data.exclude leaves",
            lambda f: next((words for words, fits in unwanted if fits(f)), ""),
        ),
        (
            bool(data.one_per_patient), "one film a patient",
            lambda f: "" if f.image_id in chosen else f"another film of the patient was drawn ({f.label})",
        ),
        (
            data.subset is not None, f"films of the subset {subset}",
            lambda f: "" if f.image_id in films else f"not drawn for the subset {subset}",
        ),
        (
            bool(run.without_lungs), WITH_LUNGS,
            lambda f: run.without_lungs.get(f.image_id, ""),
        ),
    )  # fmt: skip
    steps, left = [], run.labelled
    for is_asked, name, why in sieves:
        if not is_asked:
            continue
        reasons = [why(f) for f in left.films]
        left = left.taken([k for k, reason in enumerate(reasons) if not reason])
        left_out = Counter(filter(None, reasons))
        steps.append(FlowStep(name, len(left), dict(left_out), left.count_by("label")))
    studied = run.draws.films
    return [*steps, FlowStep(STUDY_FILMS, len(studied), {}, studied.count_by("label"))]


def trial_flow(draws: StudyDraws, drawing: Drawing, trial: int, scored: Mapping[str, int]) -> TrialFlow:
    """What a trial of a drawing makes of the study's films; of `scored` films in each part the predictions are there."""
    split = draws.split(drawing, trial)
    parts = {p: len(split.parts[p]) for p in PARTS}
    distinct = len(split.part_of)
    copies = [n for n in draws.copies(drawing, trial).values() if n]
    return TrialFlow(
        draws.folder_name(drawing), trial, parts, _not_used(split, drawing, len(draws.films) - distinct),
        sum(parts.values()) - distinct, sum(copies), len(copies), dict(scored),
    )  # fmt: skip


def _not_used(split: AnySplit, drawing: Drawing, n: int) -> dict[str, int]:
    """Films in no part, by reason; what the split's header does not count is of the drawing."""
    options = split.header.options
    official = options.get("official") or {}
    found = {
        f"patient or copy of a film of {drawing.source_left_out}": options.get("left_out_with_source", 0),
        "patient or copy in a part held back more": official.get("left_out_crossing", 0),
        "test films of the other sources": official.get("source_parts", {}).get("test", 0)
        if options.get("without")
        else 0,
    }
    share = (
        f"outside the share of {drawing.fraction:g} of the training films" if drawing.fraction != 1 else ""
    )
    faults = f"in no part under {', '.join(drawing.faults)}" if drawing.faults else ""
    found[" or ".join(filter(None, (share, faults))) or "not used"] = n - sum(found.values())
    return {reason: films for reason, films in found.items() if films}


def write_flow(run: Run) -> None:
    """flow.json of a run that was predicted, unless it is there.

    Raises:
        InputError: Counts that do not add up: a defect.
    """
    path = run.folder / FLOW
    if path.exists():
        return
    scored = {(t.recipe.drawing, t.number): t.n_scored for t in run.trials}
    steps = [*ingest_steps(run.labelled, run.manifest_path), *selection_steps(run)]
    of_trials = [trial_flow(run.draws, drawing, number, n) for (drawing, number), n in scored.items()]
    inputs = {"manifest": run.manifest.digest, "films": run.draws.films.digest}
    Flow(tuple(steps), tuple(of_trials), Header("flow", inputs, seed=run.study.seed)).write(path)
