"""The audit's page: audit.json for a person. Every number on it is in the findings; sentences that judge are the findings' own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hilum.artifacts.duplicates import KINDS
from hilum.core.digests import SHORT
from hilum.report import numbers
from hilum.report.audit_findings import Findings, audit_cautions, leaking
from hilum.report.audit_quality import accepted_section, accepted_words, labels_section, quality_section
from hilum.report.copy_pairs import copy_pairs
from hilum.report.page import Page, Section
from hilum.report.table import Cell, Column, Table, count_cell, plain_table, rate_cell, text_cell

PAGE = "audit.html"
_CROSSED = ("source", "age group", "view", "container")


def audit_page(
    a: Findings, title: str = "Audit of a manifest", pictures: Mapping[str, bytes] | None = None
) -> Page:
    """The findings as a page; pictures of copies by image id."""
    without = a["n_without_patient"]
    unknown = f", {numbers.counted(without, 'film')} without a patient id" if without else ""
    found = audit_cautions(a)
    nothing = "" if a["findings"] else " No copies, no conflicts, and no shortcut."
    if a["leaks"] is not None and not leaking(a)[0]:
        nothing += " The split does not leak: no patient and no confirmed copy of a film is in two parts."
    films = f"{numbers.counted(a['n_films'], 'film')}, {numbers.counted(a['n_patients'], 'known patient')}{unknown}"
    header = a["header"]
    seen = pictures or {}
    sections = (
        _shortcuts(a), _classes(a), _copies(a, seen), quality_section(a, seen), labels_section(a, seen), _patients(a), _split(a),
        accepted_section(a),
    )  # fmt: skip
    return Page(
        "audit",
        title,
        f"{films}. Positive class: {a['positive']}.{nothing}{accepted_words(a)}",
        [s for s in sections if s],
        found,
        facts=[*((name, digest[:SHORT]) for name, digest in header["inputs"].items()), ("seed", str(header["seed"]))],
    )  # fmt: skip


def _shortcuts(a: Findings) -> Section:
    columns = [
        Column("Probe", numeric=False), Column("All that it sees", numeric=False, prose=True), Column("AUC"),
        Column("± folds", hint="standard deviation over the five folds"), Column(".5 to 1", numeric=False), Column("Films"),
        Column(a["positive"]), Column("Meaning", numeric=False, prose=True),
    ]  # fmt: skip
    body = []
    for p in a["probes"]:
        auc = p["auc"]
        bar = None if auc is None else min(max(auc - 0.5, 0), 0.5) * 2
        body.append(
            [
                text_cell(p["name"], strong=True), text_cell(p["sees"]), rate_cell(auc, n=a["n_films"]),
                rate_cell(p["spread"], n=a["n_films"]),
                Cell("", bar=bar, tone="bad" if p["alarm"] else ""), count_cell(p["n_images"]), count_cell(p["n_positive"]),
                text_cell(p["meaning"]),
            ]
        )  # fmt: skip
    rule = a["source_rule"]
    words = (
        "Each row is a plain model (logistic regression, or a small tree for source, metadata and container), scored in five folds on "
        "films that it has not seen; a patient's films and copies stay in one fold. AUC .5 is chance.",
        f"Source rule: calling each film what most films of its source are is right for {numbers.percent(rule['accuracy'])} of films; "
        f"always saying the largest class, for {numbers.percent(rule['accuracy_of_the_largest_class'])}.",
    )
    table = Table("probes", "Probes", "How far does a model get that sees no disease?", columns, body)
    return Section("shortcuts", "Shortcuts", words, [table])


def _classes(a: Findings) -> Section:
    tables = []
    for name in _CROSSED:
        found = a[f"class_by_{name.replace(' ', '_')}"]
        labels = sorted({label for n in found.values() for label in n})
        tables.append(
            plain_table(
                f"class-by-{name.replace(' ', '-')}",
                (name.capitalize(), *labels, "All"),
                [(value, *(n.get(c, 0) for c in labels), sum(n.values())) for value, n in found.items()],
                f"Class by {name}",
                "Numbers of films.",
            )
        )
    return Section("classes", "Class by source, age, view and container", items=tables)


def _copies(a: Findings, pictures: Mapping[str, bytes]) -> Section:
    copies, conflicts = a["copies"], a["label_conflicts"]
    n = {k: numbers.count(v) for k, v in copies["n_pairs"].items()}
    words = [
        f"{n['exact-bytes']} pairs with equal bytes, {n['exact-pixels']} with equal pixels, {n['near']} near copies confirmed on aligned "
        f"pixels: {numbers.counted(copies['n_groups'], 'group')} of {numbers.counted(copies['n_films'], 'film')}, "
        f"{numbers.counted(copies['n_surplus'], 'film')} more than there are exposures."
    ]
    tables = []
    if copies["n_groups"]:
        sizes = ", ".join(f"{numbers.count(c)} of {size}" for size, c in copies["sizes"].items())
        words.append(f"Groups by size: {sizes}. The largest: {', '.join(copies['largest_group'])}.")
        tables.append(
            plain_table(
                "copies-by-source",
                ("Source", "And source", "Equal bytes", "Equal pixels", "Near"),
                [(p["first"], p["second"], *(p[k] for k in KINDS)) for p in copies["by_sources"]],
                "Pairs of copies by source",
            )
        )
        tables.append(copy_pairs(copies["shown"], sum(copies["n_pairs"].values()), pictures))
    words.append(_listed(conflicts["n_groups"], conflicts["groups"]))
    title = "Copies with different labels"
    return Section(
        "copies", "Copies", words, tables, _films("label-conflicts", title, "Label", conflicts["groups"])
    )


def _listed(n: int, groups: Sequence[object]) -> str:
    more = f", the first {len(groups)} of them listed" if n > len(groups) else ""
    return f"Groups that hold films of different labels: {numbers.count(n) if n else 'none'}{more}."


def _patients(a: Findings) -> Section:
    p = a["patients"]
    most = f"; the most, {p['most_films']}, has {p['with_most_films']}" if p["most_films"] > 1 else ""
    words = (
        f"Patients with several films: {numbers.count(p['n_with_several_films'])} "
        f"({numbers.counted(p['n_films_of_those'], 'film')}){most}. "
        f"With films of several classes: {numbers.count(p['n_with_several_labels'])}."
    )
    return Section("patients", "Patients", (words,))


def _split(a: Findings) -> Section:
    leaks = a["leaks"]
    if leaks is None:
        words = "No split was given; `hilum audit MANIFEST --split split.json` looks for patients and copies in two parts."
        return Section("split", "The split", (words,))
    parts = ", ".join(f"{part} {numbers.count(n)}" for part, n in leaks["n_films"].items())
    words = f"{parts} films; {numbers.count(leaks['n_not_in_split'])} films of the manifest are in no part."
    rows = (
        ("patients", leaks["n_patients"]),
        ("groups of copies", leaks["n_copies"]),
        ("of these, with different labels", leaks["n_label_conflicts"]),
        ("test films with a copy in train or validation", leaks["n_test_films_with_copy_elsewhere"]),
    )
    table = plain_table("leaks", ("In two parts", "Number"), rows, "In two parts")
    films = _films(
        "leaking-films",
        "Films of patients and copies in two parts",
        "Part",
        leaks["patients"] + leaks["copies"],
    )
    return Section("split", "The split", (words,), [table], films)  # fmt: skip


def _films(name: str, title: str, what: str, groups: Sequence[Mapping[str, str]]) -> list[Table]:
    """The films of groups by name, and what they are; none where there is no group."""
    rows = [(k, film, is_) for k, group in enumerate(groups, 1) for film, is_ in group.items()]
    return [plain_table(name, ("Group", "Film", what), rows, title)] if rows else []
