"""A study's model card, after Mitchell et al. 2019 (Model Cards for Model Reporting, FAT*): their nine headings in their order.

Convention: one card a study. It is filled from the run's facts; what hilum cannot know is "not reported" and is for the people behind
the study to write. All cells are listed; the one that is named was chosen by validation loss, never on the test part. Nothing here is
a permission to use a model on patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hilum import RESEARCH_NOTICE
from hilum.artifacts.evaluation import Evaluation
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.study_rows import StudyRows
from hilum.report import data_facts, numbers
from hilum.report import study_facts as facts
from hilum.report.caution import Caution
from hilum.report.contrast_tables import contrasts
from hilum.report.result_tables import CellColumns
from hilum.report.run_notes import run_notes
from hilum.report.table import Cell, Column, Table, text_cell
from hilum.study.metrics import shown_words


@dataclass(frozen=True)
class CardSection:
    """A heading with its entries.

    Attributes:
        title: Heading of Mitchell et al.
        entries: (name, text).
    """

    title: str
    entries: Sequence[tuple[str, str]]


def model_card(
    folder: RunFolder, rows: StudyRows, evaluation: Evaluation, cautions: Sequence[Caution]
) -> list[CardSection]:
    """The card's nine sections."""
    label = CellColumns(folder).label
    reported = facts.reported(folder)

    def said(*keys: str) -> str:
        """What the authors say under these keys."""
        return facts.by_authors("; ".join(reported[k] for k in keys if k in reported))

    clean = [
        (contrast, facts.contrast_results(folder, rows, contrast))
        for contrast, found in contrasts(rows, folder).items()
        if found and found[0].n
    ]
    return [
        CardSection(
            "Model details",
            [
                ("Study", f"{folder.record.title or folder.record.name}, digest {folder.record.study_digest[:16]}"),
                ("Models", facts.model(folder)),
                ("First weights", facts.weights(folder)),
                ("Size", facts.costs(folder)),
                ("Training", facts.training(folder)),
                ("Chance", facts.seeds(folder)),
                ("Software", facts.software(folder)),
                ("Developers, date, contact", said("developers")),
                ("Licence of the trained models", said("model_licence")),
            ],
        ),
        CardSection(
            "Intended use",
            [
                ("Use", RESEARCH_NOTICE),
                ("Intended use", said("intended_use")),
                ("Users", said("users")),
                (
                    "Out of scope",
                    "Diagnosis, triage or any decision about a patient; classes other than " + ", ".join(folder.classes) + ", for which it "
                    "names one of these all the same; films unlike those it was trained on (" + data_facts.trained_on(folder) + ")",
                ),
            ],
        ),
        CardSection(
            "Factors",
            [
                ("Groups", data_facts.characteristics(folder)),
                (
                    "Instruments and sites",
                    f"{said('acquisition', 'setting')}; sources of films: {', '.join(sorted({f.source for f in folder.manifest.films}))}",
                ),
                ("Evaluated apart", data_facts.apart(folder, [c for c, _ in clean])),
            ],
        ),
        CardSection(
            "Metrics",
            [
                ("Figures", f"{shown_words('headline')} of the class " + folder.positive + "; formulas stand in the report"),
                ("Decision", "the class of the highest probability, and a threshold: " + facts.operating_points(folder)),
                ("Uncertainty", f"95 % intervals; resampled: {evaluation.unit}; {numbers.counted(folder.n_trials, 'trial')}"),
                ("Comparisons", facts.comparisons(folder)),
            ],
        ),
        CardSection(
            "Evaluation data",
            [
                ("Films", data_facts.parts(folder)),
                ("Kept apart", data_facts.disjoint_at(folder) + "; " + data_facts.duplicates(folder)),
                ("From elsewhere", data_facts.external(folder)),
            ],
        ),
        CardSection(
            "Training data",
            [
                ("Sources", data_facts.sources(folder)),
                ("Selection", data_facts.selection(folder) + "; left out: " + data_facts.exclusions(folder)),
                ("Patients", data_facts.patients(folder)),
                ("Split", data_facts.split_method(folder)),
                ("Preparation", facts.preprocessing(folder)),
                ("Consent, collection, dates", said("ethics", "setting", "dates")),
            ],
        ),
        CardSection(
            "Quantitative analyses",
            [
                *((label(c), facts.cell_results(folder, rows, c)) for c in folder.cells),
                *clean,
                ("Named by validation", facts.chosen_words(folder)),
            ],
        ),
        CardSection(
            "Ethical considerations",
            [
                ("Data", data_facts.people(folder)),
                ("Harm", "a film given a class that it is not of; hilum’s pages and bundles say that they are for research"),
                ("Fairness", "groups as above; sex and origin can be compared only where the manifest has them"),
            ],
        ),
        CardSection(
            "Caveats and recommendations",
            [
                *((c.title, c.words) for c in cautions),
                *(("Note", n) for n in run_notes(folder)),
                *([("Limitations", said("limitations"))] if "limitations" in reported else []),
            ]
            or [("Caveats", "none found by the report’s own checks, which is not a proof that there are none")],
        ),
    ]  # fmt: skip


def card_table(card: Sequence[CardSection]) -> Table:
    """The card as a table."""
    body: list[list[Cell]] = []
    breaks: set[int] = set()
    for section in card:
        breaks.add(len(body))
        for k, (name, text) in enumerate(section.entries):
            body.append(
                [text_cell(section.title if k == 0 else "", strong=True), text_cell(name), text_cell(text)]
            )
    return Table(
        "model-card",
        "Model card",
        "The study’s models in the form of Mitchell et al. (2019), filled from the run.",
        [
            Column("Heading", numeric=False),
            Column("Entry", numeric=False, prose=True),
            Column("From the run", numeric=False, prose=True),
        ],
        body,
        notes=("“Not reported” is what no record of the run says. The same card is model_card.md.",),
        breaks=frozenset(breaks),
        sortable=False,
    )  # fmt: skip


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
