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
from hilum.paper.member import Member, Paper
from hilum.paper.overall import overall_tables
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
    with progress("figures", len(paper.members), "studies") as step:
        for number, title in _TITLES.items():
            member = paper.experiment(number)
            if member is not None:
                found.append(_chapter(member, title, _described(member, paper, out), _family_tables(member)))
                step()
            elif number == 5:
                text = "Experiment 5 was not run in this suite; its network is drawn for the paper’s films."
                network = pictures.architecture_picture(None, out)
                found.append(Section("experiment-5", title, (text,), [network]))
        for member in paper.as_run:
            items = [
                overview_table(member, paper),
                fault_table(member),
                pictures.loss_picture(member, False, out),
            ]
            found.append(_chapter(member, member.title, items))
            step()
        for member in paper.others:
            items = [_plain_table(member), pictures.loss_picture(member, False, out)]
            found.append(_chapter(member, member.title, items, _family_tables(member)))
            step()
    flow = runs_flow_table([m.folder for m in paper.members], [m.title for m in paper.members])
    last = [t for t in (flow, studies_table(paper)) if t]
    return [*found, Section("studies", "Films, seconds and looks", (), last)]


def _chapter(
    member: Member, title: str, items: Sequence[Table | Picture | None], closed: Sequence[Table] = ()
) -> Section:
    said = []
    if member.subset:
        said.append(f"This study was run on a {member.subset}.")
    if stand_ins := member.stand_ins:
        said.append(
            f"{listed(stand_ins)} {'stands' if len(stand_ins) == 1 else 'stand'} in the place of the paper’s ResNet50: the paper’s number "
            "beside it is another network’s."
        )
    if member.as_run:
        said.append(
            "The same study twice: as the paper describes it, and with what its published scripts do. Each fault by itself is compared "
            "with the study as described, on the same films and in the same trials."
        )
    shown = [item for item in items if item is not None]
    return Section(member.name, title, said, shown, closed, unsafe=unsafe_notes(member.folder))


def _described(member: Member, paper: Paper, out: Path) -> list[Table | Picture | None]:
    """What an experiment as described shows: its policy or network, counts, results, matrices, curves, panels of films."""
    number = member.experiment
    first = {3: pictures.rate_picture, 4: pictures.plateau_picture, 5: pictures.architecture_picture}
    return [
        first[number](member, out) if number in first else None,
        count_table(member),
        *experiment_tables(member),
        *(_matrices(member) if number == 2 else []),
        pictures.loss_picture(member, True, out),
        pictures.pr_picture(member, paper, out) if number in (2, 3) else None,
        *(pictures.copied_pictures(member, out) if number in (1, 2) else []),
    ]


def _matrices(member: Member) -> list[Table]:
    """Tables 6 and 7: of the paper's cells, or of others in their place."""
    return _noted(member, shown_tables(member, tuple(printed.CONFUSION_CELLS)))


def _plain_table(member: Member) -> Table:
    """The results of a study that is none of the paper's."""
    made = key_table(member)
    notes = (*made.notes, *member.notes)
    return replace(made, name=f"{member.name}-results", title=f"Results of {member.title}", notes=notes)


def _family_tables(member: Member) -> list[Table]:
    """The comparisons that the study names; empty for none."""
    name = f"{member.name}-comparisons"
    return _noted(member, comparison_tables(member.compared, member.folder.classes, name))


def _noted(member: Member, tables: Sequence[Table]) -> list[Table]:
    said = " ".join(member.notes)
    return [replace(t, notes=(*t.notes, *([said] if said else []))) for t in tables]
