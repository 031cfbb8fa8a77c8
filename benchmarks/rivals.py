"""Installs the rivals of `make bench` into an environment of their own that sees the project's: nothing there is changed.

    python -m venv .venv-bench && .venv-bench/bin/python benchmarks/rivals.py .venv/lib/python3.x/site-packages

A rival is installed with everything that the project has held at its version; one that wants another version, or cannot be had, is said and
left out, and its rows of the benchmark say so.
"""

from __future__ import annotations

import importlib.metadata
import site
import subprocess
import sys
import tempfile
from pathlib import Path

RIVALS = ("lightning", "fastai", "imagededup")
"""Packages besides those that the project's own environment has (torchvision, scikit-learn, captum, Augmentor)."""


def held(project: Path) -> list[str]:
    """The versions of everything in the project's environment, as pip takes constraints."""
    found = importlib.metadata.distributions(path=[str(project)])
    return sorted({f"{d.metadata['Name']}=={d.version}" for d in found if d.metadata["Name"] != "hilum"})


def main() -> None:
    """Make the project's packages visible here, and install each rival."""
    project = Path(sys.argv[1]).resolve()
    (own,) = site.getsitepackages()
    (Path(own) / "project.pth").write_text(f"import site; site.addsitedir({str(project)!r})\n")
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(held(project)) + "\n")
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--constraint",
            str(constraints),
        ]
        for name in RIVALS:
            done = subprocess.run([*pip, name], capture_output=True, text=True)
            said = (done.stderr or done.stdout).strip().splitlines() or ["pip says nothing"]
            print(f"{name}: {'installed' if not done.returncode else f'left out: {said[-1]}'}", flush=True)


if __name__ == "__main__":
    main()
