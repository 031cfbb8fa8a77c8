"""A file over HTTP: with progress, picked up where it broke off, and checked.

What has arrived lies in ``NAME.part`` beside the target, the server's mark of the version (ETag or Last-Modified) in ``NAME.part.version``.
A new try asks for the rest of that version only (RFC 9110, sections 13.1.5 and 14); a server that cannot do so sends the whole again. The
target appears when it is complete and has the declared digest, never before.
"""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

from hilum import __version__
from hilum.core.digests import sha256_file
from hilum.core.errors import DigestError, InputError
from hilum.core.progress import progress, say

_BLOCK_BYTES = 1 << 18
_TIMEOUT_S = 60.0
_MB = 1_000_000


class Interrupted(InputError):
    """A download broke off; what has arrived is kept."""


def download(url: str, target: Path, sha256: str = "", tries: int = 3) -> str:
    """Bring a file here, from an http, https or file address. A connection that breaks off is taken up again, as long as something arrived.

    Returns:
        The sha256 of the file, checked where one was declared.

    Raises:
        Interrupted: It broke off.
        InputError: The server refuses, or cannot be reached.
        DigestError: It is not the declared file; it is removed.
    """
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    for left in range(tries - 1, -1, -1):
        before = _size(part)
        try:
            _receive(url, part)
            break
        except Interrupted:
            if not left or _size(part) <= before:
                raise
            say(f"{url}: broke off at {_mb(_size(part))}, going on")
    got = sha256_file(part)
    if sha256 and got != sha256:
        size = _mb(_size(part))
        part.unlink()
        _version_path(part).unlink(missing_ok=True)
        raise DigestError(
            f"{url}: expected a file with sha256 {sha256}, got {got} ({size}); it was removed. Either it is "
            "another version of the set, or it was changed on the way: try again, or get it by hand"
        )
    part.replace(target)
    _version_path(part).unlink(missing_ok=True)
    return got


def _receive(url: str, part: Path) -> None:
    have = _size(part)
    version = _version_path(part).read_text(encoding="utf-8").strip() if _version_path(part).exists() else ""
    headers = {"User-Agent": f"hilum/{__version__}"}
    if have and version:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    try:
        request = urllib.request.Request(url, headers=headers)
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as e:
        with e:
            if e.code == 416 and have:
                if _content_range(e.headers, r"bytes \*/(\d+)") != have:
                    part.unlink()  # it is of another file, so begin anew
                    _receive(url, part)
                return
            raise InputError(f"{url}: the server answered {e.code} {e.reason}") from None
    except (OSError, http.client.HTTPException, ValueError) as e:
        reason = getattr(e, "reason", e)
        raise InputError(f"{url}: cannot be reached: {reason}") from None
    with answer:
        resumed = answer.status == 206
        if resumed and _content_range(answer.headers, r"bytes (\d+)-.*") != have:
            raise InputError(f"{url}: the server sent another range than was asked for")
        length = answer.headers.get("Content-Length")
        total = (have if resumed else 0) + int(length) if length is not None and length.isdigit() else None
        _version_path(part).write_text(_version(answer.headers), encoding="utf-8")
        _copy(url, answer, part, have if resumed else 0, total)


def _copy(url: str, answer: http.client.HTTPResponse, part: Path, have: int, total: int | None) -> None:
    """Append what the server sends; `total` is None where it does not say how much that is."""
    with (
        part.open("ab" if have else "wb") as out,
        progress(f"fetch {part.stem}", (total or 0) // _MB, "MB") as step,
    ):
        step(have // _MB)
        try:
            while block := answer.read(_BLOCK_BYTES):
                out.write(block)
                have += len(block)
                step(have // _MB - (have - len(block)) // _MB)
        except (OSError, http.client.HTTPException) as e:
            out.flush()
            raise Interrupted(_broke_off(url, have, total, part)) from e
    if total is not None and have != total:
        raise Interrupted(_broke_off(url, have, total, part))


def _broke_off(url: str, have: int, total: int | None, part: Path) -> str:
    of = f" of {_mb(total)}" if total is not None else ""
    kept = (
        f"the part is kept in {part}, give the command again to go on"
        if _version_path(part).read_text(encoding="utf-8")
        else "the server does not mark versions, so a new try begins anew"
    )
    return f"{url}: broke off after {_mb(have)}{of}; {kept}"


def _version(headers: http.client.HTTPMessage) -> str:
    """The mark of a version that If-Range accepts: a strong ETag, else Last-Modified, else nothing."""
    etag = headers.get("ETag", "")
    if etag.startswith('"'):
        return etag
    return headers.get("Last-Modified", "") if headers.get("Accept-Ranges", "") != "none" else ""


def _content_range(headers: Message, pattern: str) -> int | None:
    match = re.fullmatch(pattern, headers.get("Content-Range", "").strip())
    return int(match[1]) if match else None


def _version_path(part: Path) -> Path:
    return part.with_name(part.name + ".version")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / _MB:,.1f} MB"
