"""Synthetic films: drawn from a seed alone, alike within a patient, each sign where radiology puts it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from hilum.core.digests import sha256_file
from hilum.core.errors import InputError
from hilum.core.seeding import generator
from hilum.imaging.decode import decode_file
from hilum.synthetic.phantom import COLUMNS, LABELS, Phantom, draw, draw_patient, make_films

SIZE = 128
PATIENTS = range(12)


def patient(label: str, number: int, film: int = 1) -> Phantom:
    return draw_patient(label, generator(5, "patient", number), generator(5, "film", number, film), SIZE)


@pytest.mark.parametrize("label", LABELS)
def test_a_film_follows_from_its_generators(label: str) -> None:
    one, again, other = patient(label, 1), patient(label, 1), patient(label, 2)

    np.testing.assert_array_equal(one.pixels, again.pixels)
    assert one.facts == again.facts
    assert (one.pixels != other.pixels).mean() > 0.5
    assert one.pixels.dtype == np.uint8
    assert one.pixels.shape == one.lung_mask.shape == one.sign_mask.shape == (SIZE, SIZE)


def test_films_of_one_patient_look_more_alike_than_those_of_two() -> None:
    def likeness(a: Phantom, b: Phantom) -> float:
        return float(np.corrcoef(a.pixels.ravel(), b.pixels.ravel())[0, 1])

    same = [likeness(patient("normal", n, 1), patient("normal", n, 2)) for n in PATIENTS]
    different = [likeness(patient("normal", n, 1), patient("normal", n + 1, 2)) for n in PATIENTS]

    assert np.mean(same) > np.mean(different) + 0.03
    assert max(same) < 0.999


def test_lungs_are_dark_and_take_a_plausible_share() -> None:
    for n in PATIENTS:
        film = patient("normal", n)
        outside = film.pixels[~film.lung_mask & (film.pixels > 30)]
        assert 0.15 < film.lung_mask.mean() < 0.45
        assert film.pixels[film.lung_mask].mean() < outside.mean() - 30
        right, left = film.lung_mask[:, : SIZE // 2].sum(), film.lung_mask[:, SIZE // 2 :].sum()
        assert left < right  # the heart lies on the left


@pytest.mark.parametrize("label", ["bacterial", "covid", "viral"])
def test_a_sign_brightens_its_mask_within_the_lungs(label: str) -> None:
    gains = []
    for n in PATIENTS:
        ill, well = patient(label, n), patient("normal", n)
        assert (ill.sign_mask <= ill.lung_mask).all()
        assert ill.sign_mask.any()
        # the same anatomy and exposure without the sign: only the sign's own draws differ
        np.testing.assert_array_equal(ill.lung_mask, well.lung_mask)
        gains.append(ill.pixels[ill.sign_mask].mean() - well.pixels[ill.sign_mask].mean())
    assert np.mean(gains) > 10


def test_a_normal_film_has_no_sign() -> None:
    assert not any(patient("normal", n).sign_mask.any() for n in PATIENTS)


def sides_and_height(label: str) -> tuple[list[float], list[float]]:
    """For each patient: share of the sign on its lesser side, and how far its mean lies below the lungs'."""
    lesser, lower = [], []
    for n in PATIENTS:
        film = patient(label, n)
        on_left = film.sign_mask[:, SIZE // 2 :].sum() / film.sign_mask.sum()
        lesser.append(float(min(on_left, 1 - on_left)))
        lower.append(
            float(np.nonzero(film.sign_mask)[0].mean() - np.nonzero(film.lung_mask)[0].mean()) / SIZE
        )
    return lesser, lower


def test_ground_glass_is_bilateral_peripheral_and_low() -> None:
    lesser, lower = sides_and_height("covid")

    assert np.mean(lesser) > 0.25
    assert np.mean(lower) > 0.03
    for n in PATIENTS:
        film = patient("covid", n)
        columns = np.abs(np.arange(SIZE) - SIZE / 2)[None, :] * np.ones((SIZE, 1))
        assert columns[film.sign_mask].mean() > columns[film.lung_mask].mean()


def test_a_consolidation_is_on_one_side() -> None:
    lesser, _ = sides_and_height("bacterial")

    assert max(lesser) < 0.02
    assert {patient("bacterial", n).facts["lobe"] for n in range(40)} == {
        "left lower",
        "left upper",
        "right lower",
        "right upper",
    }


def test_an_interstitial_pattern_is_on_both_sides_and_about_the_hila() -> None:
    lesser, _ = sides_and_height("viral")

    assert np.mean(lesser) > 0.3
    film = patient("viral", 1)
    columns = np.abs(np.arange(SIZE) - SIZE / 2)[None, :] * np.ones((SIZE, 1))
    assert columns[film.sign_mask].mean() < columns[film.lung_mask].mean()


def test_only_the_sign_depends_on_the_class() -> None:
    facts = {label: patient(label, 3).facts for label in LABELS}

    for key in ("age_group", "view", "tilt_degrees", "gain", "gamma", "grain"):
        assert len({facts[label][key] for label in LABELS}) == 1


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(InputError, match="did you mean 'covid'"):
        draw("covit", generator(0))
    with pytest.raises(InputError, match="at least 32"):
        draw("covid", generator(0), 31)
    with pytest.raises(InputError, match="at least 4 films"):
        make_films(Path("unused"), 3, 0)


def test_a_data_set(tmp_path: Path) -> None:
    table = make_films(tmp_path / "films", 60, seed=3, size_px=64)
    with table.open(newline="") as f:
        rows = list(csv.DictReader(f))

    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 60
    counts = {label: sum(row["label"] == label for row in rows) for label in LABELS}
    assert counts["normal"] > 25
    assert counts["covid"] > counts["bacterial"] >= counts["viral"] > 0
    assert {(row["view"], row["age_group"]) for row in rows} == {
        (view, age) for view in ("AP", "PA") for age in ("adult", "child")
    }
    for row in rows:
        path = Path(row["path"])
        assert (path.parent.name, path.stem.split("_")[0]) == (row["label"], row["patient_id"])
        assert decode_file(table.parent / path).pixels.shape == (64, 64)
    films_of = {p: [r for r in rows if r["patient_id"] == p] for p in {r["patient_id"] for r in rows}}
    assert all(len({r["label"] for r in films}) == 1 for films in films_of.values())
    assert 0.1 < np.mean([len(films) > 1 for films in films_of.values()]) < 0.45


def test_a_data_set_is_the_same_again_and_as_part_of_a_greater_one(tmp_path: Path) -> None:
    small, again, great = (
        make_films(tmp_path / name, n, seed=3, size_px=48).parent
        for name, n in (("small", 20), ("again", 20), ("great", 40))
    )
    names = sorted(p.relative_to(small) for p in small.rglob("*.png"))

    assert [sha256_file(small / n) for n in names] == [sha256_file(again / n) for n in names]
    assert (small / "films.csv").read_text() == (again / "films.csv").read_text()
    in_great = {sha256_file(p) for p in great.rglob("*.png")}
    assert {sha256_file(small / n) for n in names} <= in_great
