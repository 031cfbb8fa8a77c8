"""The errors of hilum, by cause, and the exit code each one ends a command with.

A message says what was expected, what came (`!r`), where, and what to do. It never holds patient data beyond
an id that the user gave. Errors are caught in two places only: the command line and the service.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HilumError(Exception):
    """Any error that hilum raises on purpose. Exit code 1 means a defect of hilum's."""

    exit_code = 1


class InputError(HilumError):
    """The input or the options are wrong: the user can mend it."""

    exit_code = 2


class FilmError(InputError):
    """A film cannot be used; `reason` is a short stable word for tables, such as ``"truncated"``, ``"not an image"``, ``"empty"``."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[FilmError], tuple[str, str]]:  # so that it survives a process pool
        return (type(self), (self.reason, str(self)))


class DigestError(InputError):
    """Two artefacts that should belong together do not, or a file is not the declared one."""


class MissingExtraError(InputError):
    """A command needs an optional part of hilum that is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"this needs the package {package!r}; install it with: pip install 'hilum[{extra}]'")
        self.package, self.extra = package, extra

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        return (type(self), (self.package, self.extra))


class LeakageError(HilumError):
    """A patient, or two copies of one film, would sit in two parts."""

    exit_code = 3


class DivergedError(HilumError):
    """The loss of a training is no longer finite."""


class UnsafeError(HilumError):
    """A choice that would make a result invalid, refused."""

    exit_code = 3


class Stopped(HilumError):
    """The user, or the system, stopped a command; the message says what is kept and how to go on."""

    def __init__(self, message: str, signal_number: int = 2) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number  # as shells have it: 130 for Ctrl-C


class Ended(KeyboardInterrupt):
    """The system asked the command to end, by SIGTERM or SIGHUP; it ends as by Ctrl-C."""

    def __init__(self, signal_number: int) -> None:
        super().__init__()
        self.signal_number = signal_number


def require_known(name: str, known: Iterable[str], what: str, which: str = "") -> None:
    """Refuse a name that is not known.

    Raises:
        InputError: It is not; the message is `what`, the name, `which`, and the nearest known one.

    >>> require_known("bacth", ["batch", "epochs"], "unknown key")
    Traceback (most recent call last):
    hilum.core.errors.InputError: unknown key 'bacth'; did you mean 'batch'?
    """
    words = list(known)
    if name not in words:
        raise InputError(f"{what} {name!r}{which}; {nearest(name, words)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known word, without regard to case, or lists the known ones.

    >>> nearest("bacth", ["batch", "epochs"])
    "did you mean 'batch'?"
    >>> nearest("COVID19", ["covid", "normal"])
    "did you mean 'covid'?"
    >>> nearest("xyz", ["batch", "epochs"])
    'known: batch, epochs'
    >>> nearest("xyz", [])
    'there is none'
    """
    words = sorted(known)
    as_typed = difflib.get_close_matches(name, words, n=1, cutoff=0.6)
    folded = {w.casefold(): w for w in words}
    close = as_typed or [
        folded[c] for c in difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    ]
    if close:
        return f"did you mean {close[0]!r}?"
    return "known: " + ", ".join(words) if words else "there is none"
