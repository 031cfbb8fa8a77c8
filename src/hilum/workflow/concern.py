"""What a check may find that stands in the way of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hilum.core.errors import HilumError, InputError


@dataclass(frozen=True)
class Concern:
    """What stands in the way of a run, or is worth knowing before it.

    Attributes:
        text: One sentence, with what to do.
        code: Exit code of the command that it stops; 0 for a note.
    """

    text: str
    code: int = InputError.exit_code


def refused(work: Callable[[], object], before: str = "", after: str = "") -> Iterator[Concern]:
    """The error that some work ends with, if it does.

    Args:
        work: What a stage does later, or its own check of what it is given.
        before: Words before the error's.
        after: Words after them.
    """
    try:
        work()
    except HilumError as e:
        yield Concern(f"{before}{e}{after}", e.exit_code)
