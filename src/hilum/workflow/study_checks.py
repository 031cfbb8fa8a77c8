"""Checks of the study file alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hilum.core.errors import HilumError, InputError
from hilum.stats.calibration import check_rule
from hilum.workflow.asked import Asked, Finding
from hilum.workflow.families import pairs_of

_FOLDER = re.compile(r"[^/\\\0]+")
_LONGEST_NAME = 200
"""Bytes of a cell's name; a file system takes 255, and a name beside it while it is written is longer."""


def cells_can_be(asked: Asked) -> Iterator[Finding]:
    """Unknown backbones, pipelines, policies and losses; cells that cannot be."""
    yield from ()
    assert asked.recipes


def names_make_folders(asked: Asked) -> Iterator[Finding]:
    """A cell's name is a folder's."""
    for name in (r.cell.name for r in asked.recipes):
        if not _FOLDER.fullmatch(name):
            yield Finding(
                f"the cell {name!r} has a slash in its name, which is a folder's; rename the pipeline, policy, loss or source in it"
            )
        elif len(name.encode()) > _LONGEST_NAME:
            yield Finding(
                f"the cell {name[:60]!r}... has a name of {len(name.encode())} bytes, which is a folder's; shorten the names of pipelines "
                f"and policies to {_LONGEST_NAME} in all"
            )


def comparisons_have_counterparts(asked: Asked) -> Iterator[Finding]:
    """Every family of comparisons has a reference and something to compare with it."""
    names = [f.name for f in asked.as_read.compare]
    for twice in {n for n in names if names.count(n) > 1}:
        yield Finding(f"two families of comparisons are called {twice!r}; give one another name")
    for family in asked.as_read.compare:
        try:
            pairs_of(asked.recipes, family)
        except InputError as e:
            yield Finding(f"{e} (correct [[compare]] or [grid])")


def operating_point_rule(asked: Asked) -> Iterator[Finding]:
    """How the operating point is chosen."""
    try:
        check_rule(asked.as_read.statistics.operating_point)
    except InputError as e:
        yield Finding(f"statistics.operating_point: {e}")


def policies_fit(asked: Asked) -> Iterator[Finding]:
    """Every policy can begin; what a schedule cannot be says its maker."""
    for recipe in {r.cell.schedule: r for r in asked.recipes}.values():
        try:
            recipe.policy.schedule(recipe.epochs, steps_per_epoch=1)
        except HilumError as e:
            yield Finding(f"policy {recipe.cell.schedule!r}: {e}", e.exit_code)
    unused = [name for name in asked.as_read.policy if name not in asked.as_read.grid.levels("schedule")]
    if unused and asked.as_read.grid.levels("schedule") == ["constant"]:
        yield Finding(
            f"grid.schedules is ['constant'], so the policies {', '.join(unused)} are not used; name them there to use them",
            0,
        )


def pipelines_end_alike(asked: Asked) -> Iterator[Finding]:
    """Prepared films have one size."""
    sizes = {r.pipeline.name: r.pipeline.output_size for r in asked.recipes}
    if len(set(sizes.values())) > 1:
        each = ", ".join(f"{n} {h}x{w}" for n, (h, w) in sizes.items())
        yield Finding(
            f"the study's pipelines end at different sizes (height x width: {each}); they must end at one, such as augment.size_px"
        )
    side = asked.as_read.augment.size_px
    for name, size in sizes.items():
        if size != (side, side) and len(set(sizes.values())) == 1:
            yield Finding(
                f"pipeline {name!r} ends at {size[0]}x{size[1]} px, augment.size_px says {side}: {size[0]}x{size[1]} counts",
                0,
            )
