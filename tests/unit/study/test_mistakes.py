"""Every fault of a study file is said at once, in words of the file."""

from pathlib import Path

import pytest

from hilum.core.errors import InputError
from hilum.study.file import read_study
from hilum.study.suite import read_suite


def _said(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "s.toml"
    path.write_text(text)
    with pytest.raises(InputError) as e:
        (read_suite if "[[member]]" in text else read_study)(path)
    return str(e.value).splitlines()


def test_all_faults_of_a_file_are_said_together(tmp_path: Path) -> None:
    text = """
name = "a/b"
seed = "x"
[grid]
backbones = []
trials = 0
[augment]
size_px = 0
[training]
epoch = 3
learning_rate = nan
[[compare]]
name = "one"
factor = "pipline"
reference = "baseline"
metrics = ["sensitivity", "f2"]
[[contrast]]
name = "two"
"""
    assert _said(tmp_path, text) == [
        "s.toml: 10 things are wrong:",
        "  1. unknown key 'training.epoch'; did you mean 'epochs'?",
        "  2. name must be of lower-case letters, digits, '.', '_' and '-', for it names a folder, got 'a/b'",
        "  3. seed must be a whole number, got 'x'",
        "  4. grid.backbones must have at least 1 of them, got []",
        "  5. grid.trials must be at least 1, got 0",
        "  6. augment.size_px must be at least 32, got 0",
        "  7. training.learning_rate must be greater than 0, got nan",
        "  8. compare 1.factor got 'pipline'; did you mean 'pipeline'?",
        "  9. compare 1.metrics 2 got 'f2'; known: accuracy, average_precision, f1, npv, ppv, pr_auc, roc_auc, sensitivity, "
        "specificity, strict_rate",
        "  10. contrast 1.negative is missing",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "a"\n[split]\nfractions = [0.7, 0.1, 0.2]', "split.fractions must be a table, as { key = value }, got [0.7, 0.1, 0.2]"),
        ('name = "a"\n[training]\nfind_rate = "maybe"', "training.find_rate must be true or false, got 'maybe'"),
        ('name = "a"\n[sampling]\ncovid = 0', "sampling.covid must be at least 1, got 0"),
        ('name = "a"\n[weights]\nresnet50 = { file = "x", sha = "y" }', "unknown key 'weights.resnet50.sha'; did you mean 'sha256'?"),
        ('name = "a"\n[policy.p]\nkind = "cosin"', "policy.p.kind got 'cosin'; did you mean 'cosine'?"),
        ('name = "a"\ntitle = 3', "title must be text, as \"...\", got 3"),
        ('name = "a"\ngrid = 3', "grid must be a table, as { key = value }, got 3"),
        ('name = "a"\n[[member]]\nstudi = "x"', "unknown key 'member 1.studi'; did you mean 'study'?"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_said_in_words_of_the_file(tmp_path: Path, text: str, said: str) -> None:
    lines = _said(tmp_path, text)
    assert said in "\n".join(lines)
    assert "valid" not in "\n".join(lines).replace("known", "")


def test_what_does_not_go_together_is_said_together(tmp_path: Path) -> None:
    text = """
name = "a"
[data]
classes = ["covid", "normal"]
positive = "covd"
[sampling]
Kovid = 3
[weights]
resnet5 = "none"
[split]
method = "fractions"
fractions = { train = 0.7, valid = 0.3, test = 0.2 }
[grid]
backbones = ["resnet50", "resnet50"]
"""
    assert _said(tmp_path, text) == [
        "s.toml: 5 things are wrong:",
        "  1. no class 'covd' for data.positive; did you mean 'covid'?",
        "  2. sampling names 'Kovid', which is no class; did you mean 'covid'?",
        "  3. weights names 'resnet5', which is not in grid.backbones; did you mean 'resnet50'?",
        "  4. grid.backbones names something twice: ['resnet50', 'resnet50']",
        "  5. split.fractions must add up to 1, got {'train': 0.7, 'valid': 0.3, 'test': 0.2}",
    ]
