"""What is asked of an explanation: methods with their options, the class, where marks and lungs come from."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from hilum.core.errors import InputError
from hilum.study.explanations import CHECKS, METHODS, settled

LungsFrom = Literal["own", "network", "none"]
LUNGS_FROM: Final[tuple[LungsFrom, ...]] = get_args(LungsFrom)
USUAL: Final = ("grad-cam",)


@dataclass(frozen=True)
class Asked:
    """What is asked.

    Attributes:
        methods: As ``NAME`` or ``NAME:OPTION=VALUE,...``.
        target: The class whose score is explained; empty for the class of each film's highest probability.
        checks: Names of the checks that are made of each map.
        boxes: A table of what is known to be on the films (`hilum.artifacts.film_marks`).
        lungs: Lungs for the checks: ``own``, a source's mask where there is one, else the network's; ``network``; or ``none``.
        seed: Of all that is drawn.
        neighbours: Training films that are named for each film; 0 for none.
        pictures: Whether pictures are drawn; they hold the films.
    """

    methods: tuple[str, ...] = USUAL
    target: str = ""
    checks: tuple[str, ...] = tuple(CHECKS)
    boxes: Path | None = None
    lungs: LungsFrom = "own"
    seed: int = 0
    neighbours: int = 5
    pictures: bool = True

    @property
    def options(self) -> dict[str, Any]:
        """As the header has them."""
        target = self.target or "the class of each film's highest probability"
        return {
            "target": target,
            "checks": list(self.checks),
            "lungs": self.lungs,
            "neighbours": self.neighbours,
        }


def methods_asked(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What was asked -> the options of the method, which is the word before the colon.

    Raises:
        InputError: No method, an unknown one or one twice, or options in another form.
    """
    found: dict[str, dict[str, Any]] = {}
    if not texts:
        raise InputError(f"no method; name some of {', '.join(METHODS)}")
    for text in texts:
        name, _, options = text.partition(":")
        if text in found:
            raise InputError(f"{text} is named twice; name it once")
        found[text] = settled(name, dict(_option(o) for o in options.split(",") if o))
    return found


def _option(option: str) -> tuple[str, Any]:
    name, sign, value = option.partition("=")
    try:
        return name.strip(), tomllib.loads(f"v = {value}")["v"] if sign else None
    except tomllib.TOMLDecodeError:
        return name.strip(), value.strip()
