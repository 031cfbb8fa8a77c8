"""Every command: its name and the line that ``hilum --help`` has of it; what the command is made of is imported when it is called.

A command is the module of `hilum.cli` of its name, where it is the function of that name, or, of a command of several words, ``app``.
The idea is that of click's documentation (https://click.palletsprojects.com/en/stable/complex/, lazily loading subcommands) with
what that leaves open answered: lists, shell completion and "did you mean" ask a group for each of its commands, so here they meet
stand-ins that know name and line, and only what is called is exchanged for the real one (`Late.resolve_command`).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

COMMANDS: Final = {
    "ingest": "Make manifest.csv from folders and tables of films.",
    "audit": "Look for copies, conflicts, leaks, shortcuts, odd films and doubtful labels, before anything is trained on films.",
    "split": "Divide films into train, validation and test; no patient and no copy of a film crosses.",
    "find-rate": "Suggest learning rates for a study: 100 steps at most a cell with a rate that rises, on the films of trial 1; nothing is "
    "trained.",
    "run": "Run a study from its films to its report.",
    "predict": "Score films with a trained model.",
    "explain": "Show where a model's answers come from, and check whether the maps can be believed.",
    "evaluate": "Compute every figure of a table of scores, with intervals: films that have a score and a label.",
    "compare": "Compare runs: each cell with its counterpart in the first run, with intervals, adjusted tests and what else differs.",
    "export": "Write a trained model for another program, with its preparation, classes and operating point as metadata.",
    "report": "Evaluate a run where that is not done, and write its report.",
    "gallery": "Write the page of a run's test films: errors, confused classes, films on which trials or models differ.",
    "drift": "Show what a bundle was asked and answered, and whether films and answers are still like those it was made with.",
    "sbom": "Write the bill of materials of a bundle: hilum, the libraries installed here, the bundle's files and weights with "
    "their digests.",
    "runs": "List the runs of a workspace, filter them, and compare their figures.",
    "show": "Print what something is, its version, and where it came from, back to the films.",
    "serve": "Serve bundles to programs (HTTP, OpenAPI at /openapi.json) and to people (pages at /).",
    "node": "Answer the chest films that a picture archive sends, into the same study.",
    "demo": "Draw synthetic films and run a whole study on them, to its report.",
    "data": "Known public data sets: list and fetch.",
    "weights": "Pretrained weights: list, fetch and verify.",
    "augment": "Look at augmentation.",
    "token": "Tokens of a service: new, list and revoke.",
    "audit-log": "The audit log of a service.",
    "segment": "Lungs on films.",
    "bench": "How fast this machine is, and how near a run came to it.",
}
"""Name -> the line of ``--help``: the first sentence of the command's docstring; all that is said of a command of several words."""


class Late(TyperGroup):
    """A group of stand-ins, of which the one that is called is exchanged for the command itself."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As `TyperGroup.resolve_command`, with the command itself; also where a shell asks for the options of a command."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, stand_in if name is None else command(name), rest


@cache
def command(name: str) -> Any:
    """The command itself; its module is imported."""
    module = import_module(f"hilum.cli.{_called(name)}")
    group = typer.Typer(
        callback=_nothing, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    if hasattr(module, "app"):
        group.add_typer(module.app, name=name, help=COMMANDS[name])
    else:
        group.command(name)(getattr(module, _called(name)))
    return typer.main.get_command(group).commands[name]  # type: ignore[attr-defined]


def register(app: typer.Typer) -> None:
    """Give an application, whose class is `Late`, the stand-ins of all commands."""
    for name, line in COMMANDS.items():
        app.command(name, help=line)(_nothing)


def _called(name: str) -> str:
    return name.replace("-", "_")


def _nothing() -> None:
    """A stand-in does nothing."""
