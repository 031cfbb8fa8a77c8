"""Every command in README and docs exists, with the options that the text gives it."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SUBCOMMANDS = {"data", "weights", "augment"}


def documented() -> set[tuple[str, ...]]:
    """(command words..., options...) of each indented or fenced `hilum` line."""
    found = set()
    for page in PAGES:
        for line in page.read_text().splitlines():
            match = re.match(r"^(?:    |\t)(?:\$ )?(?:\.venv/bin/)?hilum ([a-z].*)$", line)
            if not match:
                continue
            words = shlex.split(match[1], comments=True)
            name = words[:2] if words[0] in SUBCOMMANDS else words[:1]
            options = sorted({w.split("=")[0] for w in words if w.startswith("--")})
            found.add((*name, *options))
    return found


def hilum(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hilum.cli.main", *words], capture_output=True, text=True, check=False
    )


def test_there_are_commands_to_check() -> None:
    assert {c[0] for c in documented()} >= {"ingest", "audit", "run", "predict", "evaluate", "weights"}


@pytest.mark.parametrize("command", sorted(documented()), ids=" ".join)
def test_the_command_and_its_options_exist(command: tuple[str, ...]) -> None:
    name = [w for w in command if not w.startswith("--")]
    done = hilum(*name, "--help")
    assert done.returncode == 0, done.stderr
    for option in (w for w in command if w.startswith("--")):
        assert option in done.stdout


def test_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    named = set(re.findall(r"(?:^    |`)make ([a-z-]+)", (ROOT / "README.md").read_text(), flags=re.M))
    assert named == {"demo", "test", "test-all"}
    assert named <= targets


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_help_does_not_load_torch() -> None:
    code = "import sys, hilum.cli.main; print(sorted(m for m in ('torch', 'matplotlib', 'scipy', 'numba') if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_command_is_exit_code_2() -> None:
    done = hilum("rnu")
    assert done.returncode == 2
    assert "No such command 'rnu'" in done.stderr
