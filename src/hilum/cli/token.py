"""hilum token: who may ask a service what."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from hilum.cli.serve import DEFAULT_STATE, STATE

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Whose it is: a person, or a program.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="predict, explain, review or admin; predict and explain if none is named."),
    ] = None,
    days: Annotated[float, typer.Option(help="Until it ends.")] = 365,
    state: STATE = DEFAULT_STATE,
) -> None:
    """Make a token. It is printed once and stored as a digest only."""
    from hilum.serve.tokens import new_token

    secret, token = new_token(state, name, tuple(scope or ("predict", "explain")), days)
    print(
        f"token {token.id} for {token.name}: {', '.join(token.scopes)}, until {token.expires}; it is not shown again",
        file=sys.stderr,
    )
    print(secret)


@app.command("list")
def list_(state: STATE = DEFAULT_STATE) -> None:
    """Tokens, without what is secret."""
    from hilum.report.table import plain_table
    from hilum.serve.tokens import read_tokens

    now = datetime.now(UTC)
    rows = [
        (t.id, t.name, " ".join(t.scopes), t.created, t.expires, t.state(now)) for t in read_tokens(state)
    ]
    print(plain_table("tokens", ("id", "name", "scopes", "created", "expires", "state"), rows).to_text())


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `hilum token list` has it.")],
    state: STATE = DEFAULT_STATE,
) -> None:
    """Revoke a token; a running service stops taking it within a second."""
    from hilum.serve.tokens import revoke as revoke_token

    token = revoke_token(state, token_id)
    print(f"token {token.id} of {token.name} is revoked since {token.revoked}", file=sys.stderr)
