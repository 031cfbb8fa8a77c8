"""Classes are named as the manifest names them; what the study leaves out is the manifest's."""

from __future__ import annotations

from typing import Any

import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.errors import InputError
from hilum.study.file import Study, check_consistent
from hilum.workflow.classes import merged, with_classes


def manifest(*labels: str) -> Manifest:
    rows = [
        FilmRow(f"{source}/{label}-{k}", f"{source}:{label}{k}", "x.png", "0", f"{label}{k}", label, source)
        for label in labels
        for source in ("Clinic", "other")
        for k in range(3)
    ]
    return Manifest(rows, Header("manifest"))


def study(**tables: Any) -> Study:
    return Study.model_validate({"name": "s", **tables})


def test_capitals_make_the_same_study() -> None:
    films = manifest("covid", "normal", "viral")
    lower = study(
        data={"classes": ["covid", "normal"], "positive": "covid", "include": [{"label": ["covid", "normal"]}]},
        sampling={"covid": 2.0},
    )  # fmt: skip
    upper = study(
        data={"classes": ["COVID", "Normal"], "positive": "Covid", "include": [{"label": ["Covid", "NORMAL"]}]},
        sampling={"COVID": 2.0},
    )  # fmt: skip
    assert with_classes(lower, films).digest == lower.digest == with_classes(upper, films).digest


def test_filters_take_the_manifests_spelling() -> None:
    s = study(data={"exclude": [{"source": ["clinic"]}, {"source": ["nowhere"]}]})
    found = with_classes(
        s.model_copy(update={"data": s.data.model_copy(update={"exclude": s.data.exclude[:1]})}),
        manifest("covid", "a"),
    )
    assert found.data.exclude == [{"source": ["Clinic"]}]


def test_questions_about_some_films_too() -> None:
    contrast = {"name": "c", "positive": {"label": ["COVID"]}, "negative": {"label": ["Normal"]}}
    found = with_classes(
        study(contrast=[contrast], subgroup=[{"name": "g", "films": {"source": ["clinic"]}}]),
        manifest("covid", "normal"),
    )
    assert found.contrast[0].positive == {"label": ["covid"]}
    assert found.contrast[0].negative == {"label": ["normal"]}
    assert found.subgroup[0].films == {"source": ["Clinic"]}


def test_classes_left_out_are_those_of_the_studys_films() -> None:
    films = manifest("covid", "normal", "viral")
    assert with_classes(study(), films).data.classes == ["covid", "normal", "viral"]
    some = with_classes(study(data={"include": [{"label": ["covid", "viral"]}]}), films)
    assert (some.data.classes, some.data.positive) == (["covid", "viral"], "covid")


def test_without_covid_the_positive_class_is_asked_for_by_name() -> None:
    with pytest.raises(
        InputError,
        match=r"which class is the positive one. Give data.positive 'normal' or data.positive 'pneumonia'",
    ):
        with_classes(study(), manifest("pneumonia", "normal"))
    named = with_classes(study(data={"positive": "Pneumonia"}), manifest("pneumonia", "normal"))
    assert named.data.positive == "pneumonia"


def test_two_spellings_in_the_manifest_are_not_guessed_between() -> None:
    films = manifest("covid", "Covid", "normal")
    assert with_classes(study(data={"classes": ["covid", "normal"]}), films).data.classes == [
        "covid",
        "normal",
    ]
    with pytest.raises(
        InputError, match=r"'COVID' has no film in the manifest .labels there: Covid, covid, normal."
    ):
        with_classes(study(data={"classes": ["COVID", "normal"]}), films)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"classes": ["covd", "normal"], "positive": "normal"}, "did you mean 'covid'?"),
        ({"include": [{"label": ["covid"]}]}, "all of one class, 'covid'"),
        ({"classes": ["covid", "COVID"]}, "two or more different names"),
    ],
)
def test_what_cannot_be_is_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as e:
        with_classes(study(data=data), manifest("covid", "normal"))
    assert message in str(e.value)


def merging(*labels: str, **merge: list[str]) -> tuple[Study, Manifest]:
    s = study(data={"classes": ["covid", "other"], "merge": merge})
    return s, merged(s, manifest(*labels))


def test_labels_are_merged_and_what_they_were_can_be_asked_for() -> None:
    s, films = merging("COVID", "Normal", "viral", "lateral", other=["normal", "VIRAL"])
    assert films.count_by("label") == {"COVID": 6, "lateral": 6, "other": 12}
    assert films.count_by("label_in_manifest") == {"COVID": 6, "Normal": 6, "lateral": 6, "viral": 6}
    assert with_classes(s, films).data.classes == ["COVID", "other"]
    films.check_filter({"label_in_manifest": ["viral"]}, "contrast")
    assert merged(s.model_copy(update={"data": s.data.model_copy(update={"merge": {}})}), films) is films


def test_a_star_is_every_label_that_is_not_named_otherwise() -> None:
    _, films = merging("COVID", "normal", "viral", other=["*"])
    assert films.count_by("label") == {"COVID": 6, "other": 12}
    s = study(
        data={"classes": ["covid", "pneumonia", "rest"], "merge": {"pneumonia": ["viral"], "rest": ["*"]}}
    )
    films = merged(s, manifest("covid", "normal", "viral", "tb"))
    assert films.count_by("label") == {"covid": 6, "pneumonia": 6, "rest": 12}


def test_a_run_of_a_merged_manifest_keeps_what_the_labels_were() -> None:
    s, films = merging("covid", "normal", "viral", other=["*"])
    assert merged(s, films).count_by("label_in_manifest") == {"covid": 6, "normal": 6, "viral": 6}


def test_a_merged_label_that_no_film_has_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"data\.merge\.other: no film has the label 'virla'; did you mean 'viral'"
    ):
        merging("covid", "viral", other=["virla"])


@pytest.mark.parametrize(
    ("merge", "message"),
    [
        (
            {"othr": ["*"]},
            "data.merge.othr is for a class that the study does not have; did you mean 'other'?",
        ),
        ({"other": ["COVID"]}, "data.merge.other names 'COVID', which is a class of its own"),
        ({"other": []}, "data.merge.other names no label"),
        ({"other": ["tb"], "covid": ["TB"]}, "data.merge puts 'TB' into both 'other' and 'covid'"),
    ],
)
def test_merges_that_cannot_be_are_refused_when_the_study_is_read(
    merge: dict[str, list[str]], message: str
) -> None:
    s = study(data={"classes": ["covid", "other"], "merge": merge})
    with pytest.raises(InputError) as e:
        check_consistent(s, "s.toml")
    assert message in str(e.value)


def test_a_star_needs_the_classes() -> None:
    with pytest.raises(InputError, match=r"'\*' needs data.classes"):
        check_consistent(study(data={"merge": {"other": ["*"]}}), "s.toml")
