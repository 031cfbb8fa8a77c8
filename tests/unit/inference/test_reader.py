"""The one reader: its engines agree with the predictor, and a film's answer is its own."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from hilum.artifacts.bundle import Bundle
from hilum.core.errors import DigestError, InputError, UnsafeError
from hilum.inference import engines
from hilum.inference.predictor import Predictor
from hilum.inference.reader import Reader
from needs import needed_module
from serving import film


@pytest.fixture(scope="module")
def by_onnx(tiny_study, tmp_path_factory):
    needed_module("onnxruntime")
    return Reader(tiny_study / "model", "onnx", kept=tmp_path_factory.mktemp("engines"))


FILMS = [(str(k), film(k)) for k in range(5)]


def test_onnx_runtime_says_what_the_predictor_says(tiny_study, by_onnx):
    own = list(Predictor(tiny_study / "model").score(FILMS))
    for reading, scored in zip(by_onnx.read(FILMS), own, strict=True):
        assert np.abs(reading.scored.probabilities - scored.probabilities).max() < 1e-4
        assert reading.answer.called_positive == scored.positive
        assert reading.scored.judged == scored.judged
    assert by_onnx.engine.difference < 1e-4


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_a_films_answer_does_not_depend_on_who_shares_its_batch(tiny_study, by_onnx, engine):
    reader = by_onnx if engine == "onnx" else Reader(tiny_study / "model", "torch")
    together = [r.answer for r in reader.read(FILMS)]
    assert [r.answer for film in FILMS for r in reader.read([film])] == together
    assert [r.answer for r in reader.read(FILMS[::-1])][::-1] == together


def test_torch_in_the_bundles_own_batch_says_the_same_bits(tiny_study):
    reader, predictor = Reader(tiny_study / "model", "torch"), Predictor(tiny_study / "model")
    own = predictor.passed
    predictor.passed = lambda films: own(films, batch=1)
    for name, data in FILMS:
        (scored,) = predictor.score([(name, data)])
        (reading,) = reader.read([(name, data)])
        assert reading.scored.probabilities.tolist() == scored.probabilities.tolist()


def test_a_graph_is_kept_from_one_start_to_the_next(tiny_study, by_onnx, tmp_path, monkeypatch):
    Reader(tiny_study / "model", "onnx", kept=tmp_path)
    (graph,) = tmp_path.iterdir()
    monkeypatch.setattr(engines, "write_onnx", None)  # would be called to make another
    again = Reader(tiny_study / "model", "onnx", kept=tmp_path)
    assert [r.answer for r in again.read(FILMS)] == [r.answer for r in by_onnx.read(FILMS)]
    graph.write_bytes(b"no graph")
    with pytest.raises(InputError, match="the graph that was kept cannot be read"):
        Reader(tiny_study / "model", "onnx", kept=tmp_path)


def test_an_engine_that_says_something_else_is_refused(tiny_study, monkeypatch):
    needed_module("onnxruntime")
    monkeypatch.setattr(engines, "TOLERANCE", {"fp32": 0.0})
    with pytest.raises(InputError, match=r"differ by .* from torch's in fp32, more than 0"):
        Reader(tiny_study / "model", "onnx")
    chosen = Reader(tiny_study / "model", "auto").engine
    assert chosen.name == "torch"
    assert chosen.why.startswith("ONNX Runtime was not taken: its probabilities differ")


def test_auto_takes_what_was_measured_faster(tiny_study, monkeypatch):
    needed_module("onnxruntime")
    rates = {"torch": 10.0, "onnx": 9.0}
    monkeypatch.setattr(engines, "_films_per_s", lambda engine, _: rates[engine.name])
    slow = Reader(tiny_study / "model").engine
    assert (slow.name, slow.films_per_s) == ("torch", 10.0)
    assert slow.why == "measured 9 films/s with ONNX Runtime, 10 with torch"
    rates["onnx"] = 11.0
    assert Reader(tiny_study / "model").engine.name == "onnx"


def test_a_bundle_whose_weights_are_others_is_refused(tiny_study, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_study / "model", folder)
    with (folder / "head.safetensors").open("ab") as f:
        f.write(b" ")
    with pytest.raises(DigestError, match="head"):
        Reader(folder)


def test_an_unsafe_bundle_is_refused(tiny_study, tmp_path):
    from dataclasses import replace

    bundle, header, state = Bundle.read(tiny_study / "model")
    replace(bundle, unsafe=("leak",)).write(tmp_path / "model", header, state)
    with pytest.raises(UnsafeError, match="breaks the validity"):
        Reader(tmp_path / "model")


def test_an_answer_says_in_words_what_is_odd(tiny_study):
    reader = Reader(tiny_study / "model", "torch")
    noise, dark, none = (
        r.answer for r in reader.read([("noise", film(0)), ("cut", film(0)[:100]), ("none", b"%PDF-1.7")])
    )
    assert noise.abstained
    assert noise.gate.reasons[0].code == "not-a-chest-film"
    assert (dark.error, dark.probabilities, dark.gate.passed) == ("truncated", {}, None)
    assert (none.error, none.error_words.startswith("neither PNG")) == ("not an image", True)
