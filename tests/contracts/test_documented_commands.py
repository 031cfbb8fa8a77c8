"""Every command in README and docs: the command line's own parser reads its words, and what small synthetic films allow is done.

The films lie in the layouts of the two sets that README names. Only a study's size is made smaller; all other words are the page's, with
its capitals (RUN, CELL, FIRST ...) replaced by what is there.
"""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
import typer
from PIL import Image

from documented import PAGES, ROOT, lines, mentions, table_rows
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.statistics import StudyRows
from hilum.cli.commands import command as command_itself
from hilum.cli.ending import ended
from hilum.cli.main import app, command_of
from hilum.core.address import Address
from hilum.core.seeding import generator
from hilum.studies import study_path
from hilum.study.file import read_study
from hilum.study.suite import is_suite, read_suite
from hilum.synthetic.phantom import draw
from hilum.workflow.plan import recipes
from statistics_rows import read_statistics

COMMANDS = typer.main.get_command(app)
LINES = lines()


def parsed(words: Iterable[str]) -> tuple[str, dict[str, object]]:
    """The command that the words name, and what its parameters come to; an error of the parser is the test's."""
    context, name, command, rest = None, "hilum", COMMANDS, list(words)
    while True:
        context = command.make_context(name, rest, parent=context)
        if not hasattr(command, "resolve_command"):
            return name, context.params
        found, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        name = f"{name} {found}"


def options_of(name: str) -> set[str]:
    """Every option of a command."""
    named, *further = name.split() or [""]
    command = command_itself(named) if named else COMMANDS
    for word in further:
        command = command.commands[word]
    return {o for p in command.params for o in (*p.opts, *p.secondary_opts) if o.startswith("--")} | {
        "--help"
    }


def test_there_are_commands_to_check() -> None:
    assert {words[0] for words in LINES} >= {
        "ingest", "audit", "split", "run", "predict", "evaluate", "compare", "runs", "show", "report", "weights", "data", "augment",
    }  # fmt: skip


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_a_documented_line_is_one_that_the_command_reads(words: tuple[str, ...]) -> None:
    name, values = parsed(words)
    given = [v for v in values.values() if v not in (None, False, (), [])]
    assert name.split()[1] == words[0]
    assert len(given) >= sum(1 for w in words if w.startswith("--"))


@pytest.mark.parametrize("words", sorted(mentions()), ids=" ".join)
def test_a_command_in_prose_and_its_options_are_there(words: tuple[str, ...]) -> None:
    if words[0].startswith("-"):
        assert words[0] in options_of("")
        return
    deep = hasattr(command_itself(words[0]), "commands") and len(words) > 1
    name = " ".join(words[: 2 if deep else 1])
    assert {w for w in words if w.startswith("--")} <= options_of(name)


@pytest.mark.parametrize(
    ("names", "options"), table_rows(), ids=lambda v: " ".join(v) if isinstance(v, list) else v
)
def test_the_table_of_commands_names_options_that_there_are(names: list[str], options: list[str]) -> None:
    known = set().union(*(options_of(name) for name in names))
    assert set(options) <= known


# what a reader would do

N_A_CLASS = 28
NEW = ("covid", "normal", "covid", "normal")
SMALLER = (
    'grid.backbones=["tf_efficientnet_lite0"]', "grid.trials=1", "training.epochs=1", "augment.size_px=48", "sampling.covid=16",
    "statistics.resamples=100", 'probes.kinds=["source-rule"]',
)  # fmt: skip


def films(folder: Path, label: str, names: Iterable[str], folders: str, seed: int = 9) -> None:
    for k, name in enumerate(names):
        path = folder / folders / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw(label, generator(seed, label, k), 96).pixels).save(path)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder: films/radiography, films/mooney, films/nlm with a table, films/ChestX-ray14, new-films, a lung mask of one."""
    root = tmp_path_factory.mktemp("reader")
    numbers = [
        *range(1, N_A_CLASS // 2 + 1),
        *range(100, 100 + N_A_CLASS // 2),
    ]  # of normals: adults, then children
    films(
        root / "films" / "radiography", "covid", (f"COVID-{k}.png" for k in range(1, N_A_CLASS + 1)), "COVID"
    )
    films(root / "films" / "radiography", "normal", (f"Normal-{k}.png" for k in numbers), "Normal")
    films(
        root / "films" / "radiography",
        "viral",
        (f"Viral Pneumonia-{k}.png" for k in (1, 2)),
        "Viral Pneumonia",
    )
    for label, word, first in (("bacterial", "bacteria", 1), ("viral", "virus", 1001)):
        names = (f"person{k}_{word}_1.jpeg" for k in range(first, first + N_A_CLASS))
        films(root / "films" / "mooney", label, names, "chest_xray/train/PNEUMONIA")
    films(
        root / "films" / "mooney",
        "normal",
        (f"IM-{k:04d}-0001.jpeg" for k in (1, 2)),
        "chest_xray/train/NORMAL",
    )
    films(root / "films" / "nlm", "normal", ("a.png", "b.png"), "")
    nih = root / "films" / "ChestX-ray14"
    films(nih, "normal", ("00000001_000.png", "00000002_000.png"), "images")
    columns = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position\n"
    rows = "00000001_000.png,No Finding,0,1,57,M,PA\n00000002_000.png,Mass|Pneumonia,0,2,60,F,PA\n"
    (nih / "Data_Entry_2017.csv").write_text(columns + rows)
    films(root, "normal", ("person1_bacteria_1.png",), "lung-masks/mooney")
    torch.save(torchvision.models.resnet18().state_dict(), root / "ours.pth")
    (root / "nlm.csv").write_text("path,label,patient_id\na.png,normal,p1\nb.png,normal,p2\n")
    for label in ("covid", "normal"):
        films(root / "films" / "elsewhere", label, (f"{k}.png" for k in range(6)), label, seed=10)
    for k, label in enumerate(NEW):
        films(root / "new-films", label, [f"{k}.png"], "")
    return root


def hilum(*words: str) -> int:
    """Run a command here, as `hilum.cli.main` does; gives its exit code."""
    before = sys.argv
    sys.argv = ["hilum", *words]
    try:
        return ended(lambda: command_of(words), debug=True)
    finally:
        sys.argv = before


def done(*start: str, without: Iterable[str] = ()) -> list[tuple[str, ...]]:
    """The documented lines that begin so, those that hold one of some words left out."""
    found = [w for w in LINES if w[: len(start)] == start and not any(x in " ".join(w) for x in without)]
    assert found, start
    return found


@pytest.fixture(scope="module")
def ran(world: Path) -> Path:
    """The folder after README's way from films to a report: its own lines, of a study made small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(world)
        ingests, audits = done("ingest"), done("audit")
        for words in [*ingests[1:], ingests[0], *done("audit", without=["--split"]), *done("split")]:
            assert hilum(*words) == 0, words
        assert len(audits) > len(done("audit", without=["--split"]))
        for words in done("audit", "manifest.csv", "--split"):
            assert hilum(*words) == 0, words
        (readme,) = (w for w in done("run", "experiment-2", without=["--dry-run", "--set"]))
        (planned,) = (w for w in done("run", "experiment-2", without=["--set"]) if w != readme)
        assert planned == (*readme, "--dry-run")
        for more in ((), ("training.learning_rate=1e-3",)):
            sets = [x for s in (*SMALLER, 'grid.pipelines=["crop","crop-zoom"]', *more) for x in ("--set", s)]
            for words in (planned, readme) if not more else (readme,):
                assert hilum(*words, *sets, "--workers", "1") == 0
    Address(f"file://{world}/hilum-workspace").require()
    return world


def runs(world: Path) -> list[Path]:
    found = sorted(p for p in (world / "hilum-workspace" / "runs").iterdir() if "--on-" not in p.name)
    assert len(found) == 2
    return found


def with_what_is_there(words: Iterable[str], world: Path) -> list[str]:
    """The page's words, its stand-ins replaced."""
    first, second = runs(world)
    cell = next((first / "cells").glob("*--crop--constant"))
    stand_ins = {
        r"^BUNDLE$": str(cell / "trial-1" / "bundle"), r"^RUN$": str(first),
        r"\bRUN\b": first.name, r"\bCELL\b": cell.name, r"\bFIRST\b": first.name, r"\bSECOND\b": second.name,
        r"experiment-2-0123456789ab": first.name, r"4bc6cc967f30": first.name[-12:], r"^FILM$": "films/radiography/COVID/COVID-12.png",
        r"squeezenet1_0": "tf_efficientnet_lite0", "s3://bucket/folder": f"file://{world}/hilum-workspace",
    }  # fmt: skip
    out = []
    for word in words:
        for pattern, value in stand_ins.items():
            word = re.sub(pattern, value, word)
        out.append(word)
    return out


def test_films_come_to_a_report(ran: Path) -> None:
    for run in runs(ran):
        assert (run / "report.html").stat().st_size > 100_000
        cells = {p.name for p in (run / "cells").iterdir() if "--probe-" not in p.name}
        assert cells == {f"tf_efficientnet_lite0--{p}--constant" for p in ("crop", "crop-zoom")}
    assert (ran / "audit" / "audit.html").is_file()
    split = json.loads((ran / "split.json").read_text())
    assert split["header"]["seed"] == 88


def test_lungs_are_found_on_the_films(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    films = str(world / "films" / "radiography")
    assert hilum("ingest", films, "--no-patient-ids", "radiography", "--out", "manifest.csv") == 0
    (line,) = done("segment", "run", without=["--weights"])
    assert hilum(*line) == 0
    rows = [Path(name).read_text().count("\n") for name in ("manifest.csv", "lungs/lungs.csv")]
    assert rows[0] == rows[1] > 50


def test_new_films_are_scored_and_evaluated_by_their_labels(
    ran: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """README's bundle scores the new films; then every documented evaluation runs, of them and of a table from elsewhere."""
    monkeypatch.chdir(ran)
    (readme,) = (w for w in done("predict") if LINES[w] == "README.md")
    assert hilum(*with_what_is_there(readme, ran)) == 0
    scored = Predictions.read(ran / "predictions.csv")
    assert [Path(i).name for i in scored.image_ids] == [f"{k}.png" for k in range(len(NEW))]
    assert np.allclose(scored.probabilities.sum(axis=1), 1, atol=1e-6)
    truth = "".join(f"{i},{label}\n" for i, label in zip(scored.image_ids, NEW, strict=True))
    (ran / "truth.csv").write_text("image_id,label\n" + truth)
    theirs = "".join(f"{k}.png,{'tb' if k % 3 else 'normal'},{(k % 7) / 7}\n" for k in range(30))
    (ran / "theirs.csv").write_text("file,label,prob\n" + theirs)
    for words in done("evaluate", without=["--on"]):
        assert hilum(*with_what_is_there(words, ran)) == 0, words
        (of_class,) = {
            r.class_ for r in read_statistics(ran / "statistics.json") if r.metric == "sensitivity"
        } & {"covid", "tb"}
        row = next(
            r
            for r in read_statistics(ran / "statistics.json")
            if (r.metric, r.class_) == ("sensitivity", of_class)
        )
        assert (row.n_positive, row.n) == ((2, 4) if of_class == "covid" else (20, 30))


def test_a_run_and_a_bundle_are_asked_of_other_films(
    ran: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ran)
    lines = [w for w in done("evaluate") if "--on" in w]
    assert len(lines) == 2
    for words in lines:
        assert hilum(*with_what_is_there(words, ran)) == 0, words
        page = Path(capsys.readouterr().out.splitlines()[-1])
        assert "Outside" in page.read_text()
        rows = StudyRows.read(page.parent / "statistics.json")
        row = next(r for r in rows.rows if (r.metric, r.class_, r.trial) == ("sensitivity", "covid", None))
        assert (row.n_positive, row.n) == (6, 12)
    assert page.is_relative_to(ran / "one-model")


OTHERS = [
    "compare",
    "runs",
    "show",
    "report",
    "gallery",
    "augment show",
    "weights list",
    "weights verify",
    "data list",
]


@pytest.mark.parametrize("command", OTHERS)
def test_the_other_commands_do_what_the_page_says(
    ran: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ran)
    monkeypatch.setenv("HILUM_MIRROR", str(ran / "mirrors"))
    for words in done(*command.split()):
        words = tuple(with_what_is_there(words, ran))
        if command == "report":
            words = words[:2]  # no film of this run goes through the box
        assert hilum(*words) == 0, words
        said = capsys.readouterr()
        assert len(said.out) > 20, words
        for out in (words[k + 1] for k, w in enumerate(words) if w == "--out"):
            assert Path(out).exists()


@pytest.mark.parametrize("words", [w for w in LINES if w[0] == "run"], ids=" ".join)
def test_a_documented_study_ships_and_its_overrides_fit(words: tuple[str, ...]) -> None:
    """What `hilum run` would do with it, up to the cells; the plan itself is README's dry run above."""
    values = parsed(words)[1]
    path = study_path(str(values["study"]))
    if is_suite(path):
        members = [(study_path(m.study), m.set) for m in read_suite(path, values["set_"] or ()).member]
    else:
        members = [(path, values["set_"] or ())]
    for study, overrides in members:
        assert len(recipes(read_study(study, overrides))) > 0


def test_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    named = set(re.findall(r"(?:^    |`)make ([a-z-]+)", (ROOT / "README.md").read_text(), flags=re.M))
    assert named == {"demo", "test", "test-all", "docs"}
    assert named <= targets


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_an_unknown_command_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert hilum("rnu") == 2
    assert "No such command 'rnu'" in capsys.readouterr().err
