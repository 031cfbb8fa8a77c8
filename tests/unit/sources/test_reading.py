"""Reading many films: order, and a film that takes its process down."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.core.digests import pixels_sha256, sha256_file
from hilum.core.engine import Local
from hilum.sources import reading
from hilum.sources.reading import read_film, read_films
from hilum.synthetic.phantom import make_films


def test_a_film_is_its_bytes_and_its_pixels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    read = read_film(str(tmp_path / "a.png"))
    assert read.reason == ""
    assert read.sha256 == sha256_file(tmp_path / "a.png")
    assert read.pixels_sha256 == pixels_sha256(pixels)
    assert (read.width_px, read.height_px) == (30, 20)


def test_a_film_that_goes_away_is_an_answer(tmp_path: Path) -> None:
    assert read_film(str(tmp_path / "gone.png")).reason == "no such file"
    assert read_film(str(tmp_path)).reason == "unreadable"


def test_a_defect_of_the_decoder_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: bytes) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(reading, "decode", broken)
    (tmp_path / "a.png").write_bytes(b"x")
    read = read_film(str(tmp_path / "a.png"))
    assert (read.reason, read.detail) == ("decoder failed", "ZeroDivisionError: oops")


def test_a_file_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_FILE_BYTES", 10)
    (tmp_path / "a.png").write_bytes(b"x" * 11)
    assert read_film(str(tmp_path / "a.png")).reason == "too large"


def test_answers_come_in_order_and_a_crash_costs_one_film() -> None:
    # `eval` stands for a decoder: a worker can import it, and one "path" ends the worker's process
    paths = [str(k) for k in range(200)]
    paths[77] = "__import__('os')._exit(9)"
    answers = list(read_films(paths, Local(2), read=eval))
    assert len(answers) == 200
    assert answers[77].reason == "decoder crashed"
    assert [a for k, a in enumerate(answers) if k != 77] == [k for k in range(200) if k != 77]


def test_a_script_needs_no_guard_around_its_calls(tmp_path: Path) -> None:
    """Workers do not run the script that started them again."""
    make_films(tmp_path / "films", 201, 0, 32)
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\nfrom hilum.core.engine import Local\nfrom hilum.stages.ingest import ingest\n"
        f"ingest([{str(tmp_path / 'films')!r}], Path({str(tmp_path / 'manifest.csv')!r}), engine=Local(2))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "manifest.csv").read_text().splitlines()) == 202
