"""What stands in the way of a study, found before the first film is read: one ordered list of checks.

A check looks at the study, the manifest and this machine, and names every thing that would end the run later (or, as a note, that a reader
should know). `hilum run` refuses with all of them in one message; ``--dry-run`` prints them and the plan all the same. A check costs no
more than a look at files' names and sizes; none decodes a film. To add one: a function of `Asked` in a module beside this, and its
name in `CHECKS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

from hilum.core.errors import HilumError, InputError, LeakageError, UnsafeError
from hilum.workflow.asked import Asked, Finding
from hilum.workflow.film_checks import (
    batches_are_filled,
    classes_of_parts,
    films_are_there,
    films_of_the_study,
    loss_weights,
    pipelines_take_the_films,
)
from hilum.workflow.machine_checks import (
    devices_and_precision,
    extras,
    memory,
    room_on_disk,
    tracking_server,
    weights_are_there,
)
from hilum.workflow.study_checks import (
    cells_can_be,
    comparisons_have_counterparts,
    names_make_folders,
    operating_point_rule,
    pipelines_end_alike,
    policies_fit,
)

Check = Callable[[Asked], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    cells_can_be,
    names_make_folders,
    comparisons_have_counterparts,
    operating_point_rule,
    policies_fit,
    pipelines_end_alike,
    devices_and_precision,
    weights_are_there,
    tracking_server,
    films_of_the_study,
    loss_weights,
    classes_of_parts,
    batches_are_filled,
    pipelines_take_the_films,
    extras,
    films_are_there,
    room_on_disk,
    memory,
)
"""In the order of what they need: the study, the machine, the manifest, its films."""


def findings(asked: Asked, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """Everything that is found, each once. What a check needs and cannot have is a finding of its own."""
    found: dict[str, Finding] = {}
    for check in checks:
        try:
            for finding in check(asked):
                found.setdefault(finding.text, finding)
        except HilumError as e:
            found.setdefault(str(e), Finding(str(e), e.exit_code))
    return list(found.values())


def refuse(found: Sequence[Finding]) -> None:
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
