"""The contrasts and subgroups that a study names: which films stand where, and what is refused before a film is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.questions import check_questions, questions
from hilum.core.errors import InputError
from hilum.study.file import read_study

CLASSES = ("tb", "clear")
ROWS = [
    ("tb", "adult", "A", "60"),
    ("tb", "child", "B", "9"),
    ("clear", "adult", "A", "30"),
    ("clear", "", "", ""),
]
FILMS = Manifest(
    [
        FilmRow(str(k), "", "", str(k), str(k), c, "s", age_group=group, attributes={"scanner": scanner, "age": age})
        for k, (c, group, scanner, age) in enumerate(ROWS)
    ],
    Header("manifest", options={"no_patient_ids": ["s"]}),
)  # fmt: skip
ADULTS = {"name": "adults", "positive": {"label": ["tb"]}, "negative": {"label": ["clear"], "age": [">=18"]}}


def asked(*contrast: dict[str, Any], subgroup: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"contrast": list(contrast), "subgroup": subgroup or []}


def test_the_sides_of_a_contrast() -> None:
    (found,) = questions(asked(ADULTS), CLASSES, "tb", FILMS)
    assert found.asked == ("tb",)
    assert found.sides(FILMS.films) == ([True, True, False, False], [False, False, True, False])


def test_a_side_left_out_has_no_film_and_asks_for_the_positive_class() -> None:
    (found,) = questions(asked({"name": "x", "negative": {"age_group": ["child"]}}), CLASSES, "tb", FILMS)
    assert (found.asked, found.positive) == (("tb",), None)
    assert found.sides(FILMS.films) == ([False] * 4, [False, True, False, False])


def test_a_column_makes_a_subgroup_of_each_value_and_of_what_is_not_known() -> None:
    found = questions(asked(subgroup=[{"by": "scanner"}]), CLASSES, "tb", FILMS)
    assert [q.name for q in found] == [
        "tb where scanner = A", "tb where scanner = B", "tb where scanner not known"
    ]  # fmt: skip
    assert found[0].sides(FILMS.films) == ([True, False, False, False], [False, False, True, False])
    assert found[2].sides(FILMS.films) == ([False] * 4, [False, False, False, True])
    (named,) = questions(asked(subgroup=[{"name": "old", "films": {"age": [">=50"]}}]), CLASSES, "tb", FILMS)
    assert named.sides(FILMS.films) == ([True, False, False, False], [False] * 4)


@pytest.mark.parametrize(
    ("study", "message"),
    [
        (asked({**ADULTS, "negative": {"label": ["clean"]}}), r"'adults': negative names the label 'clean'.*did you mean 'clear'"),
        (asked({**ADULTS, "negative": {"scaner": ["A"]}}), r"\[\[contrast\]\] 'adults': unknown column 'scaner'; did you mean 'scanner'"),
        (asked({**ADULTS, "negative": {"scanner": ["C"]}}), r"'adults': no film of the manifest has scanner 'C'; known: A, B"),
        (asked({**ADULTS, "negative": {"age_group": ["adult"]}}), r"1 films are on both sides, the first is '0'"),
        (asked({**ADULTS, "score": "pair", "negative": {"age_group": ["child"]}}), r"score = 'pair' needs other labels in negative"),
        (asked({**ADULTS, "positive": {}}), r"positive names no column; for example positive = "),
        (asked(ADULTS, ADULTS), r"'adults': the name is taken"),
        (asked({**ADULTS, "name": "macro"}), r"'macro': the name is taken"),
        (asked({**ADULTS, "name": "tb"}), r"'tb': the name is taken by another one, or by a class"),
        (asked(subgroup=[{"by": "label"}]), r"a subgroup holds films of every class"),
        (asked(subgroup=[{"by": "agee"}]), r"\[\[subgroup\]\] 'agee': unknown column 'agee'; did you mean 'age'"),
        (asked(subgroup=[{"by": "age", "name": "x"}]), r"expected by = COLUMN, or name and films"),
        (asked(subgroup=[{"name": "old", "films": {"scanner": [">4"]}}]), r"'old': scanner is compared with '>4', but 3 films"),
    ],
)  # fmt: skip
def test_what_is_refused_before_a_film_is_read(study: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_questions(study, CLASSES, "tb", FILMS)


def test_a_column_of_many_values_is_no_list_of_subgroups() -> None:
    many = Manifest(
        [FilmRow(str(k), "", "", str(k), str(k), "tb", "s", attributes={"age": str(k)}) for k in range(13)],
        FILMS.header,
    )
    with pytest.raises(InputError, match=r"has 13 values, at most 12 .* films = \{ age = \["):
        questions(asked(subgroup=[{"by": "age"}]), CLASSES, "tb", many)


def test_a_study_file_names_them_and_its_digest_knows(tmp_path: Path) -> None:
    head = 'name = "x"\n[data]\nclasses = ["tb", "clear"]\npositive = "tb"\n'
    (tmp_path / "a.toml").write_text(head)
    (tmp_path / "b.toml").write_text(
        head + '[[contrast]]\nname = "adults"\npositive = { label = "tb" }\n'
        'negative = { label = ["clear"], age = ">=18" }\n[[subgroup]]\nby = "scanner"\n'
    )
    plain, more = read_study(tmp_path / "a.toml"), read_study(tmp_path / "b.toml")
    assert more.contrast[0].model_dump() == {**ADULTS, "score": "all"}
    assert plain.digest != more.digest
    (tmp_path / "c.toml").write_text(head + '[[contrast]]\nname = "x"\npositve = {}\nnegative = {}\n')
    with pytest.raises(InputError, match=r"unknown key 'contrast 1.positve'; did you mean 'positive'"):
        read_study(tmp_path / "c.toml")
