"""A model in Python scores as `hilum predict` does, by path and by array, and refuses what that refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import hilum
from hilum.core.errors import InputError, UnsafeError
from hilum.imaging.decode import decode
from tiny_study import copy_tiny_study


@pytest.fixture
def here(tiny_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy_tiny_study(tiny_study, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_scores_are_those_of_predict_bit_for_bit(here: Path) -> None:
    films = [here / "films" / c / f"{k}.png" for c in ("normal", "covid") for k in (3, 0, 2)]
    hilum.predict("model", films, out="p.csv", quiet=True)
    with (here / "p.csv").open() as f:
        rows = list(csv.DictReader(f))
    model = hilum.Model("model", device="cpu")
    p = model.predict_proba(films)
    assert [[f"{x:.9g}" for x in row] for row in p] == [[r["p_covid"], r["p_normal"]] for r in rows]
    assert model.decide(films).tolist() == [r["operating_point"] == "1" for r in rows]
    assert model.predict(films).tolist() == [model.classes_[k] for k in p.argmax(axis=1)]
    arrays = [decode(path.read_bytes()).pixels for path in films]
    assert (model.predict_proba(arrays) == p).all()
    assert (model.predict_proba(np.stack(arrays)) == p).all()
    # a head's sums depend on how many films it sees, in the eighth digit; `hilum predict` has the same
    assert np.allclose(model.predict_proba(films[0]), p[:1], atol=1e-6)
    assert np.allclose(
        model.predict_proba([films[0], films[0]]), p[[0, 0]], atol=1e-6
    )  # a row for each asked
    assert model.predict_proba("manifest.csv").shape == (32, 2)


def test_what_cannot_be_scored_is_named(here: Path) -> None:
    (here / "torn.png").write_bytes(b"\x89PNG")
    model = hilum.Model("model", device="cpu")
    with pytest.raises(InputError, match=r"1 of 2 films cannot be scored:\n  torn.png: "):
        model.predict(["films/covid/0.png", "torn.png"])
    with pytest.raises(InputError, match=r"uint8 \(height, width\), 0 = black; got float64 \(4, 4\)"):
        model.predict(np.zeros((4, 4)))
    with pytest.raises(InputError, match="one or more films"):
        model.predict([])


def test_an_unsafe_model_is_described_and_refused(here: Path) -> None:
    path = here / "model" / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"unsafe": ["overlapping_split"]}))
    model = hilum.Model("model", device="cpu")
    assert "trained with overlapping_split" in model._repr_html_()
    with pytest.raises(UnsafeError, match="breaks the validity"):
        model.predict("films/covid/0.png")
