"""The lungs of a study's films, where a pipeline reads them: masks are found or made, and films without a usable one are left out.

A film that is left out is in no part of any split, so that all cells train and test on the same films. Where only probes read lungs none is
left out, for a probe does not change which films a study is of: such a film has the typical lungs of the others. Either is counted
and said in a caution.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import require_digest
from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.masks import SOURCE, LungMask, MaskStore
from hilum.artifacts.run_files import StageLine
from hilum.core.engine import Engine
from hilum.core.errors import InputError
from hilum.core.progress import progress
from hilum.imaging.as_ingested import refuse
from hilum.inference.lungs import NO_LUNGS
from hilum.segment.stand_in import stand_in
from hilum.stages.prepare import FilmLungs
from hilum.stages.segment.run import CHUNK, Masker, MaskTask, Which, plan
from hilum.study.file import Study
from hilum.workflow.draws import StudyDraws
from hilum.workflow.plan import recipes
from hilum.workflow.state import Run


def reads_lungs(study: Study) -> bool:
    """Whether a pipeline of the study reads the lungs of its films."""
    return any(r.pipeline.reads_lungs for r in recipes(study))


def find_lungs(run: Run) -> None:
    """A mask of every film; those without a usable one leave the study, which draws anew, or have a stand-in where only probes read lungs.

    Raises:
        InputError: Films or masks that cannot be read; or films without a usable mask, and ``lungs.failed`` is ``refuse``; or there is no
            usable mask at all.
    """
    if run.only_probes_read_lungs and not run.reads_lungs:  # those cells were not asked for
        return
    films, table, store = run.films.films, run.study.lungs, run.workspace.masks
    with run.stage("lungs") as line:
        masks = masks_of(films, store, run.lungs_by, table.own, run.engine, line)
    failed = {f.image_id: no_lungs_because(m) for f, m in zip(films, masks, strict=True) if m.failed}
    if failed and table.failed == "refuse":
        why = ", ".join(f"{reason}: {n}" for reason, n in Counter(failed.values()).most_common())
        raise InputError(
            f"{len(failed)} of {len(films)} films cannot be used ({why}), and lungs.failed is 'refuse'; give masks with the "
            "films, exclude these films (`hilum segment run` lists them), or leave them out (lungs.failed = 'leave-out')"
        )
    if failed and run.only_probes_read_lungs:
        typical = stand_in(masks)
        masks = [typical if m.failed else m for m in masks]
        MaskStore(store).write({f.pixels_sha256: typical for f in films if f.image_id in failed})
    else:
        run.without_lungs = failed
    known = {f.image_id: (m.origin, m.digest) for f, m in zip(films, masks, strict=True)}
    kept = run.films.only(i for i in known if i not in run.without_lungs)
    for film, mask in zip(films, masks, strict=True):
        if film.image_id not in run.without_lungs:
            run.lungs_from.setdefault(mask.maker, Counter())[film.label] += 1
    run.draws = StudyDraws(run.study, run.recipes, kept, run.draws.duplicates, FilmLungs(store, known))


def lungs_as_predicted(
    films: Sequence[FilmRow], bundles: Sequence[Bundle], folder: Path, engine: Engine
) -> tuple[dict[str, str], FilmLungs | None]:
    """Lungs of outside films as `predict` finds them: by the bundles' network, whatever masks came with the films.

    Returns:
        Film -> why it has no scores, of those without a usable mask; and the masks, None where no bundle reads lungs.

    Raises:
        InputError: The bundles have several networks; ask of one at a time.
        DigestError: Theirs is not the one that is here.
    """
    said = {b.lungs["model"]: b.lungs for b in bundles if b.lungs}
    if not said:
        return {}, None
    if len(said) > 1:
        raise InputError(
            f"these models find lungs with {len(said)} networks; evaluate the bundles one by one"
        )
    ((model, lungs),) = said.items()
    which = Which.named(lungs["weights"], lungs["convention"])
    require_digest("lungs' network", model, which.load().digest, "these models")
    masks = masks_of(films, folder, which, False, engine, StageLine("lungs"))
    failed = {f.image_id: no_lungs_because(m) for f, m in zip(films, masks, strict=True) if m.failed}
    return failed, FilmLungs(
        folder, {f.image_id: (m.origin, m.digest) for f, m in zip(films, masks, strict=True)}
    )


def no_lungs_because(mask: LungMask) -> str:
    """Why a film whose mask failed is not used."""
    return f"{NO_LUNGS}: {mask.failed}"


def masks_of(
    films: Sequence[FilmRow], folder: Path, which: Which, own: bool, engine: Engine, line: StageLine
) -> list[LungMask]:
    """The mask that counts of each film: its source's own where there is one and `own` is true, else the network's.

    Args:
        films: The films.
        folder: The store that masks are kept in.
        which: The network.
        own: Whether a source's own mask counts.
        engine: Where masks are made.
        line: Is told how many masks were there and how many were made.

    Raises:
        InputError: Films or masks that cannot be read; the masks of the others are kept.
    """
    store = MaskStore(folder)
    theirs = [f for f in films if own and f.lung_mask]
    others = [replace(f, lung_mask="") for f in films if not (own and f.lung_mask)]
    model = which.load().digest if others else ""
    tasks = [*plan(others, store, model)] if others else []
    for at in range(0, len(theirs), CHUNK):
        some = theirs[at : at + CHUNK]
        tasks.append(MaskTask((), tuple((f.image_id, f.pixels_sha256, f.lung_mask) for f in some)))
    bad: list[str] = []
    with progress("lungs", sum(len(t.films) + len(t.own) for t in tasks)) as step:
        for task, lost in zip(tasks, engine.map(Masker(folder, which), tasks), strict=True):
            bad += lost
            line.done += len(task.films) + len(task.own)
            step(len(task.films) + len(task.own))
    refuse(bad)
    line.found = len(films) - line.done
    store.refresh()
    found = {
        origin: store.read((f.pixels_sha256 for f in some), origin)
        for origin, some in ((SOURCE, theirs), (model, others))
    }
    return [found[SOURCE if own and f.lung_mask else model][f.pixels_sha256] for f in films]
