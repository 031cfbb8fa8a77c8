"""People who logged in to the pages with a token: a cookie that only the service can read, kept in memory, so that a restart ends it."""

from __future__ import annotations

import secrets
import time
from typing import Final

from hilum.core.digests import sha256_bytes
from hilum.serve.tokens import Token, TokenFile

COOKIE: Final = "hilum-session"
HOURS: Final = 12
_MOST = 1000


class Sessions:
    """Cookie -> the token it stands for, and until when."""

    def __init__(self) -> None:
        self._by_digest: dict[str, tuple[str, float]] = {}

    def begin(self, secret: str) -> str:
        """The cookie of somebody who showed a good token."""
        if len(self._by_digest) >= _MOST:
            self._by_digest.pop(next(iter(self._by_digest)))
        cookie = secrets.token_urlsafe(32)
        self._by_digest[_digest(cookie)] = (secret, time.monotonic() + 3600 * HOURS)
        return cookie

    def of(self, cookie: str, tokens: TokenFile) -> Token | None:
        """The token behind a cookie, if both are still good."""
        if not cookie:
            return None
        secret, until = self._by_digest.get(_digest(cookie), ("", 0.0))
        return tokens.known(secret) if secret and time.monotonic() < until else None

    def end(self, cookie: str) -> None:
        """Log out."""
        self._by_digest.pop(_digest(cookie), None)


def _digest(cookie: str) -> str:
    return sha256_bytes(cookie.encode("utf-8", "replace"))
