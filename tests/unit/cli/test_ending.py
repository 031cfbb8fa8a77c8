"""How a command ends: a sentence and an exit code whatever happens, and no trace unless it is asked for."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from hilum.cli.ending import ended, when_stopped
from hilum.core import files
from hilum.core.engine import Local
from hilum.core.errors import Ended, InputError, LeakageError


def raising(error):
    app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)

    @app.command()
    def command() -> None:
        raise error

    return lambda: app([])


def fails_inside() -> None:
    files.write_text(None, "x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("a wrong word"), 2, "hilum: a wrong word"),
        (LeakageError("a leak"), 3, "hilum: a leak"),
        (OSError(errno.ENOSPC, "No space left on device", "a/b.csv"), 2, "hilum: a/b.csv: No space left on device; make room"),
        (PermissionError(errno.EACCES, "Permission denied", b"a/b"), 2, "hilum: a/b: Permission denied; it belongs to somebody else"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "films"), 2, "hilum: films: Is a directory"),
        (OSError("odd"), 2, "hilum: the system: odd"),
        (MemoryError(), 2, "hilum: there is not enough memory"),
        (KeyboardInterrupt(), 130, "hilum: stopped; nothing half-written was left"),
        (Ended(signal.SIGTERM), 143, "hilum: stopped; nothing half-written was left"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, ""),
        (SystemExit(4), 4, ""),
    ],
)  # fmt: skip
def test_each_error_is_a_sentence_and_a_code(capsys, error, code, message):
    assert ended(raising(error), debug=False) == code
    said = capsys.readouterr().err
    assert said.startswith(message)
    assert said.count("\n") == bool(message)


def test_a_defect_names_its_place_and_nothing_of_the_films(capsys):
    assert ended(raising(ValueError("patient 4711")), debug=False) == 1
    said = capsys.readouterr().err
    assert "hilum: a defect of hilum's, not of your input: ValueError in " in said
    assert "4711" not in said
    assert "report it" in said
    assert ended(fails_inside, debug=False) == 1
    assert "AttributeError in parts.py, line " in capsys.readouterr().err


def test_debug_shows_the_trace_and_keeps_the_code(capsys):
    assert ended(raising(InputError("a wrong word")), debug=True) == 2
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.endswith("hilum: a wrong word\n")


def test_what_is_kept_is_said(capsys):
    def command() -> None:
        with when_stopped("everything finished is kept in W"):
            raise KeyboardInterrupt

    assert ended(command, debug=False) == 130
    assert capsys.readouterr().err == "hilum: stopped; everything finished is kept in W\n"


def test_a_full_disk_half_way_leaves_the_old_file_and_names_it(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    files.write_text(path, "old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(InputError, match=r"a\.csv: cannot be written: No space left on device; nothing half"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_a_name_that_is_just_short_enough_is_written(tmp_path):
    path = tmp_path / ("n" * 251 + ".csv")
    files.write_text(path, "x")
    assert path.read_text() == "x"


def test_errors_of_others_pass_through_a_write(tmp_path):
    with pytest.raises(OSError, match="broke off"), files.writing(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "broke off", "elsewhere")


def hilum(*words: str, **options) -> subprocess.Popen:
    words = (sys.executable, "-m", "hilum.cli.main", *words)
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True, **options)


def test_a_reader_that_left_and_a_full_disk_of_results():
    head = hilum("--help", stdout=subprocess.PIPE)
    head.stdout.close()
    assert (head.communicate()[1], head.returncode) == ("", 141)
    with Path("/dev/full").open("w") as full:
        done = hilum("data", "list", stdout=full)
        said = done.communicate()[1]
    assert (said.count("\n"), "No space left on device" in said, done.returncode) == (1, True, 2)


def _sleep(folder: str) -> None:
    (Path(folder) / str(time.monotonic_ns())).touch()
    time.sleep(60)


def _with_workers(folder: str) -> None:
    """Two tasks that sleep; what `hilum run` does while it trains."""
    with when_stopped("what was finished is kept"):
        list(Local(2).map(_sleep, [folder, folder]))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_ends_the_workers_too_and_no_one_shows_a_trace(tmp_path, number, code):
    words = (  # what is started in the background by a shell without a terminal would ignore Ctrl-C, and so would its children
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from hilum.cli.ending import ended; from tests.unit.cli.test_ending import _with_workers as w;"
        f"sys.exit(ended(lambda: w({str(tmp_path)!r}), False))"
    )
    root = Path(__file__).parents[3]
    started = subprocess.Popen(
        [sys.executable, "-c", words], stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=root
    )
    while len(list(tmp_path.iterdir())) < 2:
        assert started.poll() is None, started.communicate()[1]
        time.sleep(0.05)
    # a terminal sends Ctrl-C to all of its processes
    (subprocess.os.killpg if number == signal.SIGINT else subprocess.os.kill)(started.pid, number)
    said = started.communicate(timeout=20)[1]  # ends when every process that holds the pipe has ended
    assert (said, started.returncode) == ("hilum: stopped; what was finished is kept\n", code)


def test_workers_end_when_the_command_was_killed(tmp_path):
    words = f"from tests.unit.cli.test_ending import _with_workers as w; w({str(tmp_path)!r})"
    root = Path(__file__).parents[3]
    started = subprocess.Popen(
        [sys.executable, "-c", words], stderr=subprocess.PIPE, start_new_session=True, cwd=root
    )
    while len(list(tmp_path.iterdir())) < 2:
        assert started.poll() is None
        time.sleep(0.05)
    started.kill()
    started.communicate(timeout=20)
    assert started.returncode == -signal.SIGKILL


def test_completion_knows_commands_and_options():
    def completed(words: str, at: int) -> list[str]:
        asked = {"_HILUM_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(at)}
        done = hilum(stdout=subprocess.PIPE, env={**os.environ, **asked})
        return done.communicate()[0].split()

    assert completed("hilum ev", 1) == ["evaluate"]
    assert completed("hilum evaluate --lab", 2) == ["--labels"]
