"""Paths below a mirror's root are sent relative to it, whatever holds them; everything else is a plain pickle."""

import pickle
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.core.packed import packed, unpacked

HERE, THERE = Path("/home/me/.cache/ws"), Path("/mnt/other/place")
NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda n: n not in (".", "..")
)
BELOW = st.lists(NAMES, max_size=3).map(lambda names: HERE.joinpath(*names))
ELSEWHERE = st.sampled_from(
    [Path("/home/me/.cache/ws-2/x"), Path("/home/me"), Path("ws/x"), Path("/tmp/f.png")]
)
LEAVES = st.one_of(
    BELOW, BELOW.map(str), ELSEWHERE, ELSEWHERE.map(str), st.text(), st.integers(), st.binary(), st.none()
)
VALUES = st.recursive(
    LEAVES,
    lambda v: st.one_of(st.lists(v), st.tuples(v, v), st.dictionaries(NAMES, v)),
    max_leaves=12,
)


def moved(value: object) -> object:
    """The slow obvious version: the value with every path below HERE below THERE."""
    if isinstance(value, Path):
        return THERE / value.relative_to(HERE) if value.is_relative_to(HERE) else value
    if isinstance(value, str):
        inside = value == str(HERE) or value.startswith(f"{HERE}/")
        return f"{THERE}{value[len(str(HERE)) :]}" if inside else value
    if isinstance(value, dict):
        return {moved(k): moved(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(moved, value))
    return value


@settings(max_examples=50, deadline=None)
@given(VALUES)
def test_only_paths_below_the_root_move(value: object) -> None:
    data = packed(value, HERE)
    assert unpacked(data, HERE) == value
    assert unpacked(data, THERE) == moved(value)
    assert unpacked(packed(unpacked(data, THERE), THERE), HERE) == value


@settings(max_examples=20, deadline=None)
@given(st.lists(BELOW.map(str), min_size=1, max_size=20))
def test_what_is_sent_does_not_name_the_root(paths: list[str]) -> None:
    assert str(HERE).encode() not in packed(paths, HERE)


@dataclass(frozen=True)
class Task:
    folder: Path
    locations: tuple[tuple[str, int], ...]


def test_a_task_of_a_class_is_found_below_the_other_root() -> None:
    task = Task(HERE / "trials", ((f"{HERE}/features/a.npy", 3), ("/films/1.png", 0)))
    assert unpacked(packed(task, HERE), THERE) == Task(
        THERE / "trials", ((f"{THERE}/features/a.npy", 3), ("/films/1.png", 0))
    )


def test_what_has_no_path_is_as_small_as_a_pickle() -> None:
    value = {"a": [1.5] * 100, "b": PurePosixPath("x")}
    assert packed(value, HERE) == pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
