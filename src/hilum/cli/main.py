"""The command `hilum`: looks up what was asked for, and turns errors into one line and an exit code.

Messages go to stderr, results to stdout. Exit codes: 0 done, 1 a defect of hilum's, 2 the input or the options, 3 refused for
leakage or an unsafe choice, 130 stopped by Ctrl-C. `--debug` before the command shows the trace.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from hilum import RESEARCH_NOTICE, __version__
from hilum.cli.addresses import with_folders
from hilum.cli.commands import Late, register
from hilum.cli.ending import ended

app = typer.Typer(
    cls=Late,
    name="hilum",
    help=f"A workbench for chest-film classification studies. {RESEARCH_NOTICE}",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"hilum {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: bool = typer.Option(False, "--debug", help="Show the trace of an error."),
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Options of hilum itself."""


register(app)


def main() -> None:
    """Entry point; `hilum.cli.ending` says how a command ends."""
    words = sys.argv[1:]
    sys.exit(ended(lambda: command_of(words), debug="--debug" in words[: _command_at(words)]))


def command_of(words: Sequence[str]) -> None:
    """Do what the words say; where one is an address, in the folder that stands for it."""
    with with_folders(words) as here:
        app(here, prog_name="hilum")


def _command_at(words: Sequence[str]) -> int:
    """Where the command's own words begin."""
    return next((k for k, word in enumerate(words) if not word.startswith("-")), len(words))


if __name__ == "__main__":
    main()
