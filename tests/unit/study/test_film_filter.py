"""Which films a table of a study file means."""

from __future__ import annotations

import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.errors import InputError
from hilum.study.data_table import DataTable
from hilum.study.film_filter import compile_filter, filter_words

AGES = {"a": "17", "b": "18", "c": "64.5", "d": "65", "e": "", "f": "-1"}


def film(image_id: str, age: str, **more: str) -> FilmRow:
    own = {"age": age, "scanner": "AB"[ord(image_id[-1]) % 2], **more}
    return FilmRow(image_id, "", "", image_id, image_id, "covid", "s", attributes=own)


FILMS = Manifest(
    [film(i, age) for i, age in AGES.items()], Header("manifest", options={"no_patient_ids": ["s"]})
)


def chosen(table: dict[str, list[str]]) -> str:
    fits = compile_filter(table)
    return "".join(f.image_id for f in FILMS.films if fits(f))


@pytest.mark.parametrize(
    ("values", "films"),
    [
        ([">=18"], "bcd"),
        (["<18"], "af"),
        ([">17.99 <65"], "bc"),
        ([">=18, <=65"], "bcd"),
        (["<18", ">=65"], "adf"),
        (["18"], "b"),
        (["65", ""], "de"),
        (["> -2"], "abcdf"),
        ([">1e9"], None),
    ],
)
def test_texts_and_comparisons(values: list[str], films: str | None) -> None:
    if films is None:
        with pytest.raises(InputError, match="expected comparisons with numbers"):
            chosen({"age": values})
    else:
        assert chosen({"age": values}) == films


def test_every_column_must_fit() -> None:
    assert chosen({"age": [">=18"], "scanner": ["A"]}) == "bd"
    assert chosen({}) == "abcdef"


def test_a_text_that_looks_like_a_comparison_is_written_with_a_sign_before_it() -> None:
    odd = film("x", "<1")
    assert compile_filter({"age": ["=<1"]})(odd)
    assert not compile_filter({"age": ["<1"]})(odd)
    assert compile_filter({"age": ["==1"]})(film("x", "=1"))


def test_one_value_may_stand_without_brackets_and_a_number_without_quotes() -> None:
    table = DataTable.model_validate({"include": [{"age": ">=18", "source": "s", "width_px": [96, 128]}]})
    assert table.include == [{"age": [">=18"], "source": ["s"], "width_px": ["96", "128"]}]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"scaner": ["A"]}, r"data.include: unknown column 'scaner'; did you mean 'scanner'\?"),
        ({"scanner": ["C"]}, r"no film of the manifest has scanner 'C'; known: A, B"),
        ({"scanner": [">3"]}, r"scanner is compared with '>3', but 6 films .* such as 'B' \(film 'a'\)"),
        ({"age": ["> x"]}, r"age = '> x': expected comparisons with numbers, such as"),
        ({"sex": [">3"]}, r"sex is compared with '>3', but no film has a value there"),
        ({"age_group": ["adult"]}, r"no film of the manifest has age_group 'adult'"),
    ],
)
def test_what_cannot_be_meant_is_refused(table: dict[str, list[str]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FILMS.check_filter(table, "data.include")


def test_a_question_may_ask_for_adults_though_no_age_group_is_known() -> None:
    FILMS.check_filter({"age_group": ["adult"], "scanner": ["A"]}, "[[contrast]]", lenient=True)
    with pytest.raises(InputError, match="no film of the manifest has age_group 'adlt'"):
        FILMS.check_filter({"age_group": ["adlt"]}, "[[contrast]]", lenient=True)


def test_in_words() -> None:
    assert filter_words({"age": ["<18", ">=65"], "view": ["PA"]}) == "age <18 or >=65 and view is PA"
