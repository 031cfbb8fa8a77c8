"""What a command loads before it has anything to compute: the time until the first answer is the time of these imports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import hilum.cli
from hilum.cli.commands import COMMANDS, command

HEAVY = {
    "PIL", "cleanlab", "faiss", "fastapi", "jinja2", "lightning_fabric", "matplotlib", "mlflow", "numba", "numpy", "onnxruntime", "pandas",
    "pydicom", "safetensors", "scipy", "sklearn", "timm", "torch", "torchvision", "transformers",
}  # fmt: skip
"""Libraries that take long to import; typer itself takes pydantic."""
TABLES = {"numpy", "safetensors"}
"""What reading a table or an artefact's header takes."""
LISTS_LAYOUTS = {"ingest": {"PIL", "numpy"}}
"""Its help names the layouts of films, which are modules that read films."""
NOT_COMMANDS = {"__init__", "addresses", "commands", "ending", "main", "options"}

REFUSED = (
    ("sbom nothing --out sbom.json", TABLES),
    ("runs", TABLES),
    ("data fetch nothing --out sets", TABLES),
    ("node --config no.toml", TABLES),
    ("audit-log verify", TABLES),
    ("run no.toml", {"PIL", *TABLES}),
    ("run demo --set training.epoch=3", {"PIL", *TABLES}),
    ("run demo --manifest no.csv", {"PIL", *TABLES}),
    ("find-rate no.toml", {"PIL", *TABLES}),
    ("ingest nowhere --out films.csv", {"PIL", *TABLES}),
    ("split no.csv --method set1 --seed 0 --out split.json", {"PIL", "scipy", *TABLES}),
    ("audit no.csv --out audit", {"PIL", "scipy", "jinja2", *TABLES}),
    ("show nothing", {"PIL", "scipy", "jinja2", *TABLES}),
    ("evaluate no.csv --out statistics.json", {"PIL", "scipy", "jinja2", "matplotlib", *TABLES}),
)
"""A command line that is refused before a film is read -> what may have been loaded by then, by it or by those above."""

_RUN = """
import contextlib, io, json, shlex, sys
from hilum.cli.ending import ended
from hilum.cli.main import app
for line in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = ended(lambda: app(shlex.split(line), prog_name="hilum"), debug=False)
    print(json.dumps([line, code, sorted({m.partition(".")[0] for m in sys.modules})]))
"""


def loaded_by(lines: list[str], folder: Path) -> dict[str, tuple[int, set[str]]]:
    """Each line -> its exit code and the heavy libraries that are loaded by then; one process does them all, one after another."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, json.dumps(lines)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return {line: (code, HEAVY & set(modules)) for line, code, modules in answers}


def test_help_loads_nothing_that_computes(tmp_path: Path) -> None:
    names = [n for n in COMMANDS if n not in LISTS_LAYOUTS]
    lines = ["--version", "--help", *(f"{n} --help" for n in (*names, *LISTS_LAYOUTS))]
    found = loaded_by(lines, tmp_path)
    allowed = {f"{n} --help": more for n, more in LISTS_LAYOUTS.items()}
    assert {line: more for line, (_, more) in found.items() if more - allowed.get(line, set())} == {}
    assert {code for code, _ in found.values()} == {0}


def test_a_refusal_loads_only_what_it_needs(tmp_path: Path) -> None:
    found = loaded_by([line for line, _ in REFUSED], tmp_path)
    assert {line: more for line, (_, more) in found.items() if more - dict(REFUSED)[line]} == {}
    assert {line: code for line, (code, _) in found.items() if code != 2} == {}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_is_what_it_says_of_itself(name: str) -> None:
    assert command(name).get_short_help_str(500) == COMMANDS[name]
    assert command(name).name == name


def test_every_module_of_a_command_is_registered() -> None:
    modules = {p.stem for p in Path(hilum.cli.__file__).parent.glob("*.py")} - NOT_COMMANDS
    assert modules == {name.replace("-", "_") for name in COMMANDS}
