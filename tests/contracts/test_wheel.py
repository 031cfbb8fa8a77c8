"""The wheel: typed, whole, and enough by itself. It is installed into an empty environment, where `hilum demo` runs."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from documented import ROOT

pytestmark = pytest.mark.slow
OUTSIDE = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")}


def run(*words: str, cwd: Path) -> str:
    """Run a command away from the repository; gives what it prints."""
    done = subprocess.run(words, cwd=cwd, env=OUTSIDE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(out),
        str(ROOT),
        cwd=out,
    )
    (built,) = out.glob("hilum-*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    source = ROOT / "src"
    wanted = {
        p.relative_to(source).as_posix()
        for p in (source / "hilum").rglob("*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == wanted
    assert {"hilum/py.typed", "hilum/studies/paper.toml", "hilum/segment/lungs.safetensors"} <= held


@pytest.fixture
def python(tmp_path: Path) -> Iterator[Path]:
    """The Python of an environment without packages; it is removed afterwards, since torch is gigabytes."""
    run(sys.executable, "-m", "venv", "empty", cwd=tmp_path)
    yield tmp_path / "empty" / "bin" / "python"
    shutil.rmtree(tmp_path / "empty")


def test_the_demo_runs_in_an_empty_environment(wheel: Path, python: Path, tmp_path: Path) -> None:
    found = run(str(python), "-c", "import importlib.util as u; print(u.find_spec('hilum'))", cwd=tmp_path)
    assert found == "None\n"
    run(
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        str(wheel),
        cwd=tmp_path,
    )
    where = run(str(python), "-c", "import hilum; print(hilum.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(tmp_path / "empty")
    said = run(str(python.parent / "hilum"), "demo", "--workspace", "demo", cwd=tmp_path)
    report = tmp_path / said.splitlines()[-1]
    assert report.name == "report.html"
    assert report.stat().st_size > 100_000
    assert (report.parent / "statistics.json").is_file()
