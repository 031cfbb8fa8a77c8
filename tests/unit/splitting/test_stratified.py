"""Iterative stratification against a slow one word for word, and what must hold of any films."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.artifacts.finding_labels import UNKNOWN, finding_matrix, findings_text
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.split import PARTS
from hilum.core.errors import InputError
from hilum.splitting.divide import SplitOptions
from hilum.splitting.finding_checks import finding_problems, require_findings
from hilum.splitting.stratified import draw_stratified, finding_counts
from hilum.stages.split import draw_split

FINDINGS = ("effusion", "mass", "nodule")
SHARES = {"train": 0.6, "valid": 0.15, "test": 0.25}


def films(
    seed: int, n_patients: int, unknown: float = 0.1, rates: tuple[float, ...] = (0.3, 0.15, 0.08)
) -> Manifest:
    """Patients of one to three films, each film with findings of its own."""
    rng = np.random.default_rng(seed)
    rows = []
    for p in range(n_patients):
        for k in range(int(rng.integers(1, 4)) if rng.random() < 0.3 else 1):
            values = np.where(rng.random(3) < unknown, UNKNOWN, rng.random(3) < rates)
            label = findings_text(dict(zip(FINDINGS, map(int, values), strict=True)))
            rows.append(FilmRow(f"s/{p:04d}-{k}", f"s:{p}", "x.png", f"{p}-{k}", f"{p}-{k}", label, "s"))
    return Manifest(rows, Header("manifest"))


def options(seed: int = 1, trial: int = 1) -> SplitOptions:
    return SplitOptions("fractions", seed, trial, SHARES, findings=FINDINGS)


def in_words(label_sets: list[set[int]], share: float, order: list[int]) -> list[int]:
    """Sechidis et al. 2011, algorithm 1, of single films and two subsets, as its lines stand; ties go to the rest, in `order`."""
    n_labels = max((x for s in label_sets for x in s), default=-1) + 1
    r = [share, 1 - share]
    c = [len(label_sets) * x for x in r]
    c_of = [[sum(k in s for s in label_sets) * x for x in r] for k in range(n_labels)]
    left, found = list(order), [0] * len(label_sets)
    while left:
        count = {k: sum(k in label_sets[i] for i in left) for k in range(n_labels)}
        rare = min((k for k in count if count[k]), key=lambda k: (count[k], k), default=None)
        for i in [i for i in left if rare is None or rare in label_sets[i]]:
            wants = c if rare is None else c_of[rare]
            best = [j for j in (0, 1) if wants[j] >= max(wants) - 1e-9]
            best = [j for j in best if c[j] >= max(c[b] for b in best) - 1e-9]
            found[i] = best[-1]
            left.remove(i)
            for k in label_sets[i]:
                c_of[k][found[i]] -= 1
            c[found[i]] -= 1
    return found


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 60), share=st.sampled_from([0.2, 0.3, 0.5]))
def test_of_single_films_it_is_the_papers_algorithm(seed: int, n: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    there = rng.random((n, 3)) < [0.4, 0.2, 0.1]

    class Chance:
        """Every tie goes to the rest, and films are dealt in order: an odd number for each, in order."""

        def permutation(self, n: int) -> np.ndarray:
            return 2 * np.arange(n) + 1

    counts = np.concatenate([np.ones((n, 1), np.int64), there.astype(np.int64)], axis=1)
    ours = draw_stratified(counts, Fraction(share).limit_denominator(10), Chance())  # type: ignore[arg-type]
    theirs = in_words([set(np.flatnonzero(row)) for row in there], share, list(range(n)))
    assert ours.tolist() == [j == 0 for j in theirs]


def test_of_few_films_it_is_as_even_as_any_division() -> None:
    """Of every way to take half of ten films, none is nearer to half of each finding."""
    from itertools import combinations

    for seed in range(6):
        there = (np.random.default_rng(seed).random((10, 2)) < [0.5, 0.3]).astype(np.int64)
        counts = np.concatenate([np.ones((10, 1), np.int64), there], axis=1)
        drawn = draw_stratified(counts, Fraction(1, 2), np.random.default_rng(seed))
        best = min(np.abs(there[list(c)].sum(0) - there.sum(0) / 2).max() for c in combinations(range(10), 5))
        assert drawn.sum() == 5
        assert np.abs(there[drawn].sum(0) - there.sum(0) / 2).max() <= best + 0.5


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), unknown=st.sampled_from([0.0, 0.15]))
def test_no_patient_is_in_two_parts_and_every_part_has_its_share_of_each_finding(
    seed: int, unknown: float
) -> None:
    manifest = films(seed, 300, unknown)
    split = draw_split(manifest, None, options(seed))
    part_of_patient: dict[str, set[str]] = {}
    for part, ids in split.parts.items():
        for i in ids:
            part_of_patient.setdefault(manifest.by_id[i].patient_id, set()).add(part)
    assert {len(parts) for parts in part_of_patient.values()} == {1}
    whole = finding_matrix([f.label for f in manifest.films], FINDINGS)
    for part in PARTS:
        here = finding_matrix([manifest.by_id[i].label for i in split.parts[part]], FINDINGS)
        assert len(here) == pytest.approx(SHARES[part] * len(whole), abs=6)
        for value in (1, 0):
            wanted = SHARES[part] * (whole == value).sum(axis=0)
            # a patient has three films at most, so a part is off by few of them
            assert np.abs((here == value).sum(axis=0) - wanted).max() <= 6


def test_it_does_not_depend_on_the_order_of_rows_and_redraws_validation_alone() -> None:
    manifest = films(5, 120)
    again = Manifest(manifest.films[::-1], manifest.header)
    assert draw_split(manifest, None, options()).parts == draw_split(again, None, options()).parts
    first, second = (draw_split(manifest, None, options(trial=t)).parts for t in (1, 2))
    assert first["test"] == second["test"]
    assert first["valid"] != second["valid"]


def test_a_finding_that_is_left_open_is_dealt_by_films_without_it_too() -> None:
    manifest = films(2, 40, unknown=0.3)
    names, counts = finding_counts(manifest, {f.image_id: f.patient_id for f in manifest.films}, FINDINGS)
    assert counts.shape == (40, 1 + 3 + 3)
    assert names == sorted(names)
    known = films(2, 40, unknown=0.0)
    assert finding_counts(known, {f.image_id: f.patient_id for f in known.films}, FINDINGS)[1].shape == (
        40,
        1 + 3,
    )


def test_a_part_without_a_finding_is_refused_in_words() -> None:
    manifest = films(4, 60, 0.0, (0.4, 0.3, 0.0))
    one = replace(manifest.films[0], label="nodule")
    rare = Manifest([one, *manifest.films[1:]], manifest.header)
    split = draw_split(rare, None, options())
    with pytest.raises(
        InputError, match=r"no film with 'nodule' is left for .*: the study has 1 such film in 1 group"
    ):
        require_findings(split, rare, FINDINGS)
    enough = films(4, 60, 0.0, (0.4, 0.3, 0.3))
    assert finding_problems(draw_split(enough, None, options()), enough, FINDINGS) == []


def test_a_source_left_out_is_the_whole_test_part() -> None:
    two = films(8, 200)
    rows = [
        replace(f, source="other" if k % 4 == 0 else "s", patient_id=f.image_id)
        for k, f in enumerate(two.films)
    ]
    manifest = Manifest(rows, two.header)
    split = draw_split(manifest, None, replace(options(), without="other"))
    assert set(split.parts["test"]) == {f.image_id for f in rows if f.source == "other"}
    valid = finding_matrix([manifest.by_id[i].label for i in split.parts["valid"]], FINDINGS)
    assert (valid == 1).sum(axis=0).min() >= 1
