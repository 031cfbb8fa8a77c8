"""Words that are addresses: the command gets the folder that stands for each; a command that takes none says so."""

import shutil
import sys
from pathlib import Path
from unittest import mock

import pytest

import hilum
from called import called
from hilum.cli.addresses import with_folders
from hilum.core import files
from hilum.core.address import MARK, Address
from hilum.core.errors import InputError
from hilum.core.mirror import in_force
from small_workspace import make_workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one finished run."""
    root = tmp_path_factory.mktemp("made")
    make_workspace(root)
    return root


@pytest.fixture
def far(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a copy of it."""
    monkeypatch.setenv("HILUM_MIRROR", str(tmp_path / "mirrors"))
    shutil.copytree(made, tmp_path / "far")
    Address(f"file://{tmp_path}/far").require()
    return f"file://{tmp_path}/far"


def run_at(far: str) -> str:
    run = next(Path(far.removeprefix("file://")).joinpath("runs").iterdir())
    return f"{far}/runs/{run.name}"


def test_words_without_an_address_are_as_they_were() -> None:
    with with_folders(["run", "x", "--set", "a=b://c", "--workspace", "s3"]) as found:
        assert found == ["run", "x", "--set", "a=b://c", "--workspace", "s3"]
        assert in_force() == ()


@pytest.mark.parametrize("form", [["--workspace", "{}"], ["--workspace={}"]])
def test_a_workspace_that_is_new_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: list[str]
) -> None:
    monkeypatch.setenv("HILUM_MIRROR", str(tmp_path / "mirrors"))
    url = f"file://{tmp_path}/new"
    with with_folders(["run", "s.toml", *(w.format(url) for w in form)]) as found:
        place = Path(found[-1].removeprefix("--workspace="))
        assert place.parent == (tmp_path / "mirrors").resolve()
        assert [m.url for m in in_force()] == [url]
        files.write_text(place / "runs" / "a", "x")
    assert (tmp_path / "new" / "runs" / "a").read_text() == "x"
    assert (tmp_path / "new" / MARK).is_file()


def test_a_run_is_brought_and_what_is_written_into_it_is_there(far: str) -> None:
    with with_folders(["report", run_at(far)]) as (_, place):
        assert (Path(place) / "run.json").is_file()
        assert list(Path(place).glob("cells/*/trial-*/bundle/head.safetensors"))
        files.write_text(Path(place) / "new.txt", "x")
    assert (Path(run_at(far).removeprefix("file://")) / "new.txt").is_file()


def test_show_evaluate_and_runs_read_a_workspace_at_an_address(far: str) -> None:
    shown = called("show", run_at(far))
    assert shown.returncode == 0, shown.stderr
    assert "small" in shown.stdout
    listed = called("runs", "--workspace", far)
    assert listed.returncode == 0, listed.stderr
    assert run_at(far).rpartition("/")[2][:12] in listed.stdout


def test_what_lies_in_no_workspace_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"runs/x: lies in no workspace of hilum's"),
        with_folders(["report", f"file://{tmp_path}/runs/x"]),
    ):
        pass


@pytest.mark.parametrize("command", ["serve", "node", "gallery", "segment", "find-rate", "demo", "ingest"])
def test_a_command_that_takes_none_says_so(command: str) -> None:
    done = called(command, "--workspace", "s3://bucket/ws")
    assert done.returncode == 2
    assert (
        f"hilum {command} needs a folder of this machine's; addresses are taken by run, report,"
        in done.stderr
    )


def test_what_was_typed_stays_what_was_typed(far: str) -> None:
    with mock.patch.object(sys, "argv", ["hilum", "report", run_at(far)]), with_folders(sys.argv[1:]):
        assert sys.argv[2] == run_at(far)


def test_in_python_a_workspace_is_opened(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/far"
    with pytest.raises(InputError, match=r"expected a folder; in Python, open it with hilum.workspace_at"):
        hilum.run("s.toml", manifest="m.csv", workspace=url)
    with (
        pytest.raises(InputError, match="expected an address such as s3://bucket/folder, got 'folder'"),
        hilum.workspace_at("folder"),
    ):
        pass
    with hilum.workspace_at(url, mirror=tmp_path / "here", gib=1) as root:
        assert root == (tmp_path / "here").resolve()
        assert in_force()[0].bound_bytes == 2**30


@pytest.mark.parametrize("text", ["much", "-1"])
def test_a_bound_that_is_no_number_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("HILUM_MIRROR_GIB", text)
    monkeypatch.setenv("HILUM_MIRROR", str(tmp_path))
    with (
        pytest.raises(InputError, match="HILUM_MIRROR_GIB: expected a number of GiB"),
        hilum.workspace_at(f"file://{tmp_path}/f"),
    ):
        pass


def test_the_demo_is_drawn_in_a_folder_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HILUM_MIRROR", str(tmp_path / "mirrors"))
    done = called("run", "demo", "--workspace", f"file://{tmp_path}/far")
    assert done.returncode == 2
    assert "the demo draws its films into the workspace, and file:///" in done.stderr
