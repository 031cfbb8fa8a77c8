"""What was exported says what the bundle says, on films, without hilum."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

from hilum import RESEARCH_NOTICE
from hilum.artifacts.bundle import bundle_version
from hilum.artifacts.header import Header
from hilum.cli.ending import ended
from hilum.cli.main import app
from hilum.core.errors import HilumError, InputError
from hilum.inference.predictor import Predictor
from hilum.models.backbone import normalised
from hilum.stages import export
from hilum.stages.export import export_bundle

make_bundle = runpy.run_path(str(Path(__file__).parents[1] / "inference" / "test_predictor.py"))["bundle"]

ALONE = """
import sys
class Refused:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("hilum", "torchvision", "timm"):
            raise ImportError(name)
sys.meta_path.insert(0, Refused())
import numpy as np, torch
model = torch.export.load("model.pt2").module()
films = torch.from_numpy(np.load("films.npy"))
np.save("found.npy", model(films)[1].numpy())
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("export") / "bundle", 1)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    for k in range(3):
        pixels = np.random.default_rng(k).integers(0, 256, (60, 50 + k), np.uint8)
        Image.fromarray(pixels).save(folder / f"{k}.png")
    return folder


def own(bundle: Path, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Prepared films, and the bundle's own probabilities of them."""
    predictor = Predictor(bundle)
    data = [(p.name, p.read_bytes()) for p in sorted(folder.iterdir())]
    prepared = np.stack(predictor.prepared([np.array(Image.open(p)) for p in sorted(folder.iterdir())]))
    return prepared, np.stack([s.probabilities for s in predictor.score(data)])


def test_an_onnx_file_gives_the_bundles_probabilities_and_carries_what_it_needs(
    bundle: Path, films: Path, tmp_path: Path
) -> None:
    done = export_bundle(bundle, tmp_path / "model.onnx", "onnx", [films])
    model = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(model)
    held = {p.key: p.value for p in model.metadata_props}
    facts = json.loads(held["hilum"])
    assert held["notice"] == RESEARCH_NOTICE
    assert facts["bundle"] == bundle_version(bundle)
    assert facts["preparation"]["steps"][0]["op"] == "resize"
    assert facts["size_px"] == [48, 48]
    prepared, expected = own(bundle, films)
    mean, std = (torch.tensor(facts[k]).view(1, 3, 1, 1) for k in ("mean", "std"))
    pixels = normalised(torch.from_numpy(prepared), mean, std).contiguous().numpy()
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    for n in (1, 3):
        (found,) = session.run(["probabilities"], {"pixels": pixels[:n]})
        assert np.abs(found - expected[:n]).max() < 1e-4
    assert done.decided_otherwise == 0
    assert done.difference < 1e-5
    assert done.from_bundle < 1e-4
    assert "3 films" in done.words
    assert Header.read(tmp_path / "model.onnx").inputs == {"bundle": bundle_version(bundle)}


def test_a_folder_for_torch_loads_with_torch_alone(bundle: Path, films: Path, tmp_path: Path) -> None:
    export_bundle(bundle, tmp_path / "model", "torch", [films])
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == ["README.md", "model.json", "model.pt2"]
    prepared, expected = own(bundle, films)
    np.save(tmp_path / "model" / "films.npy", prepared)
    subprocess.run([sys.executable, "-c", ALONE], cwd=tmp_path / "model", check=True, capture_output=True)
    assert np.abs(np.load(tmp_path / "model" / "found.npy") - expected).max() < 1e-4
    facts = json.loads((tmp_path / "model" / "model.json").read_text())
    assert facts["classes"] == ["normal", "covid"]
    assert facts["checked"]["n"] == 3


def test_what_says_something_else_is_not_there(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "of_torch", lambda _: lambda films: np.tile([3.0, 0.0], (len(films), 1)))
    with pytest.raises(HilumError, match=r"more than 0\.0001; nothing was written"):
        export_bundle(bundle, tmp_path / "model", "torch")
    assert list((tmp_path / "model").iterdir()) == []


def test_a_film_that_cannot_be_read_is_named(bundle: Path, films: Path, tmp_path: Path) -> None:
    (films / "0.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"0\.png: .*the model is checked on films that can be read"):
        export_bundle(bundle, tmp_path / "model", "torch", [films])


@pytest.mark.parametrize("words", [[], ["--onnx", "--torch"]])
def test_the_command_asks_for_one_form(
    bundle: Path, words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["hilum", "export", str(bundle), *words])
    assert ended(app, debug=False) == 2
    assert "name one of --onnx and --torch" in capsys.readouterr().err


def test_the_command_writes_and_does_not_replace_what_is_not_its_own(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "model"
    for expected in (0, 0):
        monkeypatch.setattr(sys, "argv", ["hilum", "export", str(bundle), "--torch", "--out", str(out)])
        assert ended(app, debug=True) == expected
        said = capsys.readouterr()
        assert said.out.strip() == str(out)
        assert "8 synthetic films" in said.err
    monkeypatch.setattr(sys, "argv", ["hilum", "show", str(out)])
    assert ended(app, debug=True) == 0
    assert "as written: yes" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["hilum", "export", str(bundle), "--torch", "--out", str(out)])
    (out / "model.json").write_text("{}")
    assert ended(app, debug=False) == 2
    assert "that hilum wrote" in capsys.readouterr().err
