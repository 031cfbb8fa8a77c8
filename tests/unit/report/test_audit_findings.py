"""Findings have codes, severities and counts; what is accepted stands apart with its reason; a wrong code gets the nearest right one."""

from __future__ import annotations

from typing import Any

import pytest

from hilum.core.errors import InputError
from hilum.report.audit_findings import CODES, Accepted, accepted, audit_cautions, with_accepted
from hilum.report.audit_page import audit_page
from hilum.report.caution import KINDS
from hilum.report.page import render


def found(**more: Any) -> dict[str, Any]:
    """The findings of 40 films: a group of copies, two lateral films, a label suspect."""
    copies = {
        "n_pairs": {"exact-bytes": 1, "exact-pixels": 0, "near": 0}, "n_groups": 1, "n_films": 2, "n_surplus": 1,
        "largest_group": ["a/1", "a/2"], "sizes": {"2": 1}, "by_sources": [], "shown": [],
    }  # fmt: skip
    suspect = {
        "film": "a/5",
        "source": "a",
        "given": "covid",
        "suggested": "normal",
        "p_given": 0.1,
        "p_suggested": 0.8,
    }
    return {
        "header": {"inputs": {}, "seed": 0}, "provenance": "hilum", "n_films": 40, "n_patients": 30, "n_without_patient": 4,
        "positive": "covid", "classes": ["covid", "normal"], "copies": copies, "label_conflicts": {"n_groups": 0, "groups": []},
        "patients": {
            "one_id_on_many": [], "n_with_several_films": 0, "n_films_of_those": 0, "most_films": 1, "with_most_films": "",
            "n_with_several_labels": 0,
        },
        "leaks": None, "class_by_source": {}, "class_by_age_group": {}, "class_by_view": {}, "class_by_container": {},
        "source_rule": {"accuracy": 0.5, "accuracy_of_the_largest_class": 0.5}, "probes": [],
        "quality": {"flagged": {"lateral": {"a/7": 0.99, "a/8": 0.9}}, "by_source": {}, "expected_false": {"lateral": 0.1}},
        "labels": {"by": "shape", "sees": "edges", "n_films": 40, "reason": "", "suspects": [suspect], "accuracy": 0.9},
    } | more  # fmt: skip


def by_code(a: dict[str, Any]) -> dict[str, tuple[str, int, bool, str]]:
    return {f["code"]: (f["severity"], f["count"], f["accepted"], f["reason"]) for f in a["findings"]}


def test_every_finding_has_a_code_a_severity_and_a_count() -> None:
    assert by_code(with_accepted(found())) == {
        "patients-unknown": ("limits", 4, False, ""),
        "lateral": ("limits", 2, False, ""),
        "copies": ("note", 1, False, ""),
        "label-suspects": ("note", 1, False, ""),
    }
    assert set(CODES) <= set(KINDS)


def test_what_is_accepted_comes_last_with_its_reason_and_is_no_caution() -> None:
    a = with_accepted(found(), accepted(["patients-unknown=asked of the source", "copies"], "--allow"))
    assert by_code(a)["patients-unknown"] == ("limits", 4, True, "asked of the source")
    assert [f["code"] for f in a["findings"]] == ["lateral", "label-suspects", "patients-unknown", "copies"]
    assert [c.code for c in audit_cautions(a)] == ["lateral", "label-suspects"]
    page = render(audit_page(a))
    assert "2 findings accepted." in page
    assert "asked of the source" in page
    assert by_code(with_accepted(a)) == by_code(with_accepted(found()))  # nothing was thrown away


def test_a_film_is_accepted_alone() -> None:
    allow = ["lateral:a/7=oblique, seen by the radiologist", "label-suspects:a/5"]
    a = with_accepted(found(), accepted(allow, "--allow", {"a/5", "a/7", "a/8"}))
    assert by_code(a)["lateral"] == ("limits", 1, False, "")
    assert "label-suspects" not in by_code(a)
    assert a["accepted_films"] == [
        {"code": "lateral", "film": "a/7", "reason": "oblique, seen by the radiologist"},
        {"code": "label-suspects", "film": "a/5", "reason": ""},
    ]
    assert a["quality"]["flagged"]["lateral"] == {"a/8": 0.9}
    assert "oblique, seen by the radiologist" in render(audit_page(a))


def test_how_an_acceptance_is_written() -> None:
    assert accepted(["copies", " lateral : a/b=x=y"], "here") == (
        Accepted("copies"),
        Accepted("lateral", "a/b", "x=y"),
    )
    with pytest.raises(InputError, match=r"--allow: unknown finding 'copys'; did you mean 'copies'\?"):
        accepted(["copys=why"], "--allow")
    with pytest.raises(
        InputError,
        match=r"'copies' is not found film by film, got 'copies:a/1'; accept it as a whole, without ':a/1'",
    ):
        accepted(["copies:a/1"], "--allow")
    with pytest.raises(InputError, match="there is no film 'a/9' in the manifest; give its image_id"):
        accepted(["lateral:a/9"], "--allow", {"a/1"})
