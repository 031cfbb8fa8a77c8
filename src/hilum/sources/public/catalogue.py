"""The public sets that hilum knows: what is in them, under which licence, how large, whom to cite, where they are.

A set's name is the folder it is put in, and so the source's name in a manifest. Nothing of these sets is in hilum, and whoever fetches
one accepts its licence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hilum.core.errors import require_known
from hilum.core.text import read_toml


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A public set of chest films.

    Attributes:
        title: What its authors call it.
        films: What is in it.
        size: Of the download, rounded.
        patient_ids: Whether it has them.
        page: Where it is got by hand.
        citation: Whom to cite.
        archive: Address of a zip, or empty.
        kaggle: Handle on Kaggle, or empty.
        sha256: Of the zip; empty where the zip changes with the set and has no fixed digest.
    """

    name: str
    title: str
    films: str
    licence: str
    size: str
    patient_ids: str
    page: str
    citation: str
    archive: str = ""
    kaggle: str = ""
    sha256: str = ""


@cache
def public_sets() -> dict[str, PublicSet]:
    """The sets by name, as ``sets.toml`` beside this module describes them."""
    tables = read_toml(Path(__file__).with_name("sets.toml"))
    return {name: PublicSet(name, **table) for name, table in tables.items()}


def public_set(name: str) -> PublicSet:
    """The set of this name.

    Raises:
        InputError: There is none.
    """
    sets = public_sets()
    require_known(name, sets, "unknown public set")
    return sets[name]
