"""`hilum.drift` and `hilum.make_reference`: what the command prints, as rows."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hilum
from hilum.artifacts.bundle import REFERENCE, Bundle
from hilum.cli.main import main
from hilum.core.errors import InputError
from hilum.core.seeding import generator
from hilum.monitor.watch import Watch
from hilum.synthetic.phantom import draw
from watched_films import reading, write_reference


def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object) -> str:
    """What a command prints."""
    monkeypatch.setattr(sys, "argv", ["hilum", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    return capsys.readouterr().out


@pytest.fixture
def model(tiny_study: Path, tmp_path: Path) -> Path:
    """A bundle that scores, in no run."""
    return Path(shutil.copytree(tiny_study / "model", tmp_path / "model"))


def films(folder: Path, n: int, of: int = 1) -> Path:
    folder.mkdir()
    for k in range(n):
        pixels = draw("normal", generator(3, folder.name, k), 64).pixels
        Image.fromarray(pixels // of).save(folder / f"{k:03d}.png")
    return folder


def test_films_are_held_against_the_reference_that_was_made(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="the bundle has no reference"):
        hilum.drift(model, films(tmp_path / "early", 25), quiet=True)
    made = hilum.make_reference(model, films(tmp_path / "own", 40), quiet=True)
    assert (made.path, len(made.reference)) == (model / REFERENCE, 40)
    assert made.words == "40 films, 40 of them with scores: films that were named"
    dark = films(tmp_path / "dark", 30, of=3)
    (dark / "no film.png").write_bytes(b"no film")
    found = hilum.drift(hilum.Model(model), dark, quiet=True)
    assert (found.alarm, found.failed) == (True, 1)
    alarmed = {row["statistic"] for row in found.rows() if row["alarm"]}
    assert {"mean grey", "spread of greys"} <= alarmed
    assert found.told().sentence == f"{len(alarmed)} statistics of {len(found.rows())} above the threshold"
    assert f"{len(alarmed)} of {len(found.rows())} statistics" in found.words
    assert list(found.to_pandas()["alarm"]) == [row["alarm"] for row in found.rows()]
    assert found.rows()[0]["bundle"] in found._repr_html_()
    by_command = printed(capsys, monkeypatch, "drift", model, dark, "--json", "--quiet")
    assert json.loads(by_command) == json.loads(json.dumps(found.as_json()))


def test_a_store_is_asked_as_the_command_asks_it(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state, bundle = tmp_path / "state", Bundle.described(model)[0]
    write_reference(model, bundle, 40)
    watch = Watch(state / "monitor.db", model, "chest", a_second=1e9)
    for k in range(30):
        watch.saw(f"r{k}", reading(bundle, k), 0.02)
    watch.close()
    found = hilum.drift(state)
    (status,) = found.found
    assert (status.name, sum(status.films.values()), status.window) == ("chest", 30, 25)
    assert found.words + "\n" == printed(capsys, monkeypatch, "drift", state)
    now = hilum.drift(state / "monitor.db", bundle=model, window=30)
    assert [s.window for s in now.found] == [30]
    assert len(now.rows()) == len(status.checks)
    np.testing.assert_allclose([r["value"] for r in found.rows()], [c.value for c in status.checks])
    with pytest.raises(InputError, match="expected a window of at least 25 films, got 5"):
        hilum.drift(state, window=5)
    with pytest.raises(InputError, match=r"expected a --state folder with monitor\.db"):
        hilum.drift(tmp_path)
    for more in ({"window": 30}, {"bundle": model}):
        with pytest.raises(InputError, match="--bundle and --window look into a state folder"):
            hilum.drift(model, tmp_path, **more)
