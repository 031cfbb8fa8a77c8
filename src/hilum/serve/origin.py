"""Where a request comes from: a page of this service or of another site, and under which of the machine's names."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

from hilum.serve.problems import Problem


def from_another_site(request: Request) -> bool:
    """Whether a page of another site may have made the browser send a request; programs that are no browser say nothing of it."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:  # a browser says so itself; behind a proxy the host may be another
        return site not in ("same-origin", "none")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")


def require_same_origin(request: Request) -> None:
    """Refuse what a page of another site sends in a reader's name, or to a service on this machine without tokens.

    Raises:
        Problem: 403.
    """
    if from_another_site(request):
        raise Problem(403, "the request comes from a page of another site")


def require_loopback(request: Request) -> None:
    """Refuse a name that somebody's DNS gave to this machine: without tokens only this machine's own names go.

    Raises:
        Problem: 403.
    """
    if not is_loopback(request.url.hostname or ""):
        raise Problem(403, "without tokens the service answers to localhost, 127.0.0.1 and [::1] only")


def is_loopback(host: str) -> bool:
    """Whether a host's name is this machine's own.

    >>> [is_loopback(h) for h in ("localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0", "example.org")]
    [True, True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
