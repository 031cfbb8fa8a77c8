"""Model card and checklists, filled from the run: CLAIM (2024 update), TRIPOD+AI (2024), and a model card after Mitchell et al. (2019).

Convention: ``forms.toml`` has what each asks for and the words of the answers. An answer is what the run knows (`hilum.report.study_facts`,
`data_facts`), what the people behind the study say in its ``[reporting]`` table, or both; what neither says is "not reported", whatever
is usual. The card lists all cells; the one that is named was chosen by validation loss, never on the test part. Nothing here is a
permission to use a model on patients.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hilum import RESEARCH_NOTICE
from hilum.artifacts.run_folder import RunFolder
from hilum.core.text import read_toml
from hilum.report import data_facts, numbers
from hilum.report import study_facts as facts
from hilum.report.class_words import against
from hilum.report.estimates import contrasts
from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.run_notes import run_notes
from hilum.report.study_facts import NOT_REPORTED
from hilum.report.table import Cell, Column, Table, text_cell
from hilum.study.metrics import METRIC, shown_in, shown_words
from hilum.study.reporting import ITEMS

FORMS: Final = read_toml(Path(__file__).with_name("forms.toml"))
_FACTS: Final = (
    facts.model, facts.weights, facts.costs, facts.training, facts.seeds, facts.software, facts.comparisons, facts.preprocessing,
    facts.operating_points, facts.imbalance, facts.chosen_words, data_facts.labels, data_facts.sources, data_facts.selection,
    data_facts.exclusions, data_facts.patients, data_facts.split_method, data_facts.disjoint_at, data_facts.parts, data_facts.external,
    data_facts.characteristics, data_facts.duplicates, data_facts.people, data_facts.trained_on, data_facts.flow_words,
)  # fmt: skip
"""Facts that need the run only; a form names each as its function is named."""


@dataclass(frozen=True)
class CardSection:
    """A heading with its entries.

    Attributes:
        title: Heading of Mitchell et al.
        entries: (name, text).
    """

    title: str
    entries: Sequence[tuple[str, str]]


class _Said:
    """What the authors say under some keys, with commas between: ``said["ethics,dates"]``."""

    def __init__(self, folder: RunFolder) -> None:
        self._reported = facts.reported(folder)

    def __getitem__(self, keys: str) -> str:
        return facts.by_authors("; ".join(self._reported[k] for k in keys.split(",") if k in self._reported))


def section(evaluated: Evaluated) -> Section:
    """The forms, folded away; the run's notes are in the card and not under them."""
    said = "Filled from the run’s own records. What they do not say is “not reported”: it is for the people behind the study."
    tables = [
        card_table(model_card(evaluated)),
        checklist("claim", evaluated, {key: answers.claim for key, answers in ITEMS.items()}),
        checklist("tripod-ai", evaluated, {key: answers.tripod for key, answers in ITEMS.items()}),
    ]
    return Section("forms", "Model card and checklists", (said,), (), tables, folded=True, noted=False)


def _known(evaluated: Evaluated) -> dict[str, Any]:
    """What the forms may name, in words."""
    folder, evaluation, n_cautions = evaluated.folder, evaluated.evaluation, len(evaluated.cautions)
    run, synthetic = folder.record, folder.record.synthetic
    apart = ", ".join(q.name for q in folder.questions) or "nothing; the study names no contrast or subgroup"
    return {
        **{fact.__name__: fact(folder) for fact in _FACTS},
        "said": _Said(folder),
        "notice": RESEARCH_NOTICE,
        "title": run.title or run.name,
        "digest": run.study_digest[:16],
        "classes": ", ".join(folder.classes),
        "positive": folder.positive,
        "against": against(folder.positive, folder.classes),
        "design": "does not apply: every film was drawn by a program" if synthetic else NOT_REPORTED,
        "drawn": data_facts.labels(folder) if synthetic else NOT_REPORTED,
        "where_drawn": "Films" if synthetic else "–",
        "names_of_sources": ", ".join(sorted(set(folder.manifest.texts("source")))),
        "metrics": ", ".join(METRIC[m].word for m in shown_in("by class")),
        "headline": shown_words("headline"),
        "unit": evaluation.unit,
        "resampled": f"{evaluation.unit}{', and trials' if folder.n_trials > 1 else ''}",
        "trials": numbers.counted(folder.n_trials, "trial"),
        "evaluated_apart": f"evaluated apart: {apart}",
        "not_tested": "" if run.families else "; differences not tested",
        "limitations": f"{n_cautions} named by the report"
        if n_cautions
        else "the report’s checks found none; that is no proof",
        "command": f"by `{run.command}`" if run.command else "command not recorded",
    }


def checklist(name: str, evaluated: Evaluated, items: Mapping[str, Sequence[str]]) -> Table:
    """A checklist with its answers: what the run knows of an item, then what the authors say of it.

    Args:
        name: Of the form.
        evaluated: The run.
        items: Key of ``[reporting]`` -> the items that it answers.
    """
    known = _known(evaluated)
    form = FORMS[name]
    said: dict[str, list[str]] = {}
    for key, text in facts.reported(evaluated.folder).items():
        for number in items[key]:
            said.setdefault(number, []).append(text)
    body: list[list[Cell]] = []
    breaks, last = set(), ""
    for k, (number, heading, asks, answer) in enumerate(form["items"]):
        text, where = (words.format_map(known) for words in FORMS["answers"].get(answer, (NOT_REPORTED, "–")))
        if number in said:
            authors = facts.by_authors("; ".join(said[number]))
            text = authors if text == NOT_REPORTED else f"{text}; {authors}"
        if heading != last:
            breaks.add(k)
        body.append(
            [
                text_cell(number, strong=True), text_cell(heading if heading != last else ""), text_cell(asks),
                Cell(text, text, quiet=text == NOT_REPORTED), text_cell(where),
            ]
        )  # fmt: skip
        last = heading
    n_answered = sum(not row[3].quiet for row in body)
    columns = [
        Column(c, numeric=False, prose=c in ("Asks for", "Answer"))
        for c in ("Item", "Part", "Asks for", "Answer", "Where")
    ]
    note = (
        f"{n_answered} of {len(body)} are answered, {len(said)} of them by the authors (`[reporting]` of the study file, where the others "
        "may be answered too). Wording shortened by hilum; the published checklist counts."
    )
    return Table(
        name, form["title"], form["caption"], columns, body, (note,), frozenset(breaks), sortable=False
    )


def model_card(evaluated: Evaluated) -> list[CardSection]:
    """The card's nine sections."""
    folder, rows = evaluated.folder, evaluated.rows
    known = _known(evaluated)
    clean = [
        (contrast, facts.contrast_results(folder, rows, contrast))
        for contrast, found in contrasts(rows, folder).items()
        if found and found[0].n
    ]
    known["apart"] = data_facts.apart(folder, [c for c, _ in clean])
    label = evaluated.names.label
    limits = [("Limitations", known["said"]["limitations"])]
    caveats = [
        *((c.title, c.words) for c in evaluated.cautions),
        *(("Note", n) for n in run_notes(folder)),
        *(entry for entry in limits if entry[1] != NOT_REPORTED),
    ]
    none = [("Caveats", "none found by the report’s own checks, which is not a proof that there are none")]
    of_run = {
        "[results]": [*((label(c), facts.cell_results(folder, rows, c)) for c in folder.cells), *clean],
        "[caveats]": caveats or none,
    }
    return [
        CardSection(
            title,
            [e for name, text in entries.items() for e in of_run.get(name, [(name, text.format_map(known))])],
        )
        for title, entries in FORMS["card"].items()
    ]


def card_table(card: Sequence[CardSection]) -> Table:
    """The card as a table."""
    body: list[list[Cell]] = []
    breaks: set[int] = set()
    for section in card:
        breaks.add(len(body))
        for k, (name, text) in enumerate(section.entries):
            title = section.title if k == 0 else ""
            body.append([text_cell(title, strong=True), text_cell(name), text_cell(text)])
    return Table(
        "model-card",
        "Model card",
        "The study’s models in the form of Mitchell et al. (2019), filled from the run.",
        [
            Column("Heading", numeric=False),
            *(Column(c, numeric=False, prose=True) for c in ("Entry", "From the run")),
        ],
        body,
        ("“Not reported” is what no record of the run says. The same card is model_card.md.",),
        frozenset(breaks),
        sortable=False,
    )


def card_markdown(title: str, card: Sequence[CardSection]) -> str:
    """The card as markdown."""
    lines = [f"# Model card: {_plain(title)}", ""]
    for section in card:
        lines += [f"## {section.title}", ""]
        lines += [f"- **{_plain(name)}**: {_plain(text)}" for name, text in section.entries]
        lines.append("")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text in which markdown finds no element: no line break, no tag."""
    return " ".join(text.split()).replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
