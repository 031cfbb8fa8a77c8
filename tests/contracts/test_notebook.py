"""In a notebook's kernel: a bar in its place, processes that begin, an interrupt that ends them; and the notebook of the docs."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import nbclient
import nbformat
import pytest

import hilum

NOTEBOOK = Path(__file__).parents[2] / "docs" / "tutorial" / "study-in-python.ipynb"


def run_cells(folder: Path, *cells: str) -> list[list[nbformat.NotebookNode]]:
    """The outputs of each cell, run in a kernel of its own in a folder."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    notebook = nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(folder)}}
    ).execute()
    return [c.outputs for c in notebook.cells]


def test_a_notebook_has_one_live_bar_and_processes(tmp_path: Path) -> None:
    shown, done, quiet = run_cells(
        tmp_path,
        "import time\nfrom hilum.core.progress import progress, quieted, say\n"
        "say('begun')\nwith progress('<films>', 3) as step:\n    step(); time.sleep(0.3); step()",
        "from hilum.core.engine import Local\nlist(Local(2).map(abs, [-1, -2, -3, -4]))",
        "with quieted(True), progress('films', 3) as step:\n    say('nothing'); step(3)",
    )
    assert [o.output_type for o in shown] == ["stream", "display_data"]
    assert shown[0].name == "stdout"  # stderr is red there
    assert shown[1].data == {
        "text/plain": "",
        "text/html": "",
    }  # gone at its end; it was updated in its place
    assert done[0].data["text/plain"] == "[1, 2, 3, 4]"
    assert quiet == []


def test_a_bar_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from hilum.core import progress as module

    shown: list[dict[str, str]] = []

    class Handle:
        def update(self, data: dict[str, str], raw: bool) -> None:
            assert raw
            shown.append(data)

    def display(data: dict[str, str], raw: bool, display_id: bool) -> Handle:
        Handle().update(data, raw)
        assert display_id
        return Handle()

    monkeypatch.delenv("HILUM_QUIET", raising=False)
    monkeypatch.setattr(module, "_notebook", lambda: display)
    monkeypatch.setattr(module, "_BAR_EVERY_S", 0.0)
    with module.progress("read <all>", 4) as step:
        step()
        step(3)
    words = [s["text/plain"].split(",")[0] for s in shown]
    assert words == ["read <all>: 0/4 films", "read <all>: 1/4 films", "read <all>: 4/4 films", ""]
    assert 'value="1" max="4"' in shown[1]["text/html"]
    assert "read &lt;all&gt;" in shown[1]["text/html"]


def cells(kind: str) -> list[nbformat.NotebookNode]:
    """Those of the notebook of the docs."""
    return [c for c in nbformat.read(NOTEBOOK, as_version=4).cells if c.cell_type == kind]


def test_the_notebook_calls_what_there_is() -> None:
    """Each function by its name, each of its parameters too; what it shows is stored, and says what it is."""
    calls = 0
    for cell in cells("code"):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("hilum."):
                function = getattr(hilum, ast.unparse(node.func).removeprefix("hilum."))
                inspect.signature(function).bind(*node.args, **{str(k.arg): k.value for k in node.keywords})
                calls += 1
    assert calls >= 4
    nbformat.validate(nbformat.read(NOTEBOOK, as_version=4))
    html = [o.data["text/html"] for c in cells("code") for o in c.outputs if "text/html" in o.get("data", {})]
    assert len(html) >= 4
    assert all(hilum.RESEARCH_NOTICE in text for text in html if "hilum-view" in text)
    assert sum("Synthetic films" in text for text in html) >= 2
    assert not [o for c in cells("code") for o in c.outputs if o.output_type == "error"]
    outputs = [o.get("data", {}) for c in cells("code") for o in c.outputs]
    texts = [text for data in outputs for kind, text in data.items() if kind.startswith("text")]
    assert not [t for t in texts if "/tmp/" in t or "/home/" in t]  # no place of whoever ran it


def kinds(outputs: list[nbformat.NotebookNode]) -> list[list[str]]:
    """What a cell shows; of a picture one kind is stored."""
    shown = [o.data for o in outputs if "data" in o and any(o.data.values())]
    return [sorted(kind for kind in data if kind != "image/jpeg") for data in shown]


@pytest.mark.slow
def test_the_notebook_runs_and_shows_what_is_stored(tmp_path: Path) -> None:
    """Every cell of it, in an empty folder: each shows as many things of the same kinds."""
    stored = cells("code")
    found = run_cells(tmp_path, *(c.source for c in stored))
    for cell, outputs in zip(stored, found, strict=True):
        assert kinds(outputs) == kinds(cell.outputs), cell.source
