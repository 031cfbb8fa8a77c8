"""The flow of a run's films: why each film of the manifest that is not in the study is not, and what each trial made of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from hilum.artifacts.flow import FOUND, IN_MANIFEST, NAME, STUDY_FILMS, Flow, FlowStep, TrialFlow
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import Manifest, excluded_path, read_exclusions
from hilum.artifacts.split import PARTS, AnySplit
from hilum.stages.split import select
from hilum.study.file import Study
from hilum.study.film_filter import compile_filter, filter_words
from hilum.workflow.draws import StudyDraws
from hilum.workflow.plan import Drawing
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
    last = FlowStep(IN_MANIFEST, len(manifest), left_out, manifest.count_by("label"))
    if taken_out < 0 or (sources is None and not reasons):
        return [FlowStep(IN_MANIFEST, len(manifest), {}, manifest.count_by("label"))]
    return [FlowStep(FOUND, len(manifest) + sum(left_out.values())), last]


def selection_steps(study: Study, whole: Manifest, films: Manifest) -> list[FlowStep]:
    """From the manifest to the study's films.

    Args:
        study: Its ``[data]`` says what is kept.
        whole: The manifest.
        films: The films that the study keeps of it.
    """
    data = study.data
    wanted = [compile_filter(t) for t in data.include]
    unwanted = [(filter_words(t), compile_filter(t)) for t in data.exclude]
    chosen = select(whole, data.include, data.exclude, data.one_per_patient, study.seed, data.classes).by_id
    reason_of: dict[str, tuple[str, str]] = {}
    for film in whole.films:
        if film.label not in data.classes:
            reason = ("films of the study’s classes", f"class {film.label}")
        elif wanted and not any(fits(film) for fits in wanted):
            reason = ("films that data.include names", "fits no table of data.include")
        elif found := next((words for words, fits in unwanted if fits(film)), ""):
            reason = ("films that data.exclude leaves", f"data.exclude: {found}")
        elif film.image_id not in chosen:
            reason = ("one film a patient", f"another film of the patient was drawn ({film.label})")
        elif film.image_id not in films.by_id:
            name = data.subset.name if data.subset else ""
            reason = (f"films of the subset {name}", f"not drawn for the subset {name}")
        else:
            continue
        reason_of[film.image_id] = reason
    steps: list[FlowStep] = []
    left = list(whole.films)
    asked = {
        "films of the study’s classes": True,
        "films that data.include names": bool(wanted),
        "films that data.exclude leaves": bool(unwanted),
        "one film a patient": bool(data.one_per_patient),
        f"films of the subset {data.subset.name if data.subset else ''}": data.subset is not None,
    }
    for name in (n for n, is_asked in asked.items() if is_asked):
        gone = Counter(reason_of[f.image_id][1] for f in left if reason_of.get(f.image_id, ("",))[0] == name)
        left = [f for f in left if reason_of.get(f.image_id, ("",))[0] != name]
        steps.append(
            FlowStep(name, len(left), dict(gone), dict(sorted(Counter(f.label for f in left).items())))
        )
    return [*steps, FlowStep(STUDY_FILMS, len(films), {}, films.count_by("label"))]


def trial_flow(draws: StudyDraws, drawing: Drawing, trial: int, scored: Mapping[str, int]) -> TrialFlow:
    """What a trial makes of the study's films.

    Args:
        draws: Of the study.
        drawing: Whose split.
        trial: From 1.
        scored: Part -> films that were predicted.
    """
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
    found = {}
    if with_source := options.get("left_out_with_source", 0):
        found[f"patient or copy of a film of {drawing.source_left_out}"] = with_source
    official = options.get("official") or {}
    if crossing := official.get("left_out_crossing", 0):
        found["patient or copy in a part held back more"] = crossing
    tested = official.get("source_parts", {}).get("test", 0) if options.get("without") else 0
    if tested:
        found["test films of the other sources"] = tested
    rest = n - sum(found.values())
    if rest:
        share = f"outside the share of {drawing.fraction:g} of the training films"
        faults = f"in no part under {', '.join(drawing.faults)}"
        why = [*([share] if drawing.fraction != 1.0 else []), *([faults] if drawing.faults else [])]
        found[" or ".join(why) or "not used"] = rest
    return found


def write_flow(run: Run) -> None:
    """flow.json of a run that was predicted, unless it is there.

    Raises:
        InputError: Counts that do not add up: a defect.
    """
    path = run.folder / NAME
    if path.exists():
        return
    scored = {(t.recipe.drawing, t.number): t.n_scored for t in run.trials}
    steps = [
        *ingest_steps(run.manifest, run.manifest_path),
        *selection_steps(run.study, run.manifest, run.films),
    ]
    of_trials = [trial_flow(run.draws, drawing, number, n) for (drawing, number), n in scored.items()]
    inputs = {"manifest": run.manifest.digest, "films": run.films.digest}
    Flow(tuple(steps), tuple(of_trials), Header("flow", inputs, seed=run.study.seed)).write(path)
