"""The checks of a heat map; they are `hilum.study.explanations.CHECKS`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pkgutil import resolve_name

from hilum.core.errors import require_known
from hilum.explain.asked import Asked, CheckResult
from hilum.study.explanations import CHECKS

__all__ = ["CHECKS", "Asked", "CheckResult", "checked", "failed"]


def checked(asked: Asked, names: Iterable[str] = tuple(CHECKS)) -> list[CheckResult]:
    """The checks of a map that apply to it, in the order of `names`.

    Raises:
        InputError: No such check; names the nearest.
    """
    found: list[CheckResult] = []
    for name in names:
        require_known(name, CHECKS, "unknown check of a heat map")
        result = resolve_name(CHECKS[name].run)(asked)
        if result is not None:
            found.append(result)
    return found


def failed(results: Sequence[CheckResult]) -> list[str]:
    """The required checks that a map failed; any of them marks its picture."""
    return [r.name for r in results if r.passed is False and CHECKS[r.name].required]
