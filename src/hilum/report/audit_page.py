"""The audit's page: audit.json for a person. Every number on it is in the findings; sentences that judge are the findings' own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hilum.artifacts.duplicates import KINDS
from hilum.core.digests import SHORT
from hilum.report import numbers
from hilum.report.caution import Caution, by_severity, caution
from hilum.report.cautions import not_by_hilum
from hilum.report.class_words import others
from hilum.report.page import Page, Section
from hilum.report.table import Cell, Column, Table, count_cell, plain_table, rate_cell, text_cell

PAGE = "audit.html"
TELLS_MUCH: Final = 0.8
"""AUC of a probe from which on it is named first."""
_CROSSED = ("source", "age group", "view", "container")

Findings = Mapping[str, Any]
"""What `hilum.stages.audit.audit` gave."""


def audit_page(a: Findings, title: str = "Audit of a manifest") -> Page:
    """The findings as a page."""
    without = a["n_without_patient"]
    unknown = f", {numbers.counted(without, 'film')} without a patient id" if without else ""
    found = audit_cautions(a)
    nothing = "" if found else f" No copies, no conflicts, and no shortcut above an AUC of {TELLS_MUCH:.1f}."
    if a["leaks"] is not None and not _leaking(a):
        nothing += " The split does not leak: no patient and no confirmed copy of a film is in two parts."
    films = f"{numbers.counted(a['n_films'], 'film')}, {numbers.counted(a['n_patients'], 'known patient')}{unknown}"
    header = a["header"]
    return Page(
        "audit",
        title,
        f"{films}. Positive class: {a['positive']}.{nothing}",
        (_shortcuts(a), _classes(a), _copies(a), _patients(a), _split(a)),
        found,
        facts=[*((name, digest[:SHORT]) for name, digest in header["inputs"].items()), ("seed", str(header["seed"]))],
    )  # fmt: skip


def audit_cautions(a: Findings) -> list[Caution]:
    """What a reader should know first, the gravest first."""
    conflicts, without = a["label_conflicts"]["n_groups"], a["n_without_patient"]
    said = {
        "split-leaks": _leaking(a),
        "copies": _copied(a),
        "labels-disagree": (
            f"{numbers.counted(conflicts, 'group')} of copies {'holds' if conflicts == 1 else 'hold'} films of different classes."
        ) if conflicts else "",
        "patients-unknown": (
            f"{without} of {a['n_films']} films have no patient id: films of one patient may be in two parts of any split, unless they "
            "are copies."
        ) if without else "",
        "one-id-on-many": "; ".join(a["patients"]["one_id_on_many"]),
        "class-follows-source": _source_tells(a),
        "shortcuts": _shortcut(a),
        "nearly-blank": _blank(a),
        "not-by-hilum": not_by_hilum(a["provenance"], "The manifest", "labels and patient ids"),
    }  # fmt: skip
    return by_severity(caution(code, text) for code, text in said.items() if text)


def _leaking(a: Findings) -> str:
    leaks = a["leaks"]
    if leaks is None or not leaks["n_patients"] + leaks["n_copies"]:
        return ""
    return f"In two parts: {numbers.counted(leaks['n_patients'], 'patient')}, {numbers.counted(leaks['n_copies'], 'group')} of copies."


def _copied(a: Findings) -> str:
    copies = a["copies"]
    if not copies["n_groups"]:
        return ""
    return (
        f"{copies['n_films']} of {a['n_films']} films have a copy here: {numbers.counted(copies['n_groups'], 'group')}, the largest of "
        f"{len(copies['largest_group'])} films."
    )


def _source_tells(a: Findings) -> str:
    rule = a["source_rule"]
    if rule["accuracy"] - rule["accuracy_of_the_largest_class"] <= 0.05:
        return ""
    return (
        f"Knowing only a film's source names its class for {rule['accuracy']:.1%} of films (always the largest class: "
        f"{rule['accuracy_of_the_largest_class']:.1%})."
    )


def _shortcut(a: Findings) -> str:
    told = [f"{p['name']} {p['auc']:.2f}" for p in a["probes"] if _tells_much(p)]
    if not told:
        return ""
    return f"Plain models that see no disease tell {a['positive']} from {others(a['positive'], a['classes'])} (AUC): {', '.join(told)}."


def _tells_much(probe: Mapping[str, Any]) -> bool:
    return probe["auc"] is not None and bool(probe["auc"] >= TELLS_MUCH)


def _blank(a: Findings) -> str:
    blank = a["nearly_blank"]
    if not blank:
        return ""
    first, why = next(iter(blank.items()))
    films = "1 film shows" if len(blank) == 1 else f"{len(blank)} films show"
    return f"{films} next to nothing, such as {first} ({why})."


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
                Cell("", bar=bar, tone="bad" if _tells_much(p) else ""), count_cell(p["n_images"]), count_cell(p["n_positive"]),
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


def _copies(a: Findings) -> Section:
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
