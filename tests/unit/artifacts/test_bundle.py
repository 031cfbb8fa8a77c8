"""A bundle comes back as it was written; bundles from before whole networks are read; damage is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header
from hilum.core.errors import DigestError, InputError

STATE = {
    "head.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "lying": np.arange(6, dtype=np.float32).reshape(3, 2).T,  # in no order that a file has
    "bn.num_batches_tracked": np.array(7),
}


def bundle(**fields: object) -> Bundle:
    plain = {
        "classes": ("covid", "normal"), "positive": "covid", "backbone": "cnn", "weights": {"choice": "none"}, "state_sha256": "s",
        "precision": "fp32", "batch": 16, "preparation": {}, "head": "dense", "operating_point": {"threshold": 0.5},
        "calibration": {}, "training": {},
    }  # fmt: skip
    return Bundle(**(plain | fields))


@pytest.mark.parametrize(("network", "file"), [("frozen", "head"), ("whole", "network")])
def test_it_comes_back(tmp_path: Path, network: str, file: str) -> None:
    written = bundle(network=network, unsafe=("second_softmax",))
    written.write(tmp_path, Header("bundle", seed=3), STATE)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bundle.json", f"{file}.safetensors"]
    again, header, state = Bundle.read(tmp_path)
    assert again == written
    assert header.seed == 3
    assert all(np.array_equal(state[k], v) and state[k].dtype == v.dtype for k, v in STATE.items())
    path = tmp_path / f"{file}.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DigestError, match=f"it was made from {file}"):
        Bundle.read(tmp_path)


def test_a_bundle_from_before_whole_networks(tmp_path: Path) -> None:
    bundle().write(tmp_path, Header("bundle"), STATE)
    path = tmp_path / "bundle.json"
    value = json.loads(path.read_text())
    del value["network"], value["unsafe"]
    path.write_text(json.dumps(value))
    again = Bundle.read(tmp_path)[0]
    assert (again.network, again.unsafe) == ("frozen", ())
    del value["positive"]
    path.write_text(json.dumps(value))
    with pytest.raises(InputError, match="the key 'positive' is missing"):
        Bundle.read(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("classes", "covid", "classes: input should be a valid tuple, got 'covid'"),
        ("classes", [1], "classes.0: input should be a valid string, got 1"),
        ("positive", "tb", "positive is 'tb', which is none of the classes covid, normal"),
        ("backbone", [1], r"backbone: input should be a valid string, got \[1\]"),
        ("batch", "many", "batch: input should be a valid integer, .*, got 'many'"),
        ("preparation", None, "preparation: input should be a valid dictionary, got None"),
        ("operating_point", {"threshold": "high"}, "a value is of another type"),
        ("unsafe", [1], "unsafe.0: input should be a valid string"),
        ("network", "half", "network: input should be 'frozen', 'whole' or 'ensemble', got 'half'"),
    ],
)
def test_a_value_of_another_type_is_named(tmp_path: Path, key: str, value: object, message: str) -> None:
    bundle().write(tmp_path, Header("bundle"), STATE)
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(InputError, match=f"bundle.json: not as hilum writes it: {message}"):
        Bundle.read(tmp_path)


def test_a_folder_or_file_beside_a_bundle_is_told_where_it_is(tmp_path: Path) -> None:
    bundle().write(tmp_path / "trial-1" / "bundle", Header("bundle"), STATE)
    for wrong in (tmp_path / "trial-1", tmp_path / "trial-1" / "bundle" / "bundle.json"):
        with pytest.raises(InputError, match=r"expected a bundle .*; did you mean .*trial-1/bundle\?"):
            Bundle.read(wrong)
