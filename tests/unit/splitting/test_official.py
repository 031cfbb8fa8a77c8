"""Splits as a source itself divides its films: spellings, a validation part of a few films, groups that cross."""

from __future__ import annotations

from collections import Counter

import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.errors import InputError, LeakageError
from hilum.splitting.divide import SplitOptions
from hilum.stages.split import draw_split


def row(image_id: str, label: str, part: str, patient: str = "", source: str = "made") -> FilmRow:
    return FilmRow(image_id, f"{source}:{patient or image_id}", "", image_id, image_id, label, source, part)


def films(train: int = 50, valid: int = 12, test: int = 20, names: str = "train val test") -> list[FilmRow]:
    parts = zip(names.split(), (train, valid, test), strict=True)
    return [row(f"{p}-{c}-{k}", c, p) for p, n in parts for c in ("tb", "clear") for k in range(n)]


def drawn(rows: list[FilmRow], **more: object):
    return draw_split(Manifest(rows, Header("manifest")), None, SplitOptions("official", 3, **more))  # type: ignore[arg-type]


def counts(split) -> dict[str, int]:
    return {p: len(ids) for p, ids in split.parts.items()}


def test_parts_are_the_source_s_own_whatever_they_are_called() -> None:
    for names in ("train val test", "Training validation TEST", "train valid testing"):
        rows = films(names=names)
        split = drawn(rows)
        assert counts(split) == {"train": 100, "valid": 24, "test": 40}
        own = {f.image_id: f.source_part for f in rows}
        assert {own[i] for i in split.parts["valid"]} == {names.split()[1]}
        assert split.header.options["official"]["validation"] == "the source's own"
        assert [drawn(rows, trial=t).parts for t in (1, 2)] == [split.parts] * 2


def test_a_validation_part_of_a_few_films_joins_train_and_a_fifth_is_drawn_from_there() -> None:
    rows = films(train=46, valid=4)
    one, two = (drawn(rows, trial=t) for t in (1, 2))
    assert counts(one) == counts(two) == {"train": 80, "valid": 20, "test": 40}
    assert one.parts["test"] == two.parts["test"]
    assert one.parts["valid"] != two.parts["valid"]
    assert all(i.startswith(("train-", "val-")) for i in one.parts["valid"])
    assert Counter(i.split("-")[1] for i in one.parts["valid"]) == {"tb": 10, "clear": 10}
    facts = one.header.options["official"]
    assert facts["source_parts"] == {"train": 92, "valid": 8, "test": 40}
    assert facts["validation"] == (
        "drawn: the source's validation part has 8 films, 4 of class 'clear'; fewer than 10 of a class choose nothing, "
        "so they join train"
    )
    none = drawn(films(train=50, valid=0)).header.options["official"]
    assert none["validation"] == "drawn: the source has no validation part"


def test_films_without_a_part_are_counted_and_refused() -> None:
    rows = [*films(), row("x", "tb", ""), row("y", "tb", "", source="other")]
    with pytest.raises(
        InputError,
        match=r"2 of 166 films have no source_part \(1 of made, 1 of other\); leave them out \(exclude",
    ):
        drawn(rows)
    with pytest.raises(
        InputError, match=r"film 'x' has source_part 'trian', which is no part; did you mean 'train'"
    ):
        drawn([*films(), row("x", "tb", "trian")])


def crossing() -> list[FilmRow]:
    return [
        *films(),
        row("a", "tb", "train", "p1"), row("b", "tb", "test", "p1"), row("c", "tb", "val", "p1"),
        row("d", "clear", "train", "p2"), row("e", "clear", "val", "p2"),
    ]  # fmt: skip


def test_a_patient_in_two_official_parts_is_refused() -> None:
    with pytest.raises(LeakageError) as e:
        drawn(crossing())
    assert "are in two of the source's parts (2 groups, the first is 'patient made:p1': " in str(e.value)
    assert "train: 'a', valid: 'c', test: 'b')" in str(e.value)
    assert "leaves out 3 films of train and validation" in str(e.value)
    assert e.value.exit_code == 3


def test_keep_test_leaves_out_what_touches_a_part_held_back_more() -> None:
    split = drawn(crossing(), crossing="keep-test")
    assert counts(split) == {"train": 100, "valid": 25, "test": 41}
    assert {i for i in "abcde" if i in split.part_of} == {"b", "e"}
    assert split.header.options["official"]["left_out_crossing"] == 3
    # where validation is drawn from train, a patient in train and the source's validation is in one part
    few = [f for f in crossing() if f.source_part != "val" or f.image_id in "ce"]
    split = drawn(few, crossing="keep-test")
    assert split.part_of["d"] == split.part_of["e"]
    assert "c" not in split.part_of
    assert split.header.options["official"]["left_out_crossing"] == 2
