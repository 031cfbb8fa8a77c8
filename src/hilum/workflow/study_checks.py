"""Checks of the study file alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from hilum.core.extras import require_extra
from hilum.models.backbone import require_size
from hilum.models.registry import backbone
from hilum.report.audit_findings import accepted
from hilum.stages.audit.labels import check_labels
from hilum.stats.calibration import check_rule
from hilum.study.probes import FAMILY
from hilum.workflow.concern import Concern, refused
from hilum.workflow.explain import cells_explained
from hilum.workflow.plan import pairs_of
from hilum.workflow.planned_ensembles import ensembles, planned_cells
from hilum.workflow.searched import obstacles
from hilum.workflow.state import Run

_FOLDER = re.compile(r"[^/\\\0]+")
_LONGEST_NAME = 200
"""Bytes of a cell's name; a file system takes 255, and a name beside it while it is written is longer."""


def cells_can_be(run: Run) -> Iterator[Concern]:
    """Unknown backbones, pipelines, policies and losses; cells that cannot be."""
    return refused(lambda: run.planned)


def names_make_folders(run: Run) -> Iterator[Concern]:
    """A cell's name is a folder's."""
    for name in (c.name for c in planned_cells(run.as_read)):
        if not _FOLDER.fullmatch(name):
            yield Concern(
                f"the cell {name!r} has a slash in its name, which is a folder's; rename the pipeline, policy, loss or source in it"
            )
        elif len(name.encode()) > _LONGEST_NAME:
            yield Concern(
                f"the cell {name[:60]!r}... has a name of {len(name.encode())} bytes, which is a folder's; shorten the names of pipelines "
                f"and policies to {_LONGEST_NAME} in all"
            )


def comparisons_have_counterparts(run: Run) -> Iterator[Concern]:
    """Every family of comparisons has a reference and something to compare with it."""
    names = [f.name for f in run.as_read.compare]
    if FAMILY["name"] in names and run.as_read.probes.kinds:
        yield Concern(
            f"a family of comparisons is called {FAMILY['name']!r}, as that of [probes]; give it another name"
        )
    for twice in {n for n in names if names.count(n) > 1}:
        yield Concern(f"two families of comparisons are called {twice!r}; give one another name")
    for family in run.as_read.compare:
        pairs = partial(pairs_of, planned_cells(run.as_read), family)
        yield from refused(pairs, after=" (correct [[compare]] or [grid])")


def ensembles_can_be(run: Run) -> Iterator[Concern]:
    """Every ensemble has two members or more, which are cells of the study that may be used alone."""
    return refused(partial(ensembles, run.as_read, run.planned))


def operating_point_rule(run: Run) -> Iterator[Concern]:
    """How the operating point is chosen."""
    rule = run.as_read.statistics.operating_point
    return refused(partial(check_rule, rule), before="statistics.operating_point: ")


def audit_can_be(run: Run) -> Iterator[Concern]:
    """What the audit accepts is known, and so is what doubts labels."""
    yield from refused(partial(accepted, run.as_read.audit.allow, "audit.allow", run.manifest.by_id))
    yield from refused(partial(check_labels, run.as_read.audit.labels), before="audit.labels: ")


def explanations_can_be(run: Run) -> Iterator[Concern]:
    """Methods of explanation are known with their options, and so are the cells."""
    if texts := run.as_read.explain.methods:
        from hilum.stages.explain.asked import methods_asked  # late: captum

        yield from refused(partial(methods_asked, texts), before="explain.methods: ")
        yield from refused(partial(cells_explained, run))


def vectors_are_enough(run: Run) -> Iterator[Concern]:
    """A cell whose backbone is a file of vectors asks for nothing that needs pixels: they are of the film as it was when they were made."""
    for r in (r for r in run.planned if backbone(r.cell.backbone).precomputed):
        steps = [s.op for s in r.pipeline.steps if s.op != "resize"]
        if steps:
            yield Concern(
                f"the cell {r.cell.name} cannot be: {r.cell.backbone} is a file of vectors, on which {', '.join(steps)} of pipeline "
                f"{r.pipeline.name!r} cannot act; use a pipeline of resize alone, such as 'baseline', and no probe that changes films"
            )
        if r.finetune is not None or r.features_of.random:
            yield Concern(
                f"the cell {r.cell.name} cannot be: {r.cell.backbone} is a file of vectors and no network, which could be fine-tuned or "
                "have random weights; leave [finetune] and faults of the backbone out, or make it a study of its own"
            )


def policies_fit(run: Run) -> Iterator[Concern]:
    """Every policy can begin; what a schedule cannot be says its maker."""
    for recipe in {r.cell.schedule: r for r in run.planned}.values():
        begin = partial(recipe.policy.schedule, recipe.epochs, steps_per_epoch=1)
        yield from refused(begin, before=f"policy {recipe.cell.schedule!r}: ")
    unused = [name for name in run.as_read.policy if name not in run.as_read.grid.levels("schedule")]
    if unused and run.as_read.grid.levels("schedule") == ["constant"]:
        yield Concern(
            f"grid.schedules is ['constant'], so the policies {', '.join(unused)} are not used; name them there to use them",
            0,
        )


def search_can_be(run: Run) -> Iterator[Concern]:
    """What proposes values is installed, and every cell that is searched can be."""
    if run.as_read.search is not None:
        yield from refused(partial(require_extra, "search", "optuna"), before="[search]: ")
        yield from map(Concern, obstacles(run.as_read, run.planned))


def pipelines_end_alike(run: Run) -> Iterator[Concern]:
    """Prepared films have one size, which every backbone takes."""
    sizes = {r.pipeline.name: r.pipeline.output_size for r in run.planned}
    if len(set(sizes.values())) > 1:
        each = ", ".join(f"{n} {h}x{w}" for n, (h, w) in sizes.items())
        yield Concern(
            f"the study's pipelines end at different sizes (height x width: {each}); they must end at one, such as augment.size_px"
        )
    for backbone_name in dict.fromkeys(r.cell.backbone for r in run.planned):
        for size in dict.fromkeys(sizes.values()):
            yield from refused(partial(require_size, backbone(backbone_name), *size))
    side = run.as_read.augment.size_px
    for name, size in sizes.items():
        if size != (side, side) and len(set(sizes.values())) == 1:
            yield Concern(
                f"pipeline {name!r} ends at {size[0]}x{size[1]} px, augment.size_px says {side}: {size[0]}x{size[1]} counts",
                0,
            )
