"""hilum audit-log: whether a service's audit log is whole, and its end, to be kept elsewhere."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hilum.cli.serve import DEFAULT_STATE, STATE

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def verify(
    head: Annotated[
        str | None,
        typer.Option(help="What `hilum audit-log head` printed before: the log must go on from there."),
    ] = None,
    state: STATE = DEFAULT_STATE,
) -> None:
    """Look for edits, deletions, exchanged lines and a missing end. Exit code 2 where there is one."""
    from hilum.core.errors import InputError
    from hilum.serve.audit_log import LOG, Head
    from hilum.serve.audit_log import verify as verify_log

    found = verify_log(state, Head.read(head, "--head") if head else None)
    if found.wrong:
        raise InputError(f"{state / LOG}: {found.wrong}")
    print(f"{state / LOG}: {found.head.seq} lines, whole", file=sys.stderr)
    print(found.head)


@app.command()
def head(state: STATE = DEFAULT_STATE) -> None:
    """Number and mac of the last line; keep it where the service cannot write."""
    from hilum.serve.audit_log import verify as verify_log

    print(verify_log(state).head)
