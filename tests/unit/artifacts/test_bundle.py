"""A bundle comes back as it was written; bundles from before whole networks are read; damage is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import Header
from hilum.core.errors import DigestError, InputError

STATE = {"head.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bn.num_batches_tracked": np.array(7)}


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
    with pytest.raises(InputError, match="expected the key 'positive'"):
        Bundle.read(tmp_path)
