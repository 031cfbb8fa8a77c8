"""The findings of a study: which they are, what is known of a film, and what goes with them, in words."""

from __future__ import annotations

from typing import Any

import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.errors import InputError
from hilum.study.classes import GIVEN_LABEL
from hilum.study.file import Study, check_consistent
from hilum.workflow.classes import labels_in, merged, with_classes
from hilum.workflow.findings import asked_of_one, counts_of, findings_asked


def manifest(n: int = 40) -> Manifest:
    """Films with a mass (every second), an effusion (every third, uncertain in every fifth), and one with a hernia."""
    rows = []
    for k in range(n):
        effusion = "-1" if k % 5 == 0 else str(int(k % 3 == 0))
        own = {
            "finding_mass": str(int(k % 2 == 0)),
            "finding_effusion": effusion,
            "finding_hernia": str(int(k == 0)),
        }
        own = {} if k == 7 else own
        rows.append(
            FilmRow(
                f"s/{k}", f"s:{k}", "x.png", str(k), str(k), "sick" if k % 2 else "well", "s", attributes=own
            )
        )
    return Manifest(rows, Header("manifest"))


def study(**data: Any) -> Study:
    return Study.model_validate({"name": "s", "data": {"task": "multilabel", **data}})


def test_findings_left_out_are_those_with_films_enough_on_both_sides() -> None:
    found, left_out = findings_asked([], manifest(), "ignore")
    assert found == ["effusion", "mass"]
    assert left_out == {"hernia": "1 with it and 38 without, fewer than 10 films on one side"}
    named = with_classes(study(), merged(study(), manifest()))
    assert (named.data.findings, named.data.classes, named.data.positive) == (found, found, "")


def test_an_unknown_finding_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        InputError,
        match=r"'efusion', which no film has a column for; did you mean 'effusion'\? .* effusion, hernia, mass",
    ):
        merged(study(findings=["efusion", "mass"]), manifest())
    with pytest.raises(
        InputError, match=r"needs columns finding_<name> in the manifest, which has no column of its own"
    ):
        merged(study(), Manifest([f for f in manifest().films if not f.attributes], Header("manifest")))


@pytest.mark.parametrize(
    ("uncertain", "label"),
    [("ignore", "mass|?effusion"), ("positive", "effusion|mass"), ("negative", "mass")],
)
def test_what_is_uncertain_counts_as_the_study_says(uncertain: str, label: str) -> None:
    s = study(findings=["effusion", "mass"], uncertain=uncertain)
    films = merged(s, manifest())
    assert films.by_id["s/10"].label == label
    assert films.by_id["s/10"].attributes[GIVEN_LABEL] == "well"
    assert films.by_id["s/7"].label == ""  # nothing is known of it
    assert "" not in labels_in(with_classes(s, films), films)


def test_a_filter_may_name_what_the_label_was() -> None:
    s = study(include=[{GIVEN_LABEL: ["well"]}])
    with pytest.raises(InputError, match=r"two findings or more, got none .* mass: 20 with it and 0 without"):
        merged(s, manifest())


def test_films_are_counted_by_finding_and_asked_of_the_most_even() -> None:
    s = study()
    films = Manifest([f for f in merged(s, manifest()).films if f.label], Header("manifest"))
    counts = counts_of(films, ["effusion", "mass"])
    assert counts["mass"] == (20, 19, 0)
    assert counts["effusion"].unknown == 8
    asked, finding = asked_of_one(films, ["effusion", "mass"])
    assert (finding, asked.count_by("label")) == ("mass", {"mass": 20, "without mass": 19})


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"data": {"positive": "covid"}}, "data.positive has no meaning with data.task = 'multilabel': every finding"),
        ({"data": {"classes": ["a", "b"]}}, "data.classes has no meaning .*: name data.findings"),
        ({"data": {"merge": {"a": ["b"]}}}, "data.merge has no meaning"),
        ({"data": {"findings": ["mass"]}}, r"data.findings must be two or more different names, got \['mass'\]"),
        ({"sampling": {"covid": 2.0}}, "sampling has no meaning .* weigh findings with class_weights"),
        ({"training": {"balanced_batches": True}}, "training.balanced_batches has no meaning"),
        ({"probes": {"kinds": ["source-rule"]}}, "probes.kinds has no meaning .* leave 'source-rule' out"),
        ({"data": {"strata": "label"}}, "data.strata has no meaning .* every finding has its share"),
        ({"ensemble": [{"name": "m", "kind": "mean"}]}, "ensemble has no meaning .* models of one class a film"),
        ({"search": {"epochs": [10, 20]}}, "search has no meaning .* models of one class a film"),
        ({"contrast": [{"name": "c", "negative": {"sex": ["F"]}}]}, "contrast has no meaning"),
        ({"explain": {"methods": ["grad-cam"]}}, "explain.methods has no meaning .* explain the bundle of one finding"),
        ({"unsafe": {"second_softmax": True}}, "the fault 'second_softmax' .* of scripts with one class a film"),
        (
            {"compare": [{"name": "s", "factor": "source_left_out", "reference": "none"}]},
            "compare 's' is by source_left_out, whose cells test other films",
        ),
        ({"unsafe": {"overlapping_test_draw": True}}, "the fault 'overlapping_test_draw'"),
    ],
)  # fmt: skip
def test_what_does_not_go_with_several_findings_is_refused_in_words(
    tables: dict[str, Any], words: str
) -> None:
    value = {"name": "s", **tables, "data": {"task": "multilabel", **tables.get("data", {})}}
    with pytest.raises(InputError, match=words):
        check_consistent(Study.model_validate(value), "s.toml")


def test_findings_need_the_task() -> None:
    with pytest.raises(
        InputError, match=r"data.findings is for data.task = 'multilabel', got task 'classes'"
    ):
        check_consistent(Study.model_validate({"name": "s", "data": {"findings": ["a", "b"]}}), "s.toml")


def test_a_study_of_classes_has_the_digest_that_it_had() -> None:
    plain = Study.model_validate({"name": "s", "data": {"classes": ["a", "b"], "positive": "a"}})
    table = plain.model_dump(mode="json")
    older = {
        **table,
        "data": {k: v for k, v in table["data"].items() if k not in ("task", "findings", "uncertain")},
    }
    from hilum.study.keys import study_digest

    assert study_digest(older) == plain.digest
    assert study().digest != Study.model_validate({"name": "s"}).digest
