"""`hilum show` explains every file of a run and of its workspace, and says of others what they are not."""

import json
import runpy
from pathlib import Path

import pytest

from hilum.artifacts.header import Header, read_json, write_json, write_with_header
from hilum.artifacts.run_folder import RunFolder
from hilum.core.digests import sha256_file
from hilum.core.errors import InputError
from hilum.stages.show import show

SMALL = runpy.run_path(str(Path(__file__).parents[2] / "small_workspace.py"))
PAGE = '<!doctype html><meta name="generator" content="hilum 0.1.0">\n<title>A &lt;page&gt;</title>'
TEX = "\\begin{table}\n\\caption{Films by class, 5 \\% each.}\n\\label{tab:data}\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run with a report's tables and figures, and what commands leave beside them."""
    run = SMALL["make_workspace"](tmp_path_factory.mktemp("w"))
    trial = run / "cells" / "squeezenet1_0--crop--low" / "trial-1"
    for name, text in {
        "report.html": PAGE, "tables/data.csv": "Class,films\ncovid,16\nnormal,16\n", "tables/data.tex": TEX,
        "figures/intervals.svg": "<svg/>", "figures/intervals.png": "png", "model_card.md": "# Model card: small\n## Use\n",
        "excluded.csv": "path,source,reason,detail\na.png,clinic,truncated,cut\n", "stages.json": '[{"stage": "split"}]',
        "mlflow.json": '{"store": "here", "content": "c", "runs": {}}', "boxed_film.json": '{"box": "0,0,1,1"}',
    }.items():  # fmt: skip
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text(text)
    outputs = {n: sha256_file(run / n) for n in ("tables/data.csv", "figures/intervals.png")}
    write_with_header(run / "report.html", PAGE, Header("report", {}, {"outputs": outputs}))
    (run / "figures" / "intervals.png").write_text("another")
    write_json(run / "learning.json", {"header": Header("learning").to_dict(), "steps": []})
    (trial / "bundle" / "network.safetensors").write_bytes(b"weights of a whole network")
    (trial / "finder.json").write_text('{"rates": [1, 2], "steep": 0.001}')
    root = run.parents[1]
    (root / "workspace.json").write_text('{"settled": {}}')
    (root / "m.excluded.csv").write_text("path,source,reason,detail\n")
    (root / "compare").mkdir()
    (root / "compare" / "compare.html").write_text(PAGE)
    return run


def test_every_file_is_explained(run):
    root, kinds = run.parents[1], {}
    for path in sorted(p for p in root.rglob("*") if p.is_file() and "films" not in p.parts):
        found = show(str(path))[0]
        assert found.kind
        assert found.facts or found.inputs, path
        kinds[path.relative_to(root).as_posix().replace(run.name, "RUN")] = found.kind
    trial = "runs/RUN/cells/squeezenet1_0--crop--low/trial-1"
    assert {
        "runs/RUN/tables/data.csv": "table", "runs/RUN/tables/data.tex": "table", "runs/RUN/figures/intervals.svg": "figure",
        "runs/RUN/model_card.md": "model card", "runs/RUN/excluded.csv": "exclusions", "runs/RUN/stages.json": "stages",
        "runs/RUN/run_facts.json": "run facts", "runs/RUN/learning.json": "learning",
        "runs/RUN/report.html": "report", "runs/RUN/report.header.json": "report", "runs/RUN/manifest.header.json": "manifest",
        "runs/RUN/evaluation.json": "evaluation", "runs/RUN/mlflow.json": "mlflow note", "runs/RUN/run.json": "run",
        f"{trial}/history.jsonl": "history", f"{trial}/seconds.json": "seconds", f"{trial}/predict.json": "prediction facts",
        f"{trial}/train.json": "training facts", f"{trial}/finder.json": "rate finder", f"{trial}/predictions.csv": "predictions",
        f"{trial}/bundle/network.safetensors": "weights",
        f"{trial}/bundle/head.safetensors": "weights", f"{trial}/bundle/bundle.json": "bundle",
        "looks.jsonl": "looks", "workspace.json": "workspace", "m.excluded.csv": "exclusions", "compare/compare.html": "page",
    }.items() <= kinds.items()  # fmt: skip


def test_a_table_says_its_caption_and_whether_it_is_as_the_report_wrote_it(run):
    table = show(str(run / "tables" / "data.csv"))[0]
    assert table.facts["caption"] == "Films by class, 5 % each."
    assert (table.facts["rows"], table.facts["columns"]) == (2, ["Class", "films"])
    assert [link.state for link in table.inputs] == ["verified", "unchecked"]
    changed = show(str(run / "figures" / "intervals.png"))[0]
    assert changed.inputs[0].state == "changed"
    assert show(str(run.parents[1] / "compare" / "compare.html"))[0].facts["title"] == "A <page>"
    look = show(str(run.parents[1] / "looks.jsonl"))[0]
    assert (look.facts["lines"], look.facts["last"]["study"]) == (1, "small")
    assert look.version == sha256_file(run.parents[1] / "looks.jsonl")
    trial = run / "cells" / "squeezenet1_0--crop--low" / "trial-1"
    assert show(str(trial / "finder.json"))[0].facts["rates"] == "2 entries"
    assert read_json(trial / "seconds.json")["alone"]["prepare"] == 1.0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "a.txt",
            "words",
            r"a\.txt: nothing that hilum knows: .* no study file, no table of films or scores, no film",
        ),
        ("a.csv", "x,y\n1,2\n", "it has no header; its columns are x, y"),
        ("a.json", '{"x": 1}', "it has no header; its keys are 'x'"),
        ("b.json", '[{"x": 1}, {"y": 2}]', "it has no header; list"),
        ("c.json", "[1, 2]", "it has no header; list"),
        ("a.html", "<p>mine</p>", "nothing that hilum knows"),
        ("figures/f.svg", "<svg/>", "nothing that hilum knows"),
        ("history.jsonl", "{}\n", "nothing that hilum knows"),
    ],
)
def test_what_hilum_did_not_write(tmp_path, name, text, message):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        show(str(tmp_path / name))


def test_json_of_the_answer_can_be_read_back(run):
    assert json.loads(json.dumps(show(str(run / "stages.json"))[0].to_dict()))["kind"] == "stages"


def _read_all(folder: RunFolder) -> None:
    for read in (folder.losses, folder.trained_weights, folder.seconds, folder.predictions):
        read(folder.cells[0], 1)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bundle/bundle.json", b"[1]"), ("bundle/bundle.json", b""), ("seconds.json", b"[1]"), ("history.jsonl", b"[1]"),
        ("history.jsonl", b"{}"), ("history.jsonl", b'{"epoch": 1, "train'), ("history.jsonl", b"\xff\xfe\xfd"),
        ("predictions.header.json", b"[1]"),
    ],
)  # fmt: skip
def test_a_damaged_file_of_a_trial_is_named_when_it_is_read(run, name, data):
    folder = RunFolder(run)
    path = folder.folder(folder.cells[0], 1) / name
    before = path.read_bytes()
    path.write_bytes(data)
    try:
        with pytest.raises(InputError) as refused:
            _read_all(folder)
    finally:
        path.write_bytes(before)
    assert str(refused.value).startswith(f"{path}: ")
