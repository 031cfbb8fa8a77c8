"""A kind of artefact is one entry: with one more in the table of descriptions, `hilum show` explains it and checks its inputs; with none,
its header and its inputs are shown all the same."""

import runpy
from pathlib import Path

import pytest

from hilum.artifacts.header import Header, read_object, write_json
from hilum.artifacts.manifest import Manifest
from hilum.core.text import counted
from hilum.lineage.kinds import DESCRIBE
from hilum.lineage.noun import Input, Noun, recorded
from hilum.stages.show import show

SMALL = runpy.run_path(str(Path(__file__).parents[1] / "small_workspace.py"))


@pytest.fixture(scope="module")
def masks(tmp_path_factory):
    """A workspace in which a kind that hilum does not know was written: lungs, drawn with some model."""
    root = tmp_path_factory.mktemp("workspace")
    run = SMALL["make_workspace"](root)
    inputs = {"manifest": Manifest.read(root / "manifest.csv").digest, "model.onnx": "0" * 64}
    header = Header("lung masks", inputs, {"threshold": 0.5}, seed=3)
    write_json(run / "masks.json", {"header": header.to_dict(), "masks": {"clinic/covid/1": [[0, 1]]}})
    return run / "masks.json"


def describe_masks(path: Path) -> Noun:
    value = read_object(path)
    header = Header.read(path)
    inputs = [*recorded(header), Input("the run's record", "1" * 64, "file", "run.json")]
    return Noun("ab" * 32, {"masks": counted(len(value["masks"]), "film")}, header, inputs)


def test_a_kind_with_an_entry_is_explained_and_its_inputs_are_checked(masks, monkeypatch):
    monkeypatch.setitem(DESCRIBE, "lung masks", describe_masks)
    (found,) = show(str(masks))
    assert (found.kind, found.name, found.version) == ("lung masks", "masks.json", "ab" * 32)
    assert found.facts == {"masks": "1 film"}
    assert found.header["options"] == {"threshold": 0.5}
    assert {link.role: link.state for link in found.inputs} == {
        "manifest": "verified",
        "model.onnx": "unchecked",
        "the run's record": "changed",
    }
    films = found.inputs[0].artefact
    assert (films.kind, films.facts["films"]) == ("manifest", 32)


def test_a_kind_without_an_entry_shows_its_header_and_its_inputs(masks):
    (found,) = show(str(masks))
    assert (found.kind, found.facts, found.header["seed"]) == ("lung masks", {}, 3)
    assert [(link.role, link.state) for link in found.inputs] == [
        ("manifest", "verified"),
        ("model.onnx", "unchecked"),
    ]
