"""Two reporting checklists, filled from a run: CLAIM (2024 update) and TRIPOD+AI (2024).

Convention: numbers and order are those of the publications, the wording is short and ours: read the originals before you submit
(Tejani et al. 2024, Radiol. Artif. Intell. 6(4):e240300, 44 items; Collins et al. 2024, BMJ 385:e078378, 27 items in 52 parts). An
answer comes from `hilum.report.study_facts` and `data_facts`; an item that only the authors can answer is "not reported", and one that
cannot arise in such a study is "does not apply" with its reason. ``Where`` names the section of the report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hilum import RESEARCH_NOTICE
from hilum.report import data_facts
from hilum.report import study_facts as facts
from hilum.report.class_words import against
from hilum.report.evaluation import Evaluation
from hilum.report.flow_tables import flow_words
from hilum.report.run_folder import RunFolder
from hilum.report.study_facts import NOT_REPORTED
from hilum.report.table import Cell, Column, Table, text_cell

Item = tuple[str, str, str]  # (number, heading, what it asks for)
_NOWHERE: Final = "–"

CLAIM: Final[tuple[Item, ...]] = (
    ("1", "Title", "Says that AI was studied, and which kind"),
    ("2", "Abstract", "Summary of design, methods, results, conclusions"),
    ("3", "Introduction", "Background, intended use and role of the AI"),
    ("4", "Introduction", "Aims, objectives, hypotheses"),
    ("5", "Study design", "Prospective or retrospective"),
    ("6", "Study design", "Goal of the study"),
    ("7", "Data", "Sources"),
    ("8", "Data", "Inclusion and exclusion criteria"),
    ("9", "Data", "Preprocessing"),
    ("10", "Data", "Selection of subsets"),
    ("11", "Data", "De-identification"),
    ("12", "Data", "Missing data"),
    ("13", "Data", "Image acquisition protocol"),
    ("14", "Reference standard", "How it was obtained"),
    ("15", "Reference standard", "Why this one"),
    ("16", "Reference standard", "Source of the annotations"),
    ("17", "Reference standard", "Annotation of the test set"),
    ("18", "Reference standard", "Variability between and within annotators"),
    ("19", "Data partitions", "How data were assigned to parts"),
    ("20", "Data partitions", "Level at which parts are disjoint"),
    ("21", "Testing data", "Intended sample size"),
    ("22", "Model", "Detailed description"),
    ("23", "Model", "Software libraries"),
    ("24", "Model", "Initial parameters"),
    ("25", "Training", "Details of the training"),
    ("26", "Training", "How the final model was selected"),
    ("27", "Training", "Ensembling"),
    ("28", "Evaluation", "Metrics of performance"),
    ("29", "Evaluation", "Significance and uncertainty"),
    ("30", "Evaluation", "Robustness or sensitivity analysis"),
    ("31", "Evaluation", "Explainability or interpretability"),
    ("32", "Evaluation", "Evaluation on internal data"),
    ("33", "Evaluation", "Testing on external data"),
    ("34", "Evaluation", "Clinical trial registration"),
    ("35", "Results: data", "Numbers included and excluded"),
    ("36", "Results: data", "Characteristics of the cases in each part"),
    ("37", "Results: performance", "Metrics with their uncertainty"),
    ("38", "Results: performance", "Diagnostic performance and its precision"),
    ("39", "Results: performance", "Analysis of failures"),
    ("40", "Discussion", "Limitations"),
    ("41", "Discussion", "Implications for practice"),
    ("42", "Other information", "Full protocol or further technical details"),
    ("43", "Other information", "Availability of software, model, data"),
    ("44", "Other information", "Funding and role of funders"),
)

TRIPOD_AI: Final[tuple[Item, ...]] = (
    ("1", "Title", "Names model, population and outcome"),
    ("2", "Abstract", "By TRIPOD+AI for abstracts"),
    ("3a", "Background", "Healthcare context and rationale, existing models"),
    ("3b", "Background", "Target population, purpose in care, users"),
    ("3c", "Background", "Known health inequalities between groups"),
    ("4", "Objectives", "Development, evaluation or both"),
    ("5a", "Data", "Sources for development and evaluation, representativeness"),
    ("5b", "Data", "Dates of collection"),
    ("6a", "Participants", "Setting, number and place of centres"),
    ("6b", "Participants", "Eligibility"),
    ("6c", "Participants", "Treatments"),
    ("7", "Data preparation", "Preprocessing and quality checks"),
    ("8a", "Outcome", "Definition, when and how assessed"),
    ("8b", "Outcome", "Who assessed it, where that is a judgement"),
    ("8c", "Outcome", "Blinding of the assessment"),
    ("9a", "Predictors", "Choice of predictors"),
    ("9b", "Predictors", "Definition and measurement"),
    ("9c", "Predictors", "Who assessed them, where that is a judgement"),
    ("10", "Sample size", "How it was arrived at"),
    ("11", "Missing data", "Handling, reasons for leaving out"),
    ("12a", "Analytical methods", "How data were used and divided"),
    ("12b", "Analytical methods", "Handling of predictors"),
    ("12c", "Analytical methods", "Type of model, building, internal validation"),
    ("12d", "Analytical methods", "Heterogeneity between clusters"),
    ("12e", "Analytical methods", "Measures and plots of performance"),
    ("12f", "Analytical methods", "Updating of the model"),
    ("12g", "Analytical methods", "How predictions were calculated"),
    ("13", "Class imbalance", "Methods, and recalibration after them"),
    ("14", "Fairness", "Approaches and rationale"),
    ("15", "Model output", "Probabilities or classes, thresholds"),
    ("16", "Training against evaluation", "Differences between their data"),
    ("17", "Ethical approval", "Committee, consent"),
    ("18a", "Open science", "Funding"),
    ("18b", "Open science", "Conflicts of interest"),
    ("18c", "Open science", "Protocol"),
    ("18d", "Open science", "Registration"),
    ("18e", "Open science", "Data sharing"),
    ("18f", "Open science", "Code sharing"),
    ("19", "Patient and public involvement", "Details or statement of none"),
    ("20a", "Results: participants", "Flow, with and without the outcome"),
    ("20b", "Results: participants", "Characteristics overall and by source"),
    ("20c", "Results: participants", "Development against evaluation data"),
    ("21", "Results: development", "Participants and events of each analysis"),
    ("22", "Results: specification", "Full model for use on new people"),
    ("23a", "Results: performance", "Estimates with intervals, key subgroups"),
    ("23b", "Results: performance", "Heterogeneity between clusters"),
    ("24", "Results: updating", "Results of updating"),
    ("25", "Discussion", "Interpretation, fairness among it"),
    ("26", "Discussion", "Limitations"),
    ("27a", "Usability", "Poor or missing input in use"),
    ("27b", "Usability", "What users must do and know"),
    ("27c", "Usability", "Next steps, generalisability"),
)


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        text: From the run.
        where: Section of the report; `_NOWHERE` for none.
    """

    text: str
    where: str = _NOWHERE


def claim_table(folder: RunFolder, evaluation: Evaluation, n_cautions: int) -> Table:
    """CLAIM, 2024 update."""
    a = _answers(folder, evaluation, n_cautions)
    answers = {
        "1": a["kind"], "3": a["use"], "4": a["aims"], "5": a["retrospective"], "6": a["goal"],
        "7": a["sources"], "8": a["eligibility"], "9": a["preparation"], "10": a["subset"],
        "12": a["missing"], "14": a["labels"], "16": a["labels"], "17": a["labels"],
        "19": a["split"], "20": a["disjoint"], "22": a["model"], "23": a["software"], "24": a["weights"],
        "25": a["training"], "26": a["chosen"], "27": a["ensemble"], "28": a["metrics"], "29": a["uncertainty"],
        "30": a["robustness"], "32": a["internal"], "33": a["external"], "34": a["no trial"],
        "35": a["flow"], "36": a["characteristics"], "37": a["performance"], "38": a["performance"],
        "39": a["failures"], "40": a["limitations"], "41": a["use"], "42": a["study file"], "43": a["code"],
    }  # fmt: skip
    return _table(
        "claim", "CLAIM checklist", "Checklist for AI in medical imaging, 2024 update.", CLAIM, answers
    )


def tripod_table(folder: RunFolder, evaluation: Evaluation, n_cautions: int) -> Table:
    """TRIPOD+AI."""
    a = _answers(folder, evaluation, n_cautions)
    answers = {
        "1": a["kind"], "3b": a["use"], "4": a["goal"], "5a": a["sources"], "6b": a["eligibility"],
        "7": a["preparation"], "8a": a["labels"], "9a": a["pixels"], "9b": a["preparation"], "9c": a["no judgement"],
        "11": a["missing"], "12a": a["split"], "12b": a["preparation"], "12c": a["training"],
        "12d": a["clusters"], "12e": a["metrics"], "12f": a["no update"], "12g": a["bundle"], "13": a["imbalance"],
        "14": a["fairness"], "15": a["output"], "16": a["external"], "18c": a["study file"], "18f": a["code"],
        "20a": a["flow"], "20b": a["characteristics"], "20c": a["parts"], "21": a["parts"], "22": a["bundle"],
        "23a": a["performance"], "23b": a["clusters"], "24": a["no update"], "26": a["limitations"], "27a": a["bad input"],
    }  # fmt: skip
    return _table(
        "tripod-ai",
        "TRIPOD+AI checklist",
        "Reporting of prediction models by regression or machine learning, 2024.",
        TRIPOD_AI,
        answers,
    )


def _answers(folder: RunFolder, evaluation: Evaluation, n_cautions: int) -> dict[str, Answer]:
    """Everything that hilum knows and an item asks for, by a word of our own."""
    classes = ", ".join(folder.classes)
    what = f"image classification by deep learning; classes {classes}; {against(folder.positive, folder.classes)}"
    no_limit = "the report’s checks found none; that is no proof"
    named = bool(facts.study(folder).get("compare"))
    apart = "evaluated apart: " + (
        ", ".join(q.name for q in folder.questions) or "nothing; the study names no contrast or subgroup"
    )
    return {
        "kind": Answer(what, "title"),
        "use": Answer(RESEARCH_NOTICE, "Model card"),
        "aims": Answer(facts.comparisons(folder), "Results"),
        "goal": Answer("development of models and their evaluation on films held back", "Results"),
        "retrospective": Answer("retrospective: films that were there already"),
        "sources": Answer(data_facts.sources(folder), "Films"),
        "eligibility": Answer(f"{data_facts.selection(folder)}; left out: {data_facts.exclusions(folder)}", "Films"),
        "preparation": Answer(facts.preprocessing(folder), "Pipelines"),
        "subset": Answer(data_facts.selection(folder), "Films"),
        "missing": Answer(
            f"a film that cannot be read is left out and listed; an unknown age, sex or view stays unknown; {data_facts.patients(folder)}",
            "Films",
        ),
        "labels": Answer(data_facts.labels(folder), "Films"),
        "split": Answer(data_facts.split_method(folder), "Films"),
        "disjoint": Answer(data_facts.disjoint_at(folder), "Films"),
        "parts": Answer(data_facts.parts(folder), "Films"),
        "model": Answer(facts.model(folder), "Weights and seconds"),
        "software": Answer(facts.software(folder), "Reproduce"),
        "weights": Answer(facts.weights(folder), "Weights and seconds"),
        "training": Answer(f"{facts.training(folder)}; {facts.seeds(folder)}", "Reproduce"),
        "chosen": Answer(facts.chosen_words(folder), "Model card"),
        "ensemble": Answer("none"),
        "metrics": Answer("sensitivity, specificity, PPV, NPV, F1, PR-AUC, ROC-AUC, each with its formula", "Terms"),
        "uncertainty": Answer(
            f"95 % intervals; resampled: {evaluation.unit}, and trials; {facts.comparisons(folder)}", "Results"
        ),
        "robustness": Answer(
            f"the pipelines and other factors of the study’s grid; {apart}" + ("" if named else "; differences not tested"),
            "Contrasts and subgroups",
        ),
        "internal": Answer(data_facts.parts(folder), "Results"),
        "external": Answer(data_facts.external(folder), "Films"),
        "no trial": Answer("does not apply: no people were assigned to anything"),
        "flow": Answer(f"{flow_words(folder)}; {data_facts.parts(folder)}; {data_facts.patients(folder)}", "Films"),
        "characteristics": Answer(data_facts.characteristics(folder), "Films"),
        "performance": Answer(f"every cell with intervals; {apart}", "Results, Contrasts and subgroups"),
        "failures": Answer("confusion matrices of every trial; single films are in predictions.csv", "Confusion matrices"),
        "limitations": Answer(f"{n_cautions} named by the report" if n_cautions else no_limit, "Read this first"),
        "study file": Answer(f"the study file, digest {folder.run['study_digest'][:16]}", "Reproduce"),
        "code": Answer(
            "software: hilum, "
            + (f"by `{folder.run['command']}`" if folder.run.get("command") else "command not recorded")
            + "; data: from the sources; models: bundles in the run’s folder",
            "Reproduce",
        ),
        "pixels": Answer("the film’s pixels and nothing else", "Pipelines"),
        "no judgement": Answer("does not apply: pixels are not judged by a person"),
        "clusters": Answer(
            "films of one patient, or copies of one film, are resampled together; no heterogeneity between sources is estimated",
            "Results",
        ),
        "no update": Answer("none"),
        "bundle": Answer("a bundle for each trial: weights, preparation, threshold; `hilum predict` scores films with it", "Reproduce"),
        "imbalance": Answer(f"{facts.imbalance(folder)}; probabilities as trained, a temperature in the bundle", "Reproduce"),
        "fairness": Answer(f"{apart}; {data_facts.characteristics(folder)}", "Contrasts and subgroups"),
        "output": Answer(f"a probability for each class; {facts.operating_points(folder)}", "By class, trial and threshold"),
        "bad input": Answer("a file that is no film, or that cannot be decoded, is refused by name", "Model card"),
    }  # fmt: skip


def _table(
    name: str, title: str, caption: str, items: Sequence[Item], answers: Mapping[str, Answer]
) -> Table:
    body, breaks, last = [], set(), ""
    n_open = 0
    for k, (number, heading, asks) in enumerate(items):
        answer = answers.get(number, Answer(NOT_REPORTED))
        is_open = answer.text == NOT_REPORTED
        n_open += is_open
        if heading != last:
            breaks.add(k)
        body.append(
            [
                text_cell(number, strong=True),
                text_cell(heading if heading != last else ""),
                text_cell(asks),
                Cell(answer.text, answer.text, quiet=is_open),
                text_cell(answer.where),
            ]
        )
        last = heading
    columns = [
        Column("Item", numeric=False),
        *(Column(c, numeric=False, prose=c in ("Asks for", "From the run")) for c in ("Part", "Asks for", "From the run", "Where")),
    ]  # fmt: skip
    return Table(
        name,
        title,
        caption,
        columns,
        body,
        notes=(
            f"{len(items) - n_open} of {len(items)} are answered from the run; the others are for the authors. Wording shortened by "
            "hilum; the published checklist counts.",
        ),
        breaks=frozenset(breaks),
        sortable=False,
    )
