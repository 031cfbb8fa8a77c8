"""What stands in the way of a study, found before the first film is read: one ordered list of checks.

A check looks at the study, the manifest and this machine, and names every thing that would end the run later (or, as a note, that a reader
should know). `hilum run` refuses with all of them in one message; ``--dry-run`` prints them and the plan all the same. A check costs no
more than a look at files' names and sizes; none decodes a film. To add one: a function of `Run` in one of the modules listed here, and its
name in the module's ``CHECKS``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

from hilum.core.errors import HilumError, InputError, LeakageError, UnsafeError
from hilum.workflow import film_checks, machine_checks, study_checks
from hilum.workflow.concern import Concern
from hilum.workflow.state import Run

Check = Callable[[Run], Iterator[Concern]]

CHECKS: tuple[Check, ...] = (
    *study_checks.CHECKS,
    *machine_checks.CHECKS,
    *film_checks.CHECKS,
    *machine_checks.ROOM,
)
"""In the order of what they need: the study, the machine, the manifest and its films, what all of it takes."""


def concerns(run: Run, checks: Sequence[Check] = CHECKS) -> list[Concern]:
    """Everything that is found, each once. What a check needs and cannot have is a concern of its own."""
    found: dict[str, Concern] = {}
    for check in checks:
        try:
            for concern in check(run):
                found.setdefault(concern.text, concern)
        except HilumError as e:
            found.setdefault(str(e), Concern(str(e), e.exit_code))
    return list(found.values())


def refuse(found: Sequence[Concern]) -> None:
    """Raise one error that holds all problems; where there are none, say the notes.

    Raises:
        InputError: There are problems.
        UnsafeError: One of them is of leakage or safety.
    """
    problems = [f for f in found if f.code]
    if not problems:
        for note in found:
            print(f"note: {note.text}", file=sys.stderr, flush=True)
        return
    text = problems[0].text
    if len(problems) > 1:
        lines = "\n".join(f"  {k}. {p.text}" for k, p in enumerate(problems, 1))
        text = f"{len(problems)} things stand in the way of this study:\n{lines}"
    if max(p.code for p in problems) == LeakageError.exit_code:
        raise UnsafeError(text)
    raise InputError(text)
