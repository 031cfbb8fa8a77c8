"""What holds of every split, whatever the films, patients, copies and seeds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hilum.artifacts.duplicates import Copy, Duplicates
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.digests import SHORT, sha256_bytes
from hilum.core.errors import LeakageError
from hilum.splitting.divide import SplitOptions
from hilum.splitting.groups import film_groups
from hilum.stages.split import draw_split, select
from hilum.study.tables import SplitMethod as Method

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
    split = draw_split(
        manifest, copies, SplitOptions(method, seed, trial, FRACTIONS if method == "fractions" else None)
    )
    split.check(manifest)
    assert sorted(i for ids in split.parts.values() for i in ids) == [f.image_id for f in manifest.films]
    for pair in copies.pairs:
        assert split.part_of[pair.first] == split.part_of[pair.second]
    by_patient: dict[str, set[str]] = {}
    for f in manifest.films:
        by_patient.setdefault(f.patient_id, set()).add(split.part_of[f.image_id])
    assert all(len(parts) == 1 for parts in by_patient.values())
    again = Manifest(reversed(manifest.films), manifest.header)
    same = draw_split(
        again, copies, SplitOptions(method, seed, trial, FRACTIONS if method == "fractions" else None)
    )
    assert (same.parts, same.group_of, same.header) == (split.parts, split.group_of, split.header)


@settings(deadline=None, max_examples=80)
@given(studies(one_label_a_patient=True), st.integers(0, 10))
def test_sizes_are_within_the_largest_group_of_the_target(
    study: tuple[Manifest, Duplicates], seed: int
) -> None:
    """For groups of one class; the oracle is the formula of the paper's counts: half, rounded up."""
    manifest, copies = study
    split = draw_split(manifest, copies, SplitOptions("set2", seed))
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


@st.composite
def sourced(draw: st.DrawFn) -> tuple[Manifest, Duplicates]:
    """Films of two sources with official parts, ages and copies across both."""
    manifest, copies = draw(studies())
    films = [
        replace(
            f,
            source=draw(st.sampled_from(["near", "far"])),
            source_part=draw(st.sampled_from(["train", "val", "test"])),
            attributes={"age": draw(st.sampled_from(["", "9", "18", "70.5"]))},
        )
        for f in manifest.films
    ]
    return Manifest(films, manifest.header), copies


@settings(deadline=None, max_examples=60)
@given(sourced(), methods, st.integers(0, 5), st.integers(1, 3))
def test_without_a_source_its_films_and_only_those_are_tested(
    study: tuple[Manifest, Duplicates], method: Method, seed: int, trial: int
) -> None:
    manifest, copies = study
    of_source = {f.image_id for f in manifest.films if f.source == "far"}
    assume(of_source)
    shares = FRACTIONS if method == "fractions" else None
    split = draw_split(manifest, copies, SplitOptions(method, seed, trial, shares, without="far"))
    split.check(manifest)
    assert set(split.parts["test"]) == of_source
    seen = {*split.parts["train"], *split.parts["valid"]}
    groups = film_groups(manifest, copies)
    touched = {groups[i] for i in of_source}
    assert seen == {f.image_id for f in manifest.films if groups[f.image_id] not in touched}
    assert len(seen) + len(of_source) + split.header.options["left_out_with_source"] == len(manifest)


@settings(deadline=None, max_examples=60)
@given(sourced(), st.integers(0, 5), st.integers(1, 3))
def test_official_parts_keep_the_sources_test_and_leave_out_no_more_than_crosses(
    study: tuple[Manifest, Duplicates], seed: int, trial: int
) -> None:
    manifest, copies = study
    by_id, groups = manifest.by_id, film_groups(manifest, copies)
    split = draw_split(manifest, copies, SplitOptions("official", seed, trial, crossing="keep-test"))
    split.check(manifest)
    assert set(split.parts["test"]) == {f.image_id for f in manifest.films if f.source_part == "test"}
    tested = {groups[i] for i in split.parts["test"]}
    gone = set(by_id) - set(split.part_of)
    facts = split.header.options["official"]
    assert len(gone) == facts["left_out_crossing"]
    own_validation = facts["validation"] == "the source's own"
    if own_validation:
        assert all(by_id[i].source_part == "val" for i in split.parts["valid"])
    else:
        assert gone == {i for i in by_id if groups[i] in tested and by_id[i].source_part != "test"}
    if not gone:
        plain = draw_split(manifest, copies, SplitOptions("official", seed, trial))
        assert plain.parts == split.parts
    elif not own_validation:
        with pytest.raises(LeakageError):
            draw_split(manifest, copies, SplitOptions("official", seed, trial))


@settings(deadline=None, max_examples=60)
@given(sourced(), st.sampled_from([">=18", "<18", ">9 <70.5", "18", ""]), st.sampled_from(["far", "near"]))
def test_include_and_exclude_divide_the_films(
    study: tuple[Manifest, Duplicates], age: str, source: str
) -> None:
    """What is included and what is excluded by one filter add up; the oracle reads the ages itself."""
    manifest, _ = study
    ranges = {">=18": (18, 200), "<18": (0, 17.9), ">9 <70.5": (9.1, 70.4), "18": (18, 18)}

    def fits(f: FilmRow) -> bool:
        text = f.attributes.get("age", "")  # a text that is empty is none
        of_age = not text if not age else bool(text) and ranges[age][0] <= float(text) <= ranges[age][1]
        return of_age and f.source == source

    expected = {f.image_id for f in manifest.films if fits(f)}
    assume(0 < len(expected) < len(manifest))
    table = [{"age": [age], "source": [source]}]
    assert set(select(manifest, include=table).by_id) == expected
    assert set(select(manifest, exclude=table).by_id) == set(manifest.by_id) - expected
