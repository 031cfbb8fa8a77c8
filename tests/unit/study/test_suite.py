"""A suite names its studies; an override is for one of them."""

from importlib.resources import files
from pathlib import Path

import pytest

from hilum.core.errors import InputError
from hilum.study.suite import is_suite, read_suite

SHIPPED = Path(str(files("hilum.studies")))


def test_the_paper_has_every_experiment_as_described_and_as_run() -> None:
    suite = read_suite(SHIPPED / "paper.toml", ["as-run-2:grid.trials=1"])
    labels = [m.label for m in suite.member]
    assert labels == [f"experiment-{k}" for k in range(1, 6)] + [f"as-run-{k}" for k in range(1, 6)]
    assert suite.member[6].set == ["grid.trials=1"]
    assert is_suite(SHIPPED / "paper.toml")
    assert not is_suite(SHIPPED / "experiment-2.toml")


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        ('name = "s"\nmember = []', [], "member must have at least 1 of them"),
        ('name = "s"\n[[member]]\nstudie = "a"', [], "unknown key 'member 1.studie'; did you mean 'study'?"),
        (
            'name = "s"\n[[member]]\nstudy = "a"\n[[member]]\nstudy = "a.toml"',
            [],
            "two members are called 'a'",
        ),
        (
            'name = "s"\n[[member]]\nstudy = "ab"',
            ["training.epochs=5"],
            "MEMBER:KEY=VALUE, as ab:training.epochs=5",
        ),
        ('name = "s"\n[[member]]\nstudy = "abcd"', ["abce:seed=5"], "did you mean 'abcd'?"),
    ],
)
def test_a_bad_suite_gets_one_line(tmp_path: Path, text: str, overrides: list[str], message: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text)
    with pytest.raises(InputError) as e:
        read_suite(path, overrides)
    assert message in str(e.value)
