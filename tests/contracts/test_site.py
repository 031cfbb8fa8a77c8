"""The documentation site: built strictly (every link and docstring is whole), with each public function and class of the package on it."""

import ast
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from documented import PAGES, ROOT
from needs import needed_module

needed_module("mkdocs")
needed_module("mkdocstrings_handlers.python", "pip install -e '.[docs]'")
SOURCE = ROOT / "src"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out


def public() -> set[str]:
    """Dotted name of every public function and class that stands in a module."""
    names = set()
    for path in (SOURCE / "hilum").rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                names.add(f"{module}.{node.name}")
    return names


def test_every_public_function_and_class_has_its_place(site: Path) -> None:
    inventory = zlib.decompress((site / "objects.inv").read_bytes().split(b"zlib.\n", 1)[1]).decode()
    pages = {line.split()[0]: line.split()[3] for line in inventory.splitlines()}
    wanted = public()
    assert len(wanted) > 500
    assert wanted - set(pages) == set()
    assert all((site / pages[name].partition("#")[0] / "index.html").is_file() for name in wanted)


def test_every_page_of_the_docs_is_on_the_site(site: Path) -> None:
    for page in PAGES:
        if page.is_relative_to(ROOT / "docs"):
            assert (site / page.relative_to(ROOT / "docs").with_suffix("") / "index.html").is_file()
    start = (site / "index.html").read_text()
    assert 'href="tutorial/first-study/"' in start
    assert 'href="benchmarks/"' in start


def test_an_example_is_shown_as_code(site: Path) -> None:
    page = (site / "reference" / "api" / "hilum.augment" / "index.html").read_text()
    example = page[page.index('id="hilum.augment.presets.preset"') :]
    assert '<span class="gp">&gt;&gt;&gt; </span>' in example[: example.index("crop_centre")]


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    start = (site / "index.html").read_text()
    assert 'src="http' not in start
    assert "fonts.g" not in start
