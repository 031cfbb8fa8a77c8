"""What holds of every split, whatever the films, patients, copies and seeds."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.artifacts.duplicates import Copy, Duplicates
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.digests import SHORT, sha256_bytes
from hilum.stages.split import Method, draw_split, film_groups

LABELS = ("bacterial", "covid", "normal", "viral")
methods = st.sampled_from(["set1", "set2", "fractions"])


@st.composite
def studies(draw: st.DrawFn, one_label_a_patient: bool = False) -> tuple[Manifest, Duplicates]:
    n = draw(st.integers(1, 60))
    films = []
    for k in range(n):
        patient = draw(st.integers(0, 25))
        label = LABELS[patient % 4] if one_label_a_patient else draw(st.sampled_from(LABELS))
        sha = sha256_bytes(str(k).encode())
        films.append(
            FilmRow(f"f{k:03d}", f"s:{patient}" if patient else f"s:own{k}", "", sha, sha, label, "s")
        )
    links = (
        []
        if one_label_a_patient
        else draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=8))
    )
    pairs = [Copy(f"f{min(a, b):03d}", f"f{max(a, b):03d}", "near") for a, b in links if a != b]
    films = draw(st.permutations(films))
    covered = {f.image_id: f.pixels_sha256[:SHORT] for f in films}
    return Manifest(films, Header("manifest")), Duplicates(pairs, covered, Header("duplicates"))


FRACTIONS = {"train": 0.7, "valid": 0.1, "test": 0.2}


@settings(deadline=None, max_examples=80)
@given(studies(), methods, st.integers(0, 10), st.integers(1, 3))
def test_no_group_crosses_every_film_is_used_once_and_order_is_nothing(
    study: tuple[Manifest, Duplicates], method: Method, seed: int, trial: int
) -> None:
    manifest, copies = study
    split = draw_split(manifest, copies, method, seed, trial, FRACTIONS if method == "fractions" else None)
    split.check(manifest)
    assert sorted(i for ids in split.parts.values() for i in ids) == [f.image_id for f in manifest.films]
    for pair in copies.pairs:
        assert split.part_of[pair.first] == split.part_of[pair.second]
    by_patient: dict[str, set[str]] = {}
    for f in manifest.films:
        by_patient.setdefault(f.patient_id, set()).add(split.part_of[f.image_id])
    assert all(len(parts) == 1 for parts in by_patient.values())
    again = Manifest(reversed(manifest.films), manifest.header)
    same = draw_split(again, copies, method, seed, trial, FRACTIONS if method == "fractions" else None)
    assert same.to_dict() == split.to_dict()


@settings(deadline=None, max_examples=80)
@given(studies(one_label_a_patient=True), st.integers(0, 10))
def test_sizes_are_within_the_largest_group_of_the_target(
    study: tuple[Manifest, Duplicates], seed: int
) -> None:
    """For groups of one class; the oracle is the formula of the paper's counts: half, rounded up."""
    manifest, copies = study
    split = draw_split(manifest, copies, "set2", seed)
    members = Counter(split.group_of.values())
    for label, n in manifest.count_by("label").items():
        films = [f.image_id for f in manifest.films if f.label == label]
        largest = max(members[split.group_of[i]] for i in films)
        test = sum(split.part_of[i] == "test" for i in films)
        assert abs(test - (n + 1) // 2) < largest
        rest = n - test
        valid = sum(split.part_of[i] == "valid" for i in films)
        assert abs(valid - -(-(n - (n + 1) // 2) // 5)) < largest + abs(rest - (n - (n + 1) // 2)) + 1


@settings(deadline=None, max_examples=50)
@given(studies())
def test_groups_are_the_connected_components_of_a_graph(study: tuple[Manifest, Duplicates]) -> None:
    """Against a plain flood fill."""
    manifest, copies = study
    neighbours: dict[str, set[str]] = {f.image_id: set() for f in manifest.films}
    for p in copies.pairs:
        neighbours[p.first].add(p.second)
        neighbours[p.second].add(p.first)
    for a in manifest.films:
        for b in manifest.films:
            if a.patient_id == b.patient_id:
                neighbours[a.image_id].add(b.image_id)
    groups = film_groups(manifest, copies)
    seen: set[str] = set()
    for start in neighbours:
        if start in seen:
            continue
        reached, todo = {start}, [start]
        while todo:
            for other in neighbours[todo.pop()] - reached:
                reached.add(other)
                todo.append(other)
        seen |= reached
        names = {groups[i] for i in reached}
        assert len(names) == 1
        assert {i for i, g in groups.items() if g in names} == reached
