"""The page of a study: its sections, the study in a sentence, terms with their formulas, and how to run it again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from hilum.artifacts.evaluation import Evaluation
from hilum.artifacts.looks import looks
from hilum.artifacts.outside import Outside
from hilum.artifacts.run_files import RunFacts
from hilum.artifacts.run_folder import RunFolder
from hilum.report import numbers
from hilum.report.evaluated import Evaluated
from hilum.report.headline import headline
from hilum.report.page import Page, Section
from hilum.report.run_notes import unsafe_notes
from hilum.report.run_words import backbone_label, from_scratch, looks_words
from hilum.report.several import page as of_findings
from hilum.study.factors import FACTOR
from hilum.study.metrics import METRICS
from hilum.study.several_findings import MULTILABEL


def sentence(folder: RunFolder) -> str:
    """The study in one sentence."""
    if found := Outside.of_run(folder.path):
        cells, trials = (
            numbers.counted(n, w) for n, w in ((len(folder.cells), "cell"), (folder.n_trials, "trial"))
        )
        positive = folder.manifest.count_by("label").get(folder.positive, 0)
        return (
            f"The models of {found.origin} ({cells}, {trials} a cell) on {numbers.counted(len(folder.manifest), 'film')} of other places, "
            f"{numbers.count(positive)} of them {folder.positive}, the positive class; nothing was trained or chosen on them."
        )
    models = [c for c in folder.cells if not c.members]
    backbones = list(dict.fromkeys(backbone_label(c) for c in models))
    pipelines = list(dict.fromkeys(c.pipeline for c in models))
    test = folder.splits[1].parts["test"]
    positives = folder.manifest.texts_of("label", test).count(folder.positive)
    others = [f for f in folder.varying() if f not in ("backbone", "pipeline")]
    on = "".join(f", {_n(len({c.factors.get(f) for c in models}), *FACTOR[f].several)}" for f in others)
    return (
        f"{_n(len(backbones), _kind(folder)).capitalize()} ({', '.join(backbones)})"
        f"{_combined(folder)} under "
        f"{_n(len(pipelines), *FACTOR['pipeline'].several)} ({', '.join(pipelines)}){on}, {_trained(folder)} in "
        f"{_n(folder.n_trials, 'trial')} a cell on {numbers.count(len(folder.manifest))} chest films of "
        f"{_n(len(folder.classes), 'class', 'classes')}; the figures are of {numbers.count(len(test))} "
        f"test films, {numbers.count(positives)} of them {folder.positive}, the positive class{_elsewhere(folder)}."
    )


def _combined(folder: RunFolder) -> str:
    """How many ensembles there are of the backbones."""
    ensembles = list(dict.fromkeys(c.backbone for c in folder.cells if c.members))
    return f" and {_n(len(ensembles), 'ensemble')} of them ({', '.join(ensembles)})" if ensembles else ""


def _elsewhere(folder: RunFolder) -> str:
    """Which cells test other films than the sentence counts."""
    left_out = sorted({s for c in folder.cells if (s := c.factors.get("source_left_out", "none")) != "none"})
    return (
        f"; rows without {' or '.join(left_out)} test all films of that source in their place"
        if left_out
        else ""
    )


def _kind(folder: RunFolder) -> str:
    """What the backbones are, by how they were trained."""
    tuned = {c.finetuned for c in folder.cells if not c.members}
    if len(tuned) > 1:
        return "backbone"
    if tuned == {False}:
        return "frozen backbone"
    return "network" if all(from_scratch(c) for c in folder.cells) else "fine-tuned backbone"


def _trained(folder: RunFolder) -> str:
    """What was trained, and for how many epochs where all agree."""
    what = "heads" if not any(c.finetuned for c in folder.cells) else "networks"
    lengths = {len(loss.train) for c, t in folder.units() if (loss := folder.losses(c, t)).train}
    if not lengths:
        return f"{what} trained"
    low, high = min(lengths), max(lengths)
    return f"{what} trained for {low if low == high else f'{low} to {high}'} {'epoch' if high == 1 else 'epochs'}"


def glossary(folder: RunFolder, evaluation: Evaluation) -> list[tuple[str, str]]:
    """Terms with their formulas."""
    terms = [(m.label, evaluation.formulas[m.name]) for m in METRICS if m.name in evaluation.formulas]
    decided = of_findings.TERMS if folder.task == MULTILABEL else _terms_of_classes(folder)
    return [
        *terms,
        (
            "Mean, standard error",
            "over trials; standard error with divisor n − 1 (ddof 1), divided by the root of the number "
            "of trials; one trial has none",
        ),
        (
            "95 % interval",
            "resamples the units of the test films, and over a cell the trials too; its method stands in "
            "each cell’s tooltip and in statistics.json",
        ),
        (
            "Cell",
            "one level of each factor of the study’s grid: a backbone under a pipeline with a schedule, and so on",
        ),
        ("Trial", "one draw of train and validation films, and one model trained on it"),
        *decided,
        ("Random weights", 'the backbone was not pretrained (weights = "none"); it is frozen all the same'),
    ]


def _terms_of_classes(folder: RunFolder) -> Sequence[tuple[str, str]]:
    """How a film is called one class."""
    return (
        (
            "Class of the highest probability",
            f"the prediction in every table unless it says operating point; {folder.positive} is one of "
            f"{len(folder.classes)} classes",
        ),
        (
            "Operating point",
            "a threshold on the positive class’s probability, chosen on the validation part and stored "
            "in the bundle",
        ),
    )


def facts(folder: RunFolder, evaluation: Evaluation) -> list[tuple[str, str]]:
    """What someone who reproduces the run must compare, and how often its test films were looked at."""
    run, n_files = folder.record, len(folder.record.cells) * folder.n_trials
    found = [
        ("Study", f"{run.name}, digest {run.study_digest}"),
        ("Manifest", f"{numbers.count(len(folder.manifest))} films, digest {run.manifest_digest}"),
        (
            "Splits",
            f"digest {evaluation.header.inputs['splits']}, each drawn with the manifest’s digest in its "
            "header",
        ),
        (
            "Predictions",
            f"digest {evaluation.header.inputs['predictions']} over {n_files} files",
        ),
        ("Seed", "not recorded" if run.seed is None else str(run.seed)),
        ("Drawn anew each trial", ", ".join(run.redraw_with_trial) or "nothing recorded"),
        ("Precision", run.precision or "not recorded"),
        ("Features computed by", "; ".join(f"{k}: {v}" for k, v in run.engines.items()) or "not recorded"),
        ("Versions", ", ".join(f"{k} {v}" for k, v in run.versions.items()) or "not recorded"),
        ("Machine", _machine(run.machine)),
        ("Looks at the test films", looks_words(looks(folder))),
    ]
    if peak := RunFacts.known(folder.path).peak_rss_bytes:
        found.append(("Peak memory", f"{numbers.size(peak)} in the largest process, mapped files included"))
    return found


def _machine(machine: Mapping[str, object]) -> str:
    cores, memory = machine.get("cores"), machine.get("memory_gib")
    size = f"{memory:.3g}" if isinstance(memory, float) else str(memory)
    words = (
        machine.get("cpu"), f"{cores} cores" if cores else "", f"{size} GiB" if memory else "", machine.get("platform"),
        machine.get("accelerator"),
    )  # fmt: skip
    return ", ".join(str(w) for w in words if w) or "not recorded"


def study_page(evaluated: Evaluated, sections: Sequence[Section]) -> Page:
    """The page of a study, its sections given."""
    folder, run = evaluated.folder, evaluated.folder.record
    several = folder.task == MULTILABEL
    return Page(
        kind="study",
        title=run.title or run.name,
        sentence=of_findings.sentence(folder) if several else sentence(folder),
        synthetic=run.synthetic,
        cautions=evaluated.cautions,
        sections=sections,
        headline=of_findings.headline(evaluated) if several else headline(evaluated),
        glossary=glossary(folder, evaluated.evaluation),
        command=run.command,
        facts=facts(folder, evaluated.evaluation),
        study=json.dumps(run.study, indent=1, ensure_ascii=False) if run.study else "",
        unsafe=[n.removeprefix("Unsafe: ") for n in unsafe_notes(folder)],
    )


def _n(n: int, one: str, many: str = "") -> str:
    return f"{numbers.spelled(n)} {one if n == 1 else many or one + 's'}"
