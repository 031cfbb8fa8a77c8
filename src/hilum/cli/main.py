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
from hilum.cli.audit import audit
from hilum.cli.audit_log import app as audit_log_app
from hilum.cli.augment import app as augment_app
from hilum.cli.bench import app as bench_app
from hilum.cli.compare import compare
from hilum.cli.data import app as data_app
from hilum.cli.demo import demo
from hilum.cli.drift import drift
from hilum.cli.ending import ended
from hilum.cli.evaluate import evaluate
from hilum.cli.explain import explain
from hilum.cli.export import export
from hilum.cli.find_rate import find_rate
from hilum.cli.gallery import gallery
from hilum.cli.ingest import ingest
from hilum.cli.node import node
from hilum.cli.predict import predict
from hilum.cli.report import report
from hilum.cli.run import run
from hilum.cli.runs import runs
from hilum.cli.sbom import sbom
from hilum.cli.segment import app as segment_app
from hilum.cli.serve import serve
from hilum.cli.show import show
from hilum.cli.split import split
from hilum.cli.token import app as token_app
from hilum.cli.weights import app as weights_app

app = typer.Typer(
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


for command in (
    ingest,
    audit,
    split,
    find_rate,
    run,
    predict,
    explain,
    evaluate,
    compare,
    export,
    report,
    gallery,
    drift,
    sbom,
    runs,
    show,
    serve,
    node,
    demo,
):
    app.command()(command)
app.add_typer(data_app, name="data", help="Known public data sets: list and fetch.")
app.add_typer(weights_app, name="weights", help="Pretrained weights: list, fetch and verify.")
app.add_typer(augment_app, name="augment", help="Look at augmentation.")
app.add_typer(token_app, name="token", help="Tokens of a service: new, list and revoke.")
app.add_typer(audit_log_app, name="audit-log", help="The audit log of a service.")
app.add_typer(segment_app, name="segment", help="Lungs on films.")
app.add_typer(bench_app, name="bench", help="How fast this machine is, and how near a run came to it.")


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
