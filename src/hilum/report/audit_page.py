"""The audit's page: audit.json for a person, one html file that needs nothing else.

Convention: every number on it is in the findings; sentences that judge are the findings' own or say what to
do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from hilum import RESEARCH_NOTICE, __version__
from hilum.report.class_words import others


def audit_page(findings: Mapping[str, Any], title: str = "Audit of a manifest") -> str:
    """The page as html.

    Args:
        findings: What `hilum.stages.audit.audit` gave.
        title: Heading.
    """
    environment = Environment(
        loader=PackageLoader("hilum.report"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("audit.html").render(
        a=findings,
        title=title,
        notice=RESEARCH_NOTICE,
        version=__version__,
        summary=summary(findings),
        crossed=[
            (name, findings[key], sorted({label for n in findings[key].values() for label in n}))
            for name, key in (
                ("source", "class_by_source"),
                ("age group", "class_by_age_group"),
                ("view", "class_by_view"),
                ("container", "class_by_container"),
            )
        ],
    )


def summary(a: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a reader should know first: (short, sentence)."""
    out: list[tuple[str, str]] = []
    leaks = a["leaks"]
    if leaks is not None:
        crossing = leaks["n_patients"] + leaks["n_copies"]
        text = (
            f"{leaks['n_patients']} patients and {leaks['n_copies']} groups of copies are in two parts; "
            "rebuild the split with `hilum split`."
            if crossing
            else "No patient and no confirmed copy of a film is in two parts."
        )
        out.append(("The split leaks" if crossing else "The split does not leak", text))
    copies = a["copies"]
    if copies["n_groups"]:
        out.append(
            (
                "Copies",
                f"{copies['n_films']} of {a['n_films']} films have a copy here: {copies['n_groups']} groups, "
                f"the largest of {len(copies['largest_group'])} films. A split has to keep each together.",
            )
        )
    conflicts = a["label_conflicts"]["n_groups"]
    if conflicts:
        out.append(("Labels disagree", f"{conflicts} groups of copies hold films of different classes."))
    if a["n_without_patient"]:
        out.append(
            (
                "Patients unknown",
                f"{a['n_without_patient']} of {a['n_films']} films have no patient id: films of one patient "
                "may be in two parts of any split, unless they are copies.",
            )
        )
    odd = a["patients"]["one_id_on_many"]
    if odd:
        text = "; ".join(odd)
        out.append(
            (
                "One id on many films",
                f"{text}. As one person's these films stay together, and a split may have an empty part: give real ids, or declare at "
                "ingest that there are none (--no-patient-ids).",
            )
        )
    rule = a["source_rule"]
    if rule["accuracy"] - rule["accuracy_of_the_largest_class"] > 0.05:
        out.append(
            (
                "Class follows source",
                f"Knowing only a film's source names its class for {rule['accuracy']:.1%} of films (always "
                f"the largest class: {rule['accuracy_of_the_largest_class']:.1%}).",
            )
        )
    given_away = [p for p in a["probes"] if p["auc"] is not None and p["auc"] >= 0.8]
    if given_away:
        named = ", ".join(f"{p['name']} {p['auc']:.2f}" for p in given_away)
        out.append(
            (
                "Shortcuts",
                f"Plain models that see no disease tell {a['positive']} from {others(a['positive'], a['classes'])} (AUC): {named}. Report "
                "these beside a trained model's score.",
            )
        )
    if blank := a["nearly_blank"]:
        first, why = next(iter(blank.items()))
        films = "1 film shows" if len(blank) == 1 else f"{len(blank)} films show"
        out.append(
            (
                "Nearly blank",
                f"{films} next to nothing, such as {first} ({why}): worth a look.",
            )
        )
    if a["provenance"] != "hilum":
        out.append(("Provenance", f"The manifest's provenance is {a['provenance']}."))
    return out
