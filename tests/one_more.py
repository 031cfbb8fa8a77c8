"""hilum with one entry more in one table, in a temporary folder: what a newcomer adds, and a program that uses it there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SRC = Path(__file__).parents[1] / "src"


def with_entry(folder: Path, module: str, table: str, entry: str) -> Path:
    """A copy of the package whose table has an entry more, its last; gives the folder to import it from.

    Args:
        folder: Where to.
        module: Path of the table's module below ``hilum``.
        table: How the line that opens the table begins; the table ends at the next line that begins with ``)``.
        entry: The entry, with its comma.
    """
    shutil.copytree(SRC, folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "hilum" / module
    before, opening, rest = path.read_text(encoding="utf-8").partition(f"\n{table}")
    assert opening, f"no table {table!r} in {module}"
    inside, end, after = rest.partition("\n)")
    path.write_text(f"{before}{opening}{inside}\n    {entry}{end}{after}", encoding="utf-8")
    return folder


def run_there(src: Path, program: str, *words: str) -> str:
    """Run a program against that copy; gives what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env={**os.environ, "PYTHONPATH": str(src), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
