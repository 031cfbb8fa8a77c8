"""What stands in the way of a study, found before the first film is read: one ordered list of checks.

A check looks at the study, the manifest and this machine, and names every thing that would end the run later (or, as a note, that a reader
should know). `hilum run` refuses with all of them in one message; ``--dry-run`` prints them and the plan all the same. A check costs no
more than a look at files' names and sizes; none decodes a film. To add one: a function of `Run`, and its name in `CHECKS`.
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
    study_checks.cells_can_be,
    study_checks.ensembles_can_be,
    study_checks.names_make_folders,
    study_checks.comparisons_have_counterparts,
    study_checks.operating_point_rule,
    study_checks.audit_can_be,
    study_checks.explanations_can_be,
    study_checks.policies_fit,
    study_checks.search_can_be,
    study_checks.pipelines_end_alike,
    study_checks.vectors_are_enough,
    machine_checks.devices_and_precision,
    machine_checks.weights_are_there,
    machine_checks.nodes_see_the_work,
    machine_checks.folded_batchnorm,
    machine_checks.lungs_can_be_found,
    machine_checks.tracking_server,
    film_checks.films_of_the_study,
    film_checks.vectors_of_films,
    film_checks.loss_weights,
    film_checks.classes_of_parts,
    film_checks.ensembles_can_be_fitted,
    film_checks.search_sees_no_test,
    film_checks.batches_are_filled,
    film_checks.pipelines_take_the_films,
    film_checks.extras,
    film_checks.films_are_there,
    machine_checks.room_on_disk,
    machine_checks.memory,
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
