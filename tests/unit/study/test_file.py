"""A study file is checked: one line, with the key and the nearest right word."""

from importlib.resources import files
from pathlib import Path

import pytest

from hilum.core.errors import InputError
from hilum.study.file import Study, read_study
from hilum.study.suite import is_suite


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "s.toml"
    path.write_text(text)
    return path


SHIPPED = Path(str(files("hilum.studies")))
STUDIES = [p for p in (*SHIPPED.glob("*.toml"), *SHIPPED.glob("as-run/*.toml")) if not is_suite(p)]


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_shipped_studies_are_valid(path: Path) -> None:
    study = read_study(path)
    number = path.stem.rsplit("-", 1)[1] if "-" in path.stem else ""
    assert study.name == (f"as-run-{number}" if path.parent.name == "as-run" else path.stem)


def test_the_papers_schedules() -> None:
    study = read_study(SHIPPED / "experiment-3.toml")
    phases = {n: [(p.epochs, p.max_rate) for p in policy.phases] for n, policy in study.policy.items()}  # type: ignore[union-attr]
    assert phases == {
        "schedule-1": [(15, 1e-3), (8, 5e-4), (5, 5e-4)], "schedule-2": [(10, 5e-4), (5, 5e-4), (13, 1e-4)],
        "schedule-3": [(15, 5e-4), (5, 1e-4)], "schedule-4": [(10, 5e-4), (10, 1e-4)],
    }  # fmt: skip
    assert [(p.weight_decay, p.clip_value) for p in study.policy.values()] == [(1e-4, 0.1)] * 2 + [
        (0.0, None)
    ] * 2
    plateau = read_study(SHIPPED / "experiment-4.toml").policy
    assert [(p.learning_rate, p.patience, p.factor) for p in plateau.values()] == [
        (1e-3, 2, 0.15),
        (2e-4, 2, 0.7),
    ]  # type: ignore[union-attr]
    rotation = read_study(SHIPPED / "experiment-1.toml")
    assert (rotation.training.epochs, rotation.split.method, rotation.sampling) == (25, "set1", {})


def test_a_study_that_extends_another_lays_its_tables_over_it(tmp_path: Path) -> None:
    write(tmp_path, 'name = "a"\nseed = 3\n[training]\nepochs = 3\nbatch = 8')
    over = tmp_path / "over.toml"
    over.write_text('extends = "s.toml"\nname = "b"\n[training]\nepochs = 4')
    study = read_study(over)
    assert (study.name, study.seed, study.training.epochs, study.training.batch) == ("b", 3, 4, 8)
    write(tmp_path, 'extends = "over.toml"')
    with pytest.raises(InputError, match="not in a circle"):
        read_study(over)


def test_experiment_2_is_the_papers() -> None:
    study = read_study(SHIPPED / "experiment-2.toml")
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
            "training.epochs must be at least 1, got 0",
        ),
        (
            'name = "a"\n[split]\nmethod = "fraction"',
            "split.method got 'fraction'; did you mean 'fractions'?",
        ),
        (
            'name = "a"\ndata.classes = ["covid", "normal"]\n[sampling]\nKovid = 3',
            "sampling names 'Kovid', which is no class; did you mean 'covid'?",
        ),
        (
            'name = "a"\n[data]\nclasses = ["covid", "normal"]\npositive = "covd"',
            "no class 'covd' for data.positive; did you mean 'covid'?",
        ),
        (
            'name = "a"\n[weights]\nresnet5 = "none"',
            "weights names 'resnet5', which is not in grid.backbones; did you mean 'resnet50'?",
        ),
        ('name = "a"\n[finetune]\ntrane = "all"', "unknown key 'finetune.trane'; did you mean 'train'?"),
        ('name = "a"\n[unsafe]\nsecond_softmx = true', "did you mean 'second_softmax'?"),
        ('name = "a"\n[policy.p]\nkind = "plateau"\npatiance = 2', "did you mean 'patience'?"),
        (
            'name = "a"\n[weights]\nresnet50 = "imagnet"',
            "weights.resnet50 got 'imagnet'; did you mean 'imagenet'?",
        ),
        (
            'name = "a"\n[weights]\nresnet50 = {fil = "x"}',
            "unknown key 'weights.resnet50.fil'; did you mean 'file'?",
        ),
        ('name = "a"\n[policy.p]\nkind = "cosin"', "policy.p.kind got 'cosin'; did you mean 'cosine'?"),
        ('name = "a"\n[sampling]\ncovid = 0', "sampling.covid must be at least 1"),
        (
            'name = "a"\n[statistics]\nthresholds = [0.1]\nown_threshold = 0.2',
            "statistics.own_threshold is 0.2, which is none of statistics.thresholds, [0.1]",
        ),
        ('name = "a"\n[statistics]\nthresholds = [0.1, 0.1]', "statistics.thresholds names something twice"),
        (
            'name = "a"\n[statistics]\nthresholds = [1.0]',
            "statistics.thresholds 1 must be less than 1, got 1.0",
        ),
        ('name = "a"\n[policy.p]\nkind = "step"\nstep_sise = 7', "did you mean 'step_size'?"),
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


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("fractions = { train = 0.5, valid = 0.2, test = 0.3 }", "split.fractions is for split.method = 'fractions', got method 'set2'"),
        ('method = "set1"\ncrossing = "keep-test"', "split.crossing is for split.method = 'official', got method 'set1'"),
        ('method = "oficial"', "did you mean 'official'"),
    ],
)  # fmt: skip
def test_a_key_of_another_split_method_is_not_ignored(tmp_path: Path, split: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_study(write(tmp_path, f'name = "s"\n[split]\n{split}\n'))
