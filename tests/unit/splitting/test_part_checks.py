"""Parts without films, or without films of a class, are refused with their cause."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.errors import InputError
from hilum.splitting.divide import SplitOptions
from hilum.splitting.part_checks import require_parts
from hilum.stages.split import draw_split

SHARES = {"train": 0.7, "valid": 0.1, "test": 0.2}


def row(image_id: str, label: str, patient: str = "", source: str = "own", part: str = "") -> FilmRow:
    return FilmRow(
        image_id, f"{source}:{patient}" if patient else "", "", image_id, image_id, label, source, part
    )


def refused(
    rows: list[FilmRow],
    method: str = "set2",
    parts: tuple[str, ...] = ("train", "valid", "test"),
    **more: object,
) -> str:
    films = Manifest(rows, Header("manifest", options={"no_patient_ids": ["own", "far"]}))
    split = draw_split(films, None, SplitOptions(method, 1, **more))  # type: ignore[arg-type]
    with pytest.raises(InputError) as e:
        require_parts(split, films, sorted(films.count_by("label")), parts)
    return str(e.value)


def test_one_dummy_id_on_all_films_is_named() -> None:
    text = refused([row(f"{k}", "ab"[k % 2], "ANONYMOUS") for k in range(12)])
    assert "one patient id, 'ANONYMOUS', covers 12 of 12 films, and a group is in one part only" in text
    assert "declare that the source has none (`--no-patient-ids own`)" in text
    assert text.count("ANONYMOUS") == 1


def test_one_dummy_id_over_two_sources() -> None:
    rows = [
        replace(row(f"{k}", "ab"[k % 2], source="own" if k < 8 else "far"), patient_id="own:000000")
        for k in range(12)
    ]
    assert "one patient id, '000000', covers 12 of 12 films" in refused(rows)


def test_one_dummy_id_on_a_class() -> None:
    rows = [row(f"a{k}", "a") for k in range(20)] + [
        row(f"b{k}", "b", "0" if k < 9 else "") for k in range(10)
    ]
    assert "one patient id, '0', covers 9 of 10 films of class 'b'" in refused(rows)


def test_too_few_groups_for_the_parts() -> None:
    rows = [row(f"a{k}", "a") for k in range(20)]
    one = refused([*rows, row("v", "viral")])
    assert (
        "class 'viral' has 1 group (patients, or single films), three parts need 3; add films, or leave the class out"
        in one
    )
    assert "no film of class 'viral' is left for train and valid" in one
    two = refused([*rows, row("v", "viral"), row("w", "viral")])
    assert "class 'viral' has 2 groups" in two


def test_a_share_that_rounds_to_nothing() -> None:
    rows = [row(f"a{k}", "a") for k in range(20)] + [row(f"b{k}", "b") for k in range(4)]
    text = refused(rows, "fractions", fractions=SHARES)
    assert text == (
        "no film of class 'b' is left for valid: class 'b' has 4 films in 4 groups, too few for the shares "
        "(train 0.7, valid 0.1, test 0.2); add films or give that part a larger share"
    )


def test_a_source_left_out_that_holds_a_whole_class() -> None:
    rows = [row(f"a{k}", "a") for k in range(20)] + [row(f"b{k}", "b", source="far") for k in range(20)]
    text = refused(rows, without="far")
    assert text == (
        "no film of class 'b' is left for train and valid: all 20 films of class 'b' come from the source left out, 'far'"
    )


def test_a_source_left_out_that_shares_the_others_patients() -> None:
    near = [row(f"n{k}", "ab"[k % 2], f"{k % 3}") for k in range(12)]
    far = [replace(r, image_id=f"f{r.image_id}", sha256="", pixels_sha256="", source="far") for r in near]
    text = refused([*near, *far], without="far")
    assert text == (
        "no film is left for train and valid: 12 of the 12 films left to train on have a patient or a copy among the films of 'far', "
        "so they are left out"
    )


def test_an_official_part_without_a_class() -> None:
    rows = [row(f"{c}{p}{k}", c, part=p) for p in ("train", "test") for c in "ab" for k in range(15)]
    text = refused([r for r in rows if (r.label, r.source_part) != ("b", "test")], "official")
    assert text.startswith(
        "no film of class 'b' is left for test: the source divides the films of class 'b' so (train 15)"
    )


def test_what_every_part_has_is_let_through() -> None:
    films = Manifest(
        [row(f"{c}{k}", c) for c in "ab" for k in range(9)],
        Header("manifest", options={"no_patient_ids": ["own"]}),
    )
    require_parts(draw_split(films, None, SplitOptions("set2", 1)), films, ["a", "b"])
    no_test = draw_split(films, None, SplitOptions("fractions", 1, fractions={"train": 0.5, "valid": 0.5}))
    require_parts(no_test, films, ["a", "b"], ("train", "valid"))
    with pytest.raises(
        InputError,
        match="no film is left for test: the study has 18 films in 18 groups, too few for the shares",
    ):
        require_parts(no_test, films, ["a", "b"])
