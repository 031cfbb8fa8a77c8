"""A hilum command called in this process: its exit code and what it prints, without the seconds that a process takes to load torch."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from subprocess import CompletedProcess
from unittest import mock

from hilum.cli.ending import ended
from hilum.cli.main import command_of


def called(*words: str) -> CompletedProcess[str]:
    """Run a command here, as `hilum.cli.main` does."""
    out, err = io.StringIO(), io.StringIO()
    with mock.patch.object(sys, "argv", ["hilum", *words]), redirect_stdout(out), redirect_stderr(err):
        code = ended(lambda: command_of(words), debug=False)
    return CompletedProcess(["hilum", *words], code, out.getvalue(), err.getvalue())
