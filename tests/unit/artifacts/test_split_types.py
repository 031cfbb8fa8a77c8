"""mypy refuses an unsafe split where a leak-free one is asked for."""

import re
import subprocess
import sys
from pathlib import Path

import hilum

SNIPPET = """from hilum.artifacts.split import AnySplit, Split, UnsafeSplit
def train_on(split: Split) -> None: ...
def count(split: AnySplit) -> None: ...
def use(safe: Split, unsafe: UnsafeSplit, either: AnySplit) -> None:
    train_on(safe)
    train_on(unsafe)
    train_on(either)
    count(unsafe)
"""


def test_only_a_leak_free_split_passes_for_one(tmp_path: Path) -> None:
    (tmp_path / "snippet.py").write_text(SNIPPET)
    command = [sys.executable, "-m", "mypy", "--config-file=", "--follow-imports=silent", "--ignore-missing-imports"]  # fmt: skip
    done = subprocess.run(
        [*command, "--cache-dir", str(tmp_path / "cache"), "snippet.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={"MYPYPATH": str(Path(hilum.__file__).parents[1]), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    errors = re.findall(
        r"^snippet\.py:(\d+): error: .* incompatible type \"(\w+)\"; expected \"(\w+)\"", done.stdout, re.M
    )
    assert errors == [("6", "UnsafeSplit", "Split"), ("7", "AnySplit", "Split")], done.stdout + done.stderr
    assert "Found 2 errors in 1 file" in done.stdout
