"""A folder around several sets: refused with the commands to type, for its folders are sets and no classes."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace

from hilum.artifacts.split import PART_SPELLINGS
from hilum.core.errors import InputError
from hilum.sources.facts import view_is_known
from hilum.sources.layout import Layout
from hilum.sources.masks import PICTURES, pair_masks
from hilum.sources.tree import Tree

_DEEPEST, _MOST_FOLDERS = (
    3,
    (64, 16, 4),
)  # where sets are looked for, by depth: a set of a folder per patient has thousands


def refuse_several_sets(tree: Tree, layout_of: Callable[[Tree], Layout | None]) -> None:
    """Refuse a folder that has no known layout itself, but holds folders that have one; `layout_of` tells the layout of a tree's root.

    Raises:
        InputError: There is a set; names each, what else has films, and what to type. Or all folders hold the same folders, so that those
            may be the classes.
    """
    sets, others = _inside(tree, layout_of, 0)
    if not sets:
        _refuse_alike(tree)
        return
    names = _names([t for t, _ in sets])
    sources = " ".join(shlex.quote(f"{name}={t.root}") for name, (t, _) in zip(names, sets, strict=True))
    without_ids = "".join(
        f" --no-patient-ids {shlex.quote(name)}"
        for name, (_, layout) in zip(names, sets, strict=True)
        if not layout.patient_ids
    )
    what, each = f"{len(sets)} sets of films, which are no classes", "each"
    if len(sets) == 1:
        what, each = "a set of films, which is no class", "it"
    found = ", ".join(f"{t.prefix.rstrip('/')} ({layout.name})" for t, layout in sets)
    beside = (
        f" Films lie in other folders too: {', '.join(t.prefix.rstrip('/') for t in others)}."
        if others
        else ""
    )
    raise InputError(
        f"{tree.folder} holds {what}: {found}. Give {each} as a SOURCE of its own:\n"
        f"  hilum ingest {sources}{without_ids} --out manifest.csv\n{beside}"
        " If the folders are classes all the same, add --layout NAME=folder."
    )


def _inside(
    tree: Tree, layout_of: Callable[[Tree], Layout | None], depth: int
) -> tuple[list[tuple[Tree, Layout]], list[Tree]]:
    """Sets in the folders of a tree, with their layouts; and the folders that have films and no set."""
    sets: list[tuple[Tree, Layout]] = []
    others: list[Tree] = []
    if depth == _DEEPEST or len(tree.film_folders) > _MOST_FOLDERS[depth]:
        return sets, others
    for name in tree.film_folders:
        inner = replace(tree, prefix=f"{tree.prefix}{name}/")
        layout = layout_of(inner)
        if layout is not None:
            sets.append((inner, layout))
            continue
        deeper, beside = _inside(inner, layout_of, depth + 1)
        sets += deeper
        others += beside if deeper else [inner]
    return sets, others


def _names(trees: list[Tree]) -> list[str]:
    """A name for each set: the folder right below the one given; its whole path where two sets share that."""
    ways = [t.prefix.rstrip("/").split("/") for t in trees]
    first = [w[0] for w in ways]
    return ["-".join(w) if first.count(w[0]) > 1 else w[0] for w in ways]


def _refuse_alike(tree: Tree) -> None:
    """Refuse ``A/covid A/normal B/covid B/normal``: A and B may be classes or sets."""
    inner: dict[str, set[str]] = {}
    for film in pair_masks(tree.films)[0]:
        parts = film.split("/")
        if len(parts) < 3:
            return
        inner.setdefault(parts[0], set()).add(parts[1].lower())
    shared = next(iter(inner.values()), set())
    alike = len(inner) > 1 and len(shared) > 1 and all(names == shared for names in inner.values())
    if (
        not alike
        or any(_is_no_class(name) for name in shared)
        or all(i.lower() in PART_SPELLINGS for i in inner)
    ):
        return
    sources = " ".join(shlex.quote(str(tree.root / name)) for name in sorted(inner))
    raise InputError(
        f"{tree.root}: its folders {', '.join(sorted(inner))} all hold the folders {', '.join(sorted(shared))}, so it is not "
        f"clear which are the classes. If {', '.join(sorted(shared))} are, give each as a SOURCE of its own: {sources}. "
        "If not, add --layout NAME=folder"
    )


def _is_no_class(folder: str) -> bool:
    """Whether a folder is called as a part, a view, a patient (with a number) or what holds pictures."""
    numbered = any(c.isdigit() for c in folder.replace("covid-19", "").replace("covid19", ""))
    return numbered or folder in PART_SPELLINGS or view_is_known(folder) or folder in PICTURES
