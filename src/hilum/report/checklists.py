"""Two reporting checklists, filled from a run: CLAIM (2024 update) and TRIPOD+AI (2024).

Convention: an answer is what the run knows (`hilum.report.study_facts`, `data_facts`), what the people behind the study say in its
``[reporting]`` table, or both; what neither says is "not reported", whatever is usual. ``Where`` names the section of the report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hilum.artifacts.evaluation import Evaluation
from hilum.artifacts.run_folder import RunFolder
from hilum.report import data_facts
from hilum.report import study_facts as facts
from hilum.report.checklist_items import CLAIM, TRIPOD_AI, Item
from hilum.report.class_words import against
from hilum.report.flow_tables import flow_words
from hilum.report.study_facts import NOT_REPORTED
from hilum.report.table import Cell, Column, Table, text_cell
from hilum.study.metrics import METRIC, shown_in
from hilum.study.reporting import ITEMS, Answers

_NOWHERE: Final = "–"
_SYNTHETIC: Final = "does not apply: every film was drawn by a program"


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
        "1": a["kind"], "4": a["aims"], "5": a["design"], "6": a["goal"],
        "7": a["sources"], "8": a["eligibility"], "9": a["preparation"], "10": a["subset"],
        "12": a["missing"], "14": a["drawn"], "16": a["labels"], "17": a["test labels"],
        "19": a["split"], "20": a["disjoint"], "22": a["model"], "23": a["software"], "24": a["weights"],
        "25": a["training"], "26": a["chosen"], "27": a["ensemble"], "28": a["metrics"], "29": a["uncertainty"],
        "30": a["robustness"], "32": a["internal"], "33": a["external"],
        "35": a["flow"], "36": a["characteristics"], "37": a["performance"], "38": a["performance"],
        "39": a["failures"], "40": a["limitations"], "42": a["study file"], "43": a["code"],
    }  # fmt: skip
    said = _by_authors(folder, lambda items: items.claim)
    return _table(
        "claim", "CLAIM checklist", "Checklist for AI in medical imaging, 2024 update.", CLAIM, answers, said
    )


def tripod_table(folder: RunFolder, evaluation: Evaluation, n_cautions: int) -> Table:
    """TRIPOD+AI."""
    a = _answers(folder, evaluation, n_cautions)
    answers = {
        "1": a["kind"], "4": a["goal"], "5a": a["sources"], "6b": a["eligibility"],
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
        _by_authors(folder, lambda items: items.tripod),
    )


def _by_authors(folder: RunFolder, numbers: Callable[[Answers], Sequence[str]]) -> dict[str, list[str]]:
    """Number of an item -> what the authors say of it, in the order of the keys."""
    found: dict[str, list[str]] = {}
    for name, text in facts.reported(folder).items():
        for number in numbers(ITEMS[name]):
            found.setdefault(number, []).append(text)
    return found


def _answers(folder: RunFolder, evaluation: Evaluation, n_cautions: int) -> dict[str, Answer]:
    """Everything that hilum knows and an item asks for, by a word of our own."""
    classes = ", ".join(folder.classes)
    what = f"image classification by deep learning; classes {classes}; {against(folder.positive, folder.classes)}"
    no_limit = "the report’s checks found none; that is no proof"
    named = bool(folder.record.families)
    apart = "evaluated apart: " + (
        ", ".join(q.name for q in folder.questions) or "nothing; the study names no contrast or subgroup"
    )
    return {
        "kind": Answer(what, "title"),
        "aims": Answer(facts.comparisons(folder), "Results"),
        "goal": Answer("development of models and their evaluation on films held back", "Results"),
        "design": Answer(_SYNTHETIC if folder.record.synthetic else NOT_REPORTED),
        "drawn": Answer(data_facts.labels(folder), "Films") if folder.record.synthetic else Answer(NOT_REPORTED),
        "sources": Answer(data_facts.sources(folder), "Films"),
        "eligibility": Answer(f"{data_facts.selection(folder)}; left out: {data_facts.exclusions(folder)}", "Films"),
        "preparation": Answer(facts.preprocessing(folder), "Pipelines"),
        "subset": Answer(data_facts.selection(folder), "Films"),
        "missing": Answer(
            f"a film that cannot be read is left out and listed; an unknown age, sex or view stays unknown; {data_facts.patients(folder)}",
            "Films",
        ),
        "labels": Answer(data_facts.labels(folder), "Films"),
        "test labels": Answer(f"of the same origin as those of the other films: {data_facts.labels(folder)}", "Films"),
        "split": Answer(data_facts.split_method(folder), "Films"),
        "disjoint": Answer(data_facts.disjoint_at(folder), "Films"),
        "parts": Answer(data_facts.parts(folder), "Films"),
        "model": Answer(facts.model(folder), "Weights and seconds"),
        "software": Answer(facts.software(folder), "Reproduce"),
        "weights": Answer(facts.weights(folder), "Weights and seconds"),
        "training": Answer(f"{facts.training(folder)}; {facts.seeds(folder)}", "Reproduce"),
        "chosen": Answer(facts.chosen_words(folder), "Model card"),
        "ensemble": Answer("none: each trained model is evaluated by itself", "By class, trial and threshold"),
        "metrics": Answer(", ".join(METRIC[m].word for m in shown_in("by class")) + ", each with its formula", "Terms"),
        "uncertainty": Answer(
            f"95 % intervals; resampled: {evaluation.unit}{', and trials' if folder.n_trials > 1 else ''}; {facts.comparisons(folder)}",
            "Results",
        ),
        "robustness": Answer(
            f"the pipelines and other factors of the study’s grid; {apart}" + ("" if named else "; differences not tested"),
            "Contrasts and subgroups",
        ),
        "internal": Answer(data_facts.parts(folder), "Results"),
        "external": Answer(data_facts.external(folder), "Films"),
        "flow": Answer(f"{flow_words(folder)}; {data_facts.parts(folder)}; {data_facts.patients(folder)}", "Films"),
        "characteristics": Answer(data_facts.characteristics(folder), "Films"),
        "performance": Answer(f"every cell with intervals; {apart}", "Results, Contrasts and subgroups"),
        "failures": Answer("confusion matrices of every trial; single films are in predictions.csv", "Confusion matrices"),
        "limitations": Answer(f"{n_cautions} named by the report" if n_cautions else no_limit, "Read this first"),
        "study file": Answer(f"the study file, digest {folder.record.study_digest[:16]}", "Reproduce"),
        "code": Answer(
            "software: hilum, "
            + (f"by `{folder.record.command}`" if folder.record.command else "command not recorded")
            + "; models: bundles in the run’s folder",
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


def _joined(of_run: Answer, by_authors: Sequence[str]) -> Answer:
    """What the run knows of an item, then what the authors say of it."""
    if not by_authors:
        return of_run
    words = facts.by_authors("; ".join(by_authors))
    return Answer(words if of_run.text == NOT_REPORTED else f"{of_run.text}; {words}", of_run.where)


def _table(
    name: str,
    title: str,
    caption: str,
    items: Sequence[Item],
    answers: Mapping[str, Answer],
    said: Mapping[str, Sequence[str]],
) -> Table:
    body, breaks, last = [], set(), ""
    n_open = 0
    for k, (number, heading, asks) in enumerate(items):
        answer = _joined(answers.get(number, Answer(NOT_REPORTED)), said.get(number, ()))
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
        *(Column(c, numeric=False, prose=c in ("Asks for", "Answer")) for c in ("Part", "Asks for", "Answer", "Where")),
    ]  # fmt: skip
    return Table(
        name,
        title,
        caption,
        columns,
        body,
        notes=(
            f"{len(items) - n_open} of {len(items)} are answered, {len(said)} of them by the authors (`[reporting]` of the study file, "
            "where the others may be answered too). Wording shortened by hilum; the published checklist counts.",
        ),
        breaks=frozenset(breaks),
        sortable=False,
    )
