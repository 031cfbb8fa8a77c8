"""A reference of a run's films or of named ones, and `hilum drift` on it."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.bundle import REFERENCE, Bundle, bundle_version
from hilum.cli.main import main
from hilum.core.errors import InputError
from hilum.core.seeding import generator
from hilum.inference.reader import Reader
from hilum.monitor.making import make_reference
from hilum.monitor.reference import Reference
from hilum.monitor.seen import PROPERTIES, properties_of
from hilum.monitor.watch import Watch
from hilum.synthetic.phantom import draw
from tiny_study import CELL
from watched_films import reading, write_reference


def films(folder: Path, n: int, change=None) -> Path:
    folder.mkdir()
    for k in range(n):
        pixels = draw("normal", generator(3, folder.name, k), 64).pixels
        Image.fromarray(pixels if change is None else change(pixels)).save(folder / f"{k:03d}.png")
    return folder


def hilum(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["hilum", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    return int(end.value.code or 0), said.out, said.err


@pytest.fixture
def model(tiny_study: Path, tmp_path: Path) -> Path:
    """A bundle that scores, in no run."""
    return Path(shutil.copytree(tiny_study / "model", tmp_path / "model"))


def test_a_reference_of_named_films_is_what_the_reader_says_of_them(model: Path, tmp_path: Path) -> None:
    folder = films(tmp_path / "new", 32)
    made, path = make_reference(model, [folder])
    assert path == model / REFERENCE
    assert (len(made), made.about.films, made.about.bundle) == (
        32,
        "films that were named",
        bundle_version(model),
    )
    data = (folder / "005.png").read_bytes()
    (one,) = Reader(model, "torch").read([("x", data)])
    assert np.allclose(made.logits[5], one.scored.logits, atol=1e-5)
    assert one.scored.prepared is not None
    assert np.array_equal(made.properties[5], properties_of(one.scored.prepared, (64, 64)))


def test_a_reference_of_a_run_has_scores_of_held_out_films_alone(
    tiny_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tiny run's trial 1 has 8 patients a class: 4 are test, 1 is validation, so 10 patients are held out and 6 trained on."""
    run = shutil.copytree((tiny_study / "tiny").resolve(), tmp_path / "runs" / "tiny")
    bundle = run / "cells" / CELL / "trial-1" / "bundle"
    shutil.rmtree(bundle)
    shutil.copytree(tiny_study / "model", bundle)
    monkeypatch.setattr("hilum.monitor.making.FEWEST", 10)
    made, _ = make_reference(bundle)
    assert (len(made), int(made.held_out.sum())) == (16, 10)
    assert np.isfinite(made.logits[made.held_out]).all()
    assert np.isnan(made.logits[~made.held_out]).all()
    assert np.isfinite(made.properties).all()
    few, _ = make_reference(bundle, most=12)
    assert (len(few), int(few.held_out.sum())) == (12, 10)


def test_too_few_films_and_a_bundle_without_a_run_say_what_to_do(model: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"it lies in no run .*: hilum drift BUNDLE FILMS\.\.\. --make-reference"
    ):
        make_reference(model)
    with pytest.raises(
        InputError, match="expected at least 30 patients' films with scores for a reference, got 5 of 5"
    ):
        make_reference(model, [films(tmp_path / "few", 5)])


def test_the_command_makes_a_reference_and_holds_films_against_it(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = films(tmp_path / "own", 60)
    code, out, err = hilum(capsys, monkeypatch, "drift", model, own)
    assert (code, out) == (2, "")
    assert "the bundle has no reference.safetensors; make one: hilum drift" in err
    code, out, err = hilum(capsys, monkeypatch, "drift", model, own, "--make-reference", "--quiet")
    assert (code, out) == (0, f"{model / REFERENCE}\n")
    assert "60 films, 60 of them with scores: films that were named" in err
    before = (model / REFERENCE).read_bytes()
    code, out, _ = hilum(capsys, monkeypatch, "drift", model, films(tmp_path / "same", 30), "--quiet")
    assert (code, out.splitlines()[0].partition(":")[2][:9]) == (0, " no alarm")
    dark = films(tmp_path / "dark", 30, lambda f: f // 3)
    code, out, _ = hilum(capsys, monkeypatch, "drift", model, dark, "--json", "--quiet")
    value = json.loads(out)
    alarmed = {c["statistic"] for c in value["checks"] if c["alarm"]}
    assert (code, value["films"]) == (0, 30)
    assert {"mean grey", "spread of greys", "99th percentile of greys"} <= alarmed
    assert len(value["checks"]) == 3 + len(PROPERTIES) + 1
    assert (model / REFERENCE).read_bytes() == before


def test_the_command_shows_a_store(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = Bundle.described(model)[0]
    write_reference(model, bundle, 40)
    watch = Watch(tmp_path / "state" / "monitor.db", model, "chest", a_second=1e9)
    for k in range(30):
        watch.saw(f"r{k}", reading(bundle, k), 0.02)
    watch.close()
    code, out, _ = hilum(capsys, monkeypatch, "drift", tmp_path / "state")
    assert code == 0
    assert out.startswith(
        f"chest ({watch.bundle.digest[:12]}), positive class covid\n  films: 30; answered 30, abstained 0, without scores 0"
    )
    assert "of the last 25 films" in out
    code, out, _ = hilum(
        capsys,
        monkeypatch,
        "drift",
        tmp_path / "state" / "monitor.db",
        "--window",
        "30",
        "--bundle",
        model,
        "--json",
    )
    (value,) = json.loads(out)
    assert (value["window"], value["name"], type(value["alarm"])) == (30, "chest", bool)
    (model / REFERENCE).unlink()
    code, out, _ = hilum(capsys, monkeypatch, "drift", tmp_path / "state", "--window", "30")
    assert code == 0
    code, _, err = hilum(capsys, monkeypatch, "drift", tmp_path)
    assert code == 2
    assert "expected a --state folder with monitor.db, or a bundle with films to compare" in err


def test_an_edited_reference_is_refused(model: Path) -> None:
    (model / REFERENCE).write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="not as hilum writes it"):
        Reference.of_bundle(model)
