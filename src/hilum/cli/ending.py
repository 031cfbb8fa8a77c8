"""How a command ends: its exit code, and the one sentence that the user reads when it did not go well.

Whatever happens, no trace is shown unless ``--debug`` asks for one, and what is shown holds no more of the films than the paths and ids
that the user gave: of an unexpected error only its type and its place.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hilum.core.errors import Ended, HilumError, Stopped
from hilum.core.mirror import mirror_of

DEFECT, INPUT, BROKEN_PIPE = 1, 2, 128 + signal.SIGPIPE
_NOTHING_KEPT = "stopped; nothing half-written was left, and the same command starts anew"


def kept(workspace: Path) -> str:
    """What a stopped command says last: where its work is, and how to go on."""
    mirror = mirror_of(workspace)
    return f"everything finished is kept in {mirror[0].url if mirror else workspace}; the same command goes on where it was"


@contextmanager
def when_stopped(kept: str) -> Iterator[None]:
    """Say what is kept, and how to go on, when the block is stopped.

    Raises:
        Stopped: By Ctrl-C, SIGTERM or SIGHUP.
    """
    try:
        yield
    except KeyboardInterrupt as e:
        raise Stopped(f"stopped; {kept}", _signal_of(e)) from e


def ended(command: Callable[[], object], debug: bool) -> int:
    """Run a command to its end.

    Args:
        command: It ends by itself, with SystemExit, or with an error.
        debug: Show the trace of an error.

    Returns:
        The exit code: 0 done, 1 a defect of hilum's, 2 the input or the options, 3 refused, 130 stopped, 141 nobody reads the results.
    """
    _open_streams()
    try:
        with _ended_in_order():
            code = _code_of(command)
            sys.stdout.flush()
    except BaseException as error:
        if debug:
            traceback.print_exception(error)
        code, words = _verdict(error)
        if code == BROKEN_PIPE:
            _to_nowhere()
        else:
            _say(words)
    return code


def _code_of(command: Callable[[], object]) -> int:
    try:
        command()
    except SystemExit as e:
        stopped = _cause(e)
        if stopped is not None:
            raise stopped from e
        return e.code if isinstance(e.code, int) else int(e.code is not None)
    return 0


def _cause(end: SystemExit) -> BaseException | None:
    """What the command line's library turned into an exit: Ctrl-C, or results that nobody reads."""
    error: BaseException | None = end.__cause__ or end.__context__
    while error is not None:
        if isinstance(error, KeyboardInterrupt | BrokenPipeError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _verdict(error: BaseException) -> tuple[int, str]:
    """Exit code, and what to say."""
    if isinstance(error, HilumError):
        return error.exit_code, str(error)
    if isinstance(error, KeyboardInterrupt):
        return 128 + _signal_of(error), _NOTHING_KEPT
    if isinstance(error, BrokenPipeError):
        return BROKEN_PIPE, ""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return (
            INPUT,
            "there is not enough memory for this; close other programs, or give fewer --workers or films",
        )
    if isinstance(error, OSError):
        return INPUT, _of_system(error)
    if isinstance(error, RuntimeError) and str(error).startswith(
        "Symlink loop"
    ):  # as pathlib says it before 3.13
        return INPUT, f"{error}; name a file that is there"
    where = traceback.extract_tb(error.__traceback__)
    ours = [f for f in where if f"{os.sep}hilum{os.sep}" in f.filename] or where
    place = f" in {Path(ours[-1].filename).name}, line {ours[-1].lineno}" if ours else ""
    return DEFECT, (
        f"a defect of hilum's, not of your input: {type(error).__name__}{place}. `hilum --debug` and the same words show the trace; "
        "please report it to hilum's maintainers with `hilum --version`, without patient data that may stand in it"
    )


def _of_system(error: OSError) -> str:
    what = error.strerror or str(error) or type(error).__name__
    names = [os.fsdecode(n) for n in (error.filename, error.filename2) if isinstance(n, str | bytes)]
    where = " -> ".join(names) or "the system"
    hint = {
        errno.ENOSPC: "; make room, and the same command goes on or starts anew",
        errno.EDQUOT: "; make room, and the same command goes on or starts anew",
        errno.EACCES: "; it belongs to somebody else: mend its rights, or name another",
        errno.ENOENT: "; name one that is there",
        errno.ENAMETOOLONG: "; give a shorter name",
        errno.ELOOP: "; the link leads back to itself: mend it, or name another",
        errno.EMFILE: "; too many files are open: raise `ulimit -n`",
    }.get(error.errno or 0, "")
    return f"{where}: {what}{hint}"


def _signal_of(error: KeyboardInterrupt) -> int:
    return error.signal_number if isinstance(error, Ended) else int(signal.SIGINT)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, unless they are ignored (``nohup``) or somebody else sees to them."""

    def end(number: int, _frame: object) -> None:
        raise Ended(number)

    seen_to = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_DFL]
    for number in seen_to:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in seen_to:
            signal.signal(number, signal.SIG_DFL)


def _say(words: str) -> None:
    try:
        print(f"hilum: {words}", file=sys.stderr, flush=True)
    except OSError:  # the terminal is gone
        _to_nowhere()


def _open_streams() -> None:
    """Give every standard stream a place: a closed one would lend its number to the next file that is opened, and be written into."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name in another encoding must not end a command
            stream.reconfigure(errors="backslashreplace")


def _to_nowhere() -> None:
    """What is left unwritten cannot be: Python would complain at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
