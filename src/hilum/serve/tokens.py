"""Tokens: who may ask what. ``tokens.json`` in the service's state folder.

A token is 256 random bits, shown once and stored as its SHA-256 (a password needs a slow hash since it can be guessed; 256 random bits
cannot). It has scopes and an end. The service looks at the file again when it changed, so what was revoked stops working within a second.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from hilum.artifacts.header import checked, read_object
from hilum.core.digests import sha256_bytes
from hilum.core.errors import InputError, require_known
from hilum.core.files import lock, write_text
from hilum.core.stamps import stamp

SCOPES: Final = ("predict", "explain", "review", "admin")
FILE: Final = "tokens.json"
PREFIX: Final = "hilum_"
_LOCK: Final = ".tokens.lock"
_BYTES, _LOOK_S = 32, 1.0
"""Of a token: 256 bit. How old what is known of the file may be."""


@dataclass(frozen=True)
class Token:
    """What is stored of a token.

    Attributes:
        id: Names it in logs and commands.
        name: Whose it is, in the user's words; readers of the review have their answers under it.
        sha256: Of the token.
        scopes: Of `SCOPES`; ``admin`` has all.
        created, expires: UTC, ISO 8601.
        revoked: When it was; empty for one that is not.
    """

    id: str
    name: str
    sha256: str
    scopes: tuple[str, ...]
    created: str
    expires: str
    revoked: str = ""

    def state(self, now: datetime) -> str:
        """``good``, ``revoked`` or ``expired``."""
        return (
            "revoked"
            if self.revoked
            else "expired"
            if now >= datetime.fromisoformat(self.expires)
            else "good"
        )

    def may(self, scope: str) -> bool:
        """Whether it has a scope."""
        return scope in self.scopes or "admin" in self.scopes


def new_token(
    state: Path, name: str, scopes: tuple[str, ...], days: float, now: datetime | None = None
) -> tuple[str, Token]:
    """Make a token and store it; gives the token, which cannot be had again, and what is stored.

    Raises:
        InputError: No name, an unknown scope, or no days.
    """
    now = now or datetime.now(UTC)
    if not name.strip():
        raise InputError("expected the name of whoever will use the token, got none")
    for scope in scopes:
        require_known(scope, SCOPES, "unknown scope")
    if not scopes or not days > 0:
        raise InputError(f"expected at least one scope and more than 0 days, got {scopes!r} and {days!r}")
    secret = PREFIX + secrets.token_urlsafe(_BYTES)
    token = Token(
        secrets.token_hex(4), name.strip(), sha256_bytes(secret.encode()), tuple(dict.fromkeys(scopes)),
        now.isoformat(timespec="seconds"), (now + timedelta(days=days)).isoformat(timespec="seconds"),
    )  # fmt: skip
    with lock(state / _LOCK):
        _write(state, [*read_tokens(state), token])
    return secret, token


def revoke(state: Path, token_id: str, now: datetime | None = None) -> Token:
    """Revoke a token by its id.

    Raises:
        InputError: There is none of that id.
    """
    at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    with lock(state / _LOCK):
        tokens = read_tokens(state)
        require_known(token_id, [t.id for t in tokens], "no token with the id")
        changed = [replace(t, revoked=t.revoked or at) if t.id == token_id else t for t in tokens]
        _write(state, changed)
    return next(t for t in changed if t.id == token_id)


def read_tokens(state: Path) -> list[Token]:
    """The tokens of a state folder; none where there is no file.

    Raises:
        InputError: The file is not as this module writes it.
    """
    path = state / FILE
    if not path.is_file():
        return []
    rows = read_object(path).get("tokens")
    if not isinstance(rows, list):
        raise InputError(
            f"{path}: expected a list 'tokens'; put the file back from a copy, or remove it and make new tokens"
        )
    return [checked(row, Token, path) for row in rows]


def _write(state: Path, tokens: list[Token]) -> None:
    before = os.umask(0o077)  # the file is made anew: for its owner alone from its first byte
    try:
        write_text(state / FILE, json.dumps({"tokens": [asdict(t) for t in tokens]}, indent=1) + "\n")
    finally:
        os.umask(before)


class TokenFile:
    """The tokens as a running service knows them.

    Attributes:
        any: Whether there are tokens that are good.
    """

    def __init__(self, state: Path) -> None:
        self.state = state
        self._looked = -math.inf
        self._stamp: object = self
        self._by_digest: dict[str, Token] = {}
        self._refresh()

    @property
    def any(self) -> bool:
        """Whether some token is good now."""
        self._refresh()
        now = datetime.now(UTC)
        return any(t.state(now) == "good" for t in self._by_digest.values())

    def known(self, secret: str) -> Token | None:
        """The token, if it is good now."""
        self._refresh()
        token = self._by_digest.get(sha256_bytes(secret.encode("utf-8", "replace")))
        return token if token is not None and token.state(datetime.now(UTC)) == "good" else None

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        found = stamp(self.state / FILE)
        if found != self._stamp:
            self._stamp = found
            self._by_digest = {t.sha256: t for t in read_tokens(self.state)}
