"""statistics.json: what is written is what is read; a null has a reason; the file's contract."""

import json
from pathlib import Path

import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.statistics import StatisticsRow, write_statistics
from hilum.core.errors import InputError
from statistics_rows import read_statistics

HEADER = Header("statistics")


def row(metric: str = "sensitivity", **changed: object) -> StatisticsRow:
    values = {
        "metric": metric, "class": "covid", "part": "test", "estimate": 0.9, "low": 0.8, "high": 0.95,
        "n": 100, "n_positive": 20, "method": "percentile bootstrap",
    }  # fmt: skip
    return StatisticsRow.model_validate(values | changed)


def test_round_trip(tmp_path: Path) -> None:
    rows = [row(), row("ppv", estimate=None, low=None, high=None, note="undefined: no film predicted as it")]
    path = tmp_path / "statistics.json"
    write_statistics(path, rows, HEADER)
    assert read_statistics(path) == rows
    written = json.loads(path.read_text())
    assert isinstance(written, list)
    assert {"metric", "class", "part", "estimate", "low", "high", "n", "n_positive", "method"} <= set(
        written[0]
    )
    assert written[1]["estimate"] is None
    write_statistics(path, [], HEADER)
    assert read_statistics(path) == []


def test_a_null_without_a_reason_and_a_nan_are_refused() -> None:
    with pytest.raises(ValueError, match="a null needs its reason"):
        row(estimate=None)
    with pytest.raises(ValueError, match="finite"):
        row(estimate=float("nan"))


def test_a_row_occurs_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="occurs twice"):
        write_statistics(tmp_path / "s.json", [row(), row()], HEADER)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected JSON"),
        ("{}", r"s\.json: not as hilum writes it: input should be a valid list, got {}"),
        ('[{"metric": "ppv"}]', "the key '0.class' is missing"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "s.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_statistics(path)
