"""A study file is checked: one line, with the key and the nearest right word."""

from importlib.resources import files
from pathlib import Path

import pytest

from hilum.artifacts.study import Study, read_study
from hilum.core.errors import InputError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "s.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["demo", "experiment-2"])
def test_shipped_studies_are_valid(name: str) -> None:
    assert read_study(Path(str(files("hilum.studies") / f"{name}.toml"))).name == name


def test_experiment_2_is_the_papers() -> None:
    study = read_study(Path(str(files("hilum.studies") / "experiment-2.toml")))
    assert study.grid.backbones == ["resnet50", "squeezenet1_0", "densenet121"]
    assert study.grid.pipelines == ["baseline", "crop", "crop-distortion", "crop-zoom"]
    assert (study.training.epochs, study.training.batch, study.training.learning_rate) == (20, 32, 5e-4)
    assert (study.grid.trials, study.sampling, study.augment.size_px) == (3, {"covid": 3000}, 244)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "a"\n[training]\nepoch = 3', "unknown key 'training.epoch'; did you mean 'epochs'?"),
        ('name = "a"\ntrainig = 3', "unknown key 'trainig'; did you mean 'training'?"),
        (
            'name = "a"\n[training]\nepochs = 0',
            "training.epochs: input should be greater than or equal to 1, got 0",
        ),
        (
            'name = "a"\n[split]\nmethod = "fraction"',
            "split.method got 'fraction'; did you mean 'fractions'?",
        ),
        (
            'name = "a"\n[sampling]\nCovid = 3',
            "sampling names 'Covid', which is no class; did you mean 'covid'?",
        ),
        (
            'name = "a"\n[data]\npositive = "covd"',
            "data.positive names 'covd', which is no class; did you mean 'covid'?",
        ),
        (
            'name = "a"\n[weights]\nresnet5 = "none"',
            "weights names 'resnet5', which is not in grid.backbones; did you mean 'resnet50'?",
        ),
        ("name = ", "expected TOML"),
    ],
)
def test_a_bad_study_gets_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as e:
        read_study(write(tmp_path, text))
    assert message in str(e.value)
    assert "\n" not in str(e.value)


def test_overrides(tmp_path: Path) -> None:
    path = write(tmp_path, 'name = "a"')
    study = read_study(path, ["training.epochs=5", 'grid.pipelines=["crop"]', "features.precision=fp32"])
    assert (study.training.epochs, study.grid.pipelines, study.features.precision) == (5, ["crop"], "fp32")
    with pytest.raises(InputError, match=r"unknown key 'training\.epoch'"):
        read_study(path, ["training.epoch=5"])
    with pytest.raises(InputError, match="--set takes key=value, got 'epochs'"):
        read_study(path, ["epochs"])


def test_the_digest_ignores_the_name_but_not_the_seed() -> None:
    assert Study(name="a").digest == Study(name="b", title="t").digest
    assert Study(name="a").digest != Study(name="a", seed=2).digest
