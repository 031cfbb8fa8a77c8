"""ieee8023 covid-chestxray-dataset: ``metadata.csv`` and the folders of films that it names.

Taken are X-rays, frontal views (PA, AP, AP Supine, AP Erect), and findings whose cause is one of the four classes (`FINDINGS`; later
releases spell them ``Pneumonia/Viral/SARS``). All else, rows without a file and files without a row are left out by name. Some films have
two rows under two patient ids: such ids are one person, joined under the smaller one (``patients_joined`` in the header), who could sit
in two parts otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from hilum.artifacts.duplicates import joined
from hilum.core.tables import Row, read_columns, read_table
from hilum.sources.facts import FRONTAL, age_group_of, sex_of, view_is_kept, view_of
from hilum.sources.layout import IngestOptions, Layout
from hilum.sources.listing import (
    LISTED_TWICE,
    NO_ROW,
    NO_SUCH_FILE,
    NOT_FRONTAL,
    NOT_IN_STUDY,
    ROWS_DISAGREE,
    VIEW_NOT_ASKED,
    Listing,
)
from hilum.sources.table import attributes_of
from hilum.sources.tree import Tree

TABLE = "metadata.csv"
_COLUMNS = frozenset({"patientid", "finding", "view", "modality", "folder", "filename"})
_NO_ATTRIBUTES = frozenset(
    {"clinical_notes", "other_notes", "doi", "url"}
)  # free text, and where it was published
_VIRAL = ("SARS", "Varicella", "Influenza")
_BACTERIAL = (
    "Streptococcus",
    "Klebsiella",
    "Mycoplasma Bacterial Pneumonia",
    "Legionella",
    "E.Coli",
    "Chlamydophila",
    "Bacterial",
)
FINDINGS = {
    "COVID-19": "covid",
    "COVID-19, ARDS": "covid",
    "No Finding": "normal",
    **dict.fromkeys(_VIRAL, "viral"),
    **dict.fromkeys(_BACTERIAL, "bacterial"),
}
_CAUSES = {"Viral": "viral", "Bacterial": "bacterial"}  # the second step of Pneumonia/Viral/...


def label_of(finding: str) -> str:
    """The class of a finding, or empty when it is none of the four.

    >>> label_of("COVID-19, ARDS"), label_of("Pneumonia/Viral/COVID-19"), label_of("Pneumonia/Bacterial")
    ('covid', 'covid', 'bacterial')
    >>> label_of("Pneumocystis"), label_of("Pneumonia"), label_of("ARDS"), label_of("todo")
    ('', '', '', '')
    """
    steps = [s.strip() for s in finding.split("/")]
    if len(steps) < 2 or steps[0] != "Pneumonia":
        return FINDINGS.get(finding.strip(), "")
    return "covid" if steps[1:3] == ["Viral", "COVID-19"] else _CAUSES.get(steps[1], "")


def matches(tree: Tree) -> bool:
    """Whether the folder holds this set's table."""
    return TABLE in tree.beside() and set(read_columns(tree.path(TABLE), fold=True)) >= _COLUMNS


def read(source: str, tree: Tree, asked: IngestOptions) -> Listing:
    """List the films; when no views were asked for, frontal ones whose view the table tells."""
    table = read_table(tree.path(TABLE), fold=True)
    listing = Listing(source, ENTRY.name, tables={TABLE: tree.path(TABLE)})
    person, one_person = _join_patients(table.rows)
    views = asked.kept_views
    listing.options |= {"patients_joined": one_person, "views": sorted(FRONTAL if views is None else views)}
    files = set(tree.films)
    labels: dict[str, set[str]] = defaultdict(set)
    for row in table.rows:
        labels[_film(row)].add(label_of(row.get("finding")))
    named: dict[str, int] = {}
    for row in table.rows:
        film = _film(row)
        line = named.setdefault(film, row.line)
        why_not = _why_not(row, film in files, views, len(labels[film]) > 1)
        if line != row.line:
            why_not = LISTED_TWICE, f"line {row.line} names the film of line {line} again"
        told = {
            "label": label_of(row.get("finding")),
            "patient": person.get(row.get("patientid"), ""),
            "view": view_of(row.get("view")),
            "age_group": age_group_of(row.get("age")),
            "sex": sex_of(row.get("sex")),
            "attributes": attributes_of(row, table.columns, _COLUMNS | _NO_ATTRIBUTES | {"sex"}),
        }
        listing.enter(tree, film, why_not or told)
    for film in tree.films:
        if film not in named:
            listing.leave_out(tree.shown(film), NO_ROW, f"{TABLE} has no row for it")
    return listing


def _film(row: Row) -> str:
    return f"{row.get('folder')}/{row.get('filename')}"


def _why_not(
    row: Row, there: bool, views: Sequence[str] | None, rows_disagree: bool
) -> tuple[str, str] | None:
    """Reason and detail why a row is left out, or None. A row has one reason: the first that holds."""
    where = f"line {row.line} of {TABLE}"
    if not there:
        return NO_SUCH_FILE, f"{where} names a film that is not there"
    if row.get("modality") != "X-ray":
        return "not X-ray", f"{where}: modality {row.values.get('modality')!r}"
    if not view_is_kept(view_of(row.get("view")), FRONTAL if views is None else views):
        known_view = NOT_FRONTAL if views is None else VIEW_NOT_ASKED
        reason = known_view if row.get("view") else "view not known"
        return reason, f"{where}: view {row.values.get('view')!r}"
    if not label_of(row.get("finding")):
        return NOT_IN_STUDY, f"{where}: finding {row.values.get('finding')!r}"
    if rows_disagree:
        return ROWS_DISAGREE, f"{where} and a later one give it different findings"
    return None


def _join_patients(rows: list[Row]) -> tuple[dict[str, str], list[list[str]]]:
    """Patient id -> the id it counts under; and the groups of ids that are one person by a shared film."""
    of_film: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if patient := row.get("patientid"):
            of_film[_film(row)].append(patient)
    groups = [sorted(ids, key=_by_number) for ids in joined(of_film.values())]
    several = sorted((g for g in groups if len(g) > 1), key=lambda g: _by_number(g[0]))
    return {p: ids[0] for ids in groups for p in ids}, several


def _by_number(patient: str) -> tuple[int, str]:
    return (int(patient) if patient.isdigit() else 1 << 62, patient)


ENTRY = Layout("cohen", "the ieee8023 covid-chestxray-dataset", matches, read, public=True)
