"""Several findings a film (``[data] task = "multilabel"``): the keys of a study file, and what takes films of one class each.

Convention: a finding is 1, 0 or not known, film by film, and each is a question of its own: present or not. So nothing is asked that needs
one class a film. A finding is named as the manifest's column ``finding_<name>`` names it, without ``finding_``.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel

from hilum.core.errors import InputError

Task = Literal["classes", "multilabel"]
ONE_CLASS: Final[Task] = "classes"
MULTILABEL: Final[Task] = "multilabel"
FEWEST_FILMS = 10
"""A finding that a study does not name is in where so many films have it and so many do not: a split needs them."""


class FindingsKeys(BaseModel):
    """Of ``[data]``: what is asked of a film.

    Attributes:
        task: ``classes``: a film has one class, its label. ``multilabel``: it may have several findings, each by itself.
        findings: Of a multilabel study; left out, every finding of the manifest that `FEWEST_FILMS` films have and as many do not.
        uncertain: What -1 in a finding's column counts as: ``ignore`` as not known, which is masked in training and figures alike;
            ``positive`` or ``negative``.
    """

    task: Task = ONE_CLASS
    findings: list[str] = []
    uncertain: Literal["ignore", "positive", "negative"] = "ignore"


ONE_FINDING: Final = "take the bundle of one finding, below findings/<finding> in the folder of its run, which is one of two classes"
"""What can be done with a bundle of several findings instead."""


def require_one_class(task: str, what: str, instead: str = "") -> None:
    """Refuse what takes films of one class each.

    Args:
        task: Of a run or a bundle.
        what: What was asked for, as a sentence begins.
        instead: What can be done.

    Raises:
        InputError: It is of several findings.
    """
    if task == MULTILABEL:
        told = (
            instead
            or "use one finding of its run, findings/<finding> in the run's folder, which is a run of two classes"
        )
        raise InputError(f"{what}: expected one class a film, got several findings; {told}")
