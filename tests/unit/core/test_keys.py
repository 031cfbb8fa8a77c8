"""The rules of a key: what is named counts, what is at its value of leaving out does not, and growth leaves every key as it was."""

from typing import Any

import pytest

from hilum.core.digests import digest
from hilum.core.keys import ALWAYS, ByKind, Each, Key, Optional

WITHIN = Key(kind=ALWAYS, rate=1.0)
KEY = Key(
    seed=ALWAYS, epochs=20, names=["a"], table=Key(on=False), each=Each(WITHIN), maybe=Optional(Key(on=False))
)
PLAIN: dict[str, Any] = {
    "seed": 1, "epochs": 20, "names": ["a"], "table": {"on": False}, "each": {}, "maybe": None, "title": "t"
}  # fmt: skip


def test_what_is_at_its_value_of_leaving_out_or_not_named_is_not_in_a_key() -> None:
    assert KEY.of(PLAIN) == {"seed": 1}
    assert KEY.digest(PLAIN) == digest({"seed": 1})


@pytest.mark.parametrize(
    ("member", "value", "stands"),
    [
        ("seed", 0, 0),
        ("epochs", 3, 3),
        ("names", [], []),
        ("table", {"on": True, "title": "t"}, {"on": True}),
        ("each", {"x": {"kind": "k", "rate": 1.0, "title": "t"}}, {"x": {"kind": "k"}}),
        ("each", [{"kind": "k", "rate": 2.0}, "a word"], [{"kind": "k", "rate": 2.0}, "a word"]),
        ("maybe", {"on": False}, {}),
        ("maybe", {"on": True}, {"on": True}),
    ],
)
def test_what_differs_stands_in_the_key(member: str, value: object, stands: object) -> None:
    assert KEY.of({**PLAIN, member: value}) == {"seed": 1, member: stands}


def test_a_table_of_a_kind_has_that_kinds_members() -> None:
    key = ByKind({"a": Key(x=1), "b": Key(y=1)})
    assert key.of({"kind": "a", "x": 2, "y": 2}) == {"kind": "a", "x": 2}
    assert key.of({"kind": "b", "x": 2, "y": 1}) == {"kind": "b"}


def test_a_table_without_a_later_member_has_the_key_of_one_that_has_it_as_it_was() -> None:
    later = Key(**KEY.members, smoothing=0.0)
    assert later.of(PLAIN) == later.of({**PLAIN, "smoothing": 0.0}) == KEY.of(PLAIN)
    assert later.of({**PLAIN, "smoothing": 0.1}) != KEY.of(PLAIN)


def test_a_member_that_has_always_been_there_must_be() -> None:
    with pytest.raises(KeyError, match="seed"):
        KEY.of({"epochs": 3})
