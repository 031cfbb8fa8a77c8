"""paper.json: the runs of a suite are read back as they were written, and what is no record of a suite is refused."""

import json
from pathlib import Path

import pytest

from hilum.artifacts.suite_record import SUITE, MemberRun, SuiteRecord, is_suite_folder
from hilum.core.errors import InputError

RECORD = SuiteRecord(
    "s", "A suite", "hilum run s", (MemberRun("one", "one-1", 2.5), MemberRun("two", "two-2", None))
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    assert not is_suite_folder(tmp_path)
    RECORD.write(tmp_path)
    assert is_suite_folder(tmp_path)
    value = json.loads((tmp_path / SUITE).read_text())
    assert list(value) == ["header", "name", "title", "command", "members"]
    assert value["header"]["inputs"] == {"one": "one-1", "two": "two-2"}
    assert value["members"][0] == {"study": "one", "run": "one-1", "seconds": 2.5}
    assert SuiteRecord.read(tmp_path) == RECORD


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"members": []}, "expected at least one member, got none"),
        ({"members": [{"study": "one"}]}, "the key 'members.0.run' is missing"),
        (
            {"members": [{"study": "one", "run": "a"}, {"study": "one", "run": "b"}]},
            "member 'one' is there twice",
        ),
        ({"header": {"kind": "run"}}, "expected an artefact of kind 'paper', got 'run'"),
    ],
)
def test_what_is_no_record_of_a_suite_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    RECORD.write(tmp_path)
    value = json.loads((tmp_path / SUITE).read_text())
    (tmp_path / SUITE).write_text(json.dumps({**value, **change}))
    with pytest.raises(InputError, match=message):
        SuiteRecord.read(tmp_path)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    RECORD.write(tmp_path)
    value = json.loads((tmp_path / SUITE).read_text())
    del value["command"]
    (tmp_path / SUITE).write_text(json.dumps(value))
    with pytest.raises(InputError, match="the key 'command' is missing"):
        SuiteRecord.read(tmp_path)
