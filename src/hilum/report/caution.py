"""A caution: what a reader must know before believing a number, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Caution:
    """A caution.

    Attributes:
        title: A few words.
        text: One to three sentences.
        code: Names its kind, where others refer to it.
        to_do: What to do about it; empty where there is nothing.
    """

    title: str
    text: str
    code: str = ""
    to_do: str = ""

    @property
    def words(self) -> str:
        """Text and what to do, in a line, without marks of code."""
        return f"{self.text} {self.to_do}".strip().replace("`", "")
