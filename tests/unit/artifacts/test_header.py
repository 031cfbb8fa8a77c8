"""The header of an artefact is there with it, or neither is."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from hilum.artifacts import header
from hilum.artifacts.header import Header, write_with_header
from hilum.core.errors import InputError


def test_a_disk_that_fills_up_leaves_neither_text_nor_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "predictions.csv"
    written: list[str] = []

    def full(where: Path, parts: Iterable[str]) -> None:
        written.append(where.name)
        list(parts)
        raise InputError(f"{where}: cannot be written: No space left on device")

    monkeypatch.setattr(header, "write_parts", full)
    with pytest.raises(InputError, match="No space left"):
        write_with_header(path, "a\n", Header("predictions"))
    monkeypatch.setattr(header, "write_json", lambda where, _: where.write_text("{}"))
    with pytest.raises(InputError, match=r"predictions\.csv: cannot be written: No space left"):
        write_with_header(path, "a\n", Header("predictions"))
    assert list(tmp_path.iterdir()) == []
    assert written == ["predictions.csv", "predictions.header.json", "predictions.csv"]
