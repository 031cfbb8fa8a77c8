"""The chapters of the whole paper's page: what each study shows, in order, and the sentences before it.

Convention: the overall comparison first, then the experiments by number, the studies as run, those that are none of the paper's, and what
it all took. The wording claims nothing that an adjusted comparison does not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hilum.core.progress import progress
from hilum.paper import pictures, printed
from hilum.paper.as_run import fault_table, overview_table
from hilum.paper.count_tables import count_table
from hilum.paper.experiment_tables import experiment_tables
from hilum.paper.overall import overall_tables
from hilum.paper.studies import Paper, PaperStudy
from hilum.paper.studies_table import studies_table
from hilum.report.comparison_tables import comparison_tables
from hilum.report.numbers import listed
from hilum.report.page import Picture, Section
from hilum.report.run_notes import unsafe_notes
from hilum.report.sections.films.flow_tables import runs_flow_table
from hilum.report.sections.matrices import shown_tables
from hilum.report.sections.results import key_table
from hilum.report.table import Table

_TITLES = {
    1: "Experiment 1: rotation",
    2: "Experiment 2: four pipelines",
    3: "Experiment 3: one cycle",
    4: "Experiment 4: reduced on plateau",
    5: "Experiment 5: CNN from scratch",
}


def chapters(paper: Paper, out: Path) -> list[Section]:
    """Every chapter; figures are written into the folder `out`."""
    found = []
    if overall := overall_tables(paper):
        text = (
            "The paper compares the best model of each experiment, chosen by its sensitivity on the test films. That choice is optimistic; "
            "the second table chooses on validation."
        )
        found.append(Section("overall", "Overall comparison", (text,), overall))
    with progress("figures", len(paper.studies), "studies") as step:
        for number, title in _TITLES.items():
            study = paper.experiment(number)
            if study is not None:
                found.append(_chapter(study, title, _described(study, paper, out), _family_tables(study)))
                step()
            elif number == 5:
                text = "Experiment 5 was not run in this suite; its network is drawn for the paper’s films."
                network = pictures.architecture_picture(None, out)
                found.append(Section("experiment-5", title, (text,), [network]))
        for study in paper.as_run:
            items = [
                overview_table(study, paper),
                fault_table(study),
                pictures.loss_picture(study, False, out),
            ]
            found.append(_chapter(study, study.title, items))
            step()
        for study in paper.others:
            items = [_plain_table(study), pictures.loss_picture(study, False, out)]
            found.append(_chapter(study, study.title, items, _family_tables(study)))
            step()
    flow = runs_flow_table([m.folder for m in paper.studies], [m.title for m in paper.studies])
    last = [t for t in (flow, studies_table(paper)) if t]
    return [*found, Section("studies", "Films, seconds and looks", (), last)]


def _chapter(
    study: PaperStudy, title: str, items: Sequence[Table | Picture | None], closed: Sequence[Table] = ()
) -> Section:
    said = []
    if study.subset:
        said.append(f"This study was run on a {study.subset}.")
    if stand_ins := study.stand_ins:
        said.append(
            f"{listed(stand_ins)} {'stands' if len(stand_ins) == 1 else 'stand'} in the place of the paper’s ResNet50: the paper’s number "
            "beside it is another network’s."
        )
    if study.as_run:
        said.append(
            "The same study twice: as the paper describes it, and with what its published scripts do. Each fault by itself is compared "
            "with the study as described, on the same films and in the same trials."
        )
    shown = [item for item in items if item is not None]
    return Section(study.name, title, said, shown, closed, unsafe=unsafe_notes(study.folder))


def _described(study: PaperStudy, paper: Paper, out: Path) -> list[Table | Picture | None]:
    """What an experiment as described shows: its policy or network, counts, results, matrices, curves, panels of films."""
    number = study.experiment
    first = {3: pictures.rate_picture, 4: pictures.plateau_picture, 5: pictures.architecture_picture}
    return [
        first[number](study, out) if number in first else None,
        count_table(study),
        *experiment_tables(study),
        *(_matrices(study) if number == 2 else []),
        pictures.loss_picture(study, True, out),
        pictures.pr_picture(study, paper, out) if number in (2, 3) else None,
        *(pictures.copied_pictures(study, out) if number in (1, 2) else []),
    ]


def _matrices(study: PaperStudy) -> list[Table]:
    """Tables 6 and 7: of the paper's cells, or of others in their place."""
    return _noted(study, shown_tables(study, tuple(printed.CONFUSION_CELLS)))


def _plain_table(study: PaperStudy) -> Table:
    """The results of a study that is none of the paper's."""
    made = key_table(study)
    notes = (*made.notes, *study.notes)
    return replace(made, name=f"{study.name}-results", title=f"Results of {study.title}", notes=notes)


def _family_tables(study: PaperStudy) -> list[Table]:
    """The comparisons that the study names; empty for none."""
    name = f"{study.name}-comparisons"
    return _noted(study, comparison_tables(study.compared, study.folder.classes, name))


def _noted(study: PaperStudy, tables: Sequence[Table]) -> list[Table]:
    said = " ".join(study.notes)
    return [replace(t, notes=(*t.notes, *([said] if said else []))) for t in tables]
