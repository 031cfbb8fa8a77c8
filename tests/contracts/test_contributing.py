"""CONTRIBUTING says what is so: its files, commands and tables exist, and its floors are those that import-linter holds."""

import re
import tomllib

from documented import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def table_after(heading: str) -> list[list[str]]:
    """The cells of each row of the table under a heading, its head left out."""
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_files_and_folders_that_it_names_are_there() -> None:
    named = re.findall(r"`((?:src|tests|docs|\.ci)/[^`<*]*)`", TEXT)
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_tables_that_it_names_are_in_the_files_beside_them() -> None:
    rows = table_after("How to add one")
    assert len(rows) > 6
    for _what, entry, *_rest in rows:
        for table, path in re.findall(r"`([A-Z_]+)` in `([^`]+)`", entry):
            assert re.search(rf"^{table}\b", (ROOT / path).read_text(encoding="utf-8"), flags=re.M), (
                table,
                path,
            )


def test_its_floors_are_the_linters() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    layers = next(c for c in tool["importlinter"]["contracts"] if c["type"] == "layers")["layers"]
    wanted = [{name.strip().removeprefix("hilum.") for name in layer.split("|")} for layer in layers]
    assert [set(re.findall(r"`([a-z]+)`", row[0])) for row in table_after("The floors")] == wanted


def test_its_commands_are_the_makefiles() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
    assert set(re.findall(r"\bmake ([a-z-]+)", TEXT)) <= targets


def test_folders_of_tests_are_all_described() -> None:
    described = {re.match(r"`tests/([a-z]+)", row[0])[1] for row in table_after("How tests are ordered")}
    assert described == {p.name for p in (ROOT / "tests").iterdir() if p.is_dir() and p.name[0] not in "_."}


def test_unit_tests_mirror_the_package() -> None:
    packages = {p.parent.name for p in (ROOT / "src" / "hilum").glob("*/__init__.py")}
    assert {
        p.name for p in (ROOT / "tests" / "unit").iterdir() if p.is_dir() and p.name[0] not in "_."
    } <= packages
