"""`hilum.floor`: what this machine can do at most, and each stage of a run beside it."""

from __future__ import annotations

from functools import cached_property
from os import fspath
from pathlib import Path

from hilum.api.command import command_of
from hilum.api.view import AnyPath, Row, Told, View
from hilum.artifacts.floor import FLOOR, Floor
from hilum.artifacts.outputs import check_outputs, folder_output
from hilum.artifacts.run import run_path
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.usual import USUAL_WORKSPACE
from hilum.core.engine import local
from hilum.core.progress import quieted
from hilum.report.table import Table

_USUAL_PX = 299


class Floors(View):
    """What a machine can do at most, and the stages of a run beside their floors (``floor.json``): a row a stage."""

    page_name = "floor.html"

    @cached_property
    def floor(self) -> Floor:
        """The measurement itself."""
        return Floor.read(self.path)

    def rows(self) -> list[Row]:
        """A row a stage: stage, seconds, floor_s, ratio, bound, words. None where no run was given."""
        return [
            {
                "stage": s.stage, "seconds": s.seconds, "floor_s": s.floor_s, "ratio": s.ratio, "bound": s.bound,
                "words": s.words,
            }
            for s in self.floor.stages
        ]  # fmt: skip

    def told(self) -> Told:
        return Told("Floors", f"of {self.floor.peaks.machine['cpu']}", self.floor.notes)

    def table(self) -> Table:
        from hilum.report.floor_page import peaks_table, stages_table

        return stages_table(self.floor) if self.floor.run else peaks_table(self.floor.peaks)


def floor(
    run: AnyPath | None = None,
    *,
    out: AnyPath = "hilum-floor",
    films: int = 0,
    size: int = 244,
    seconds: float = 1.0,
    workspace: AnyPath = USUAL_WORKSPACE,
    workers: int | None = None,
    quiet: bool = False,
) -> Floors:
    """Measure what this machine can do at most, and hold the stages of a run against it, as `hilum bench floor` does.

    >>> found = hilum.floor("tiny", seconds=0.01, quiet=True)
    >>> [row["stage"] for row in found.rows()][-1]
    'other work'

    Args:
        run: A run's folder or its name; None for none.
        out: Folder for floor.json, floor.html and tables.
        films: Without a run: phantoms of a cold study that is run for it; 0 for the machine alone.
        size: Pixels that its films are prepared to.
        seconds: That each peak is tried for.
        workspace: Where a run's name is looked for.
        workers: Processes of the cold study; None for all cores.
        quiet: No progress.
    """
    given = dict(locals())
    from hilum.core.errors import InputError
    from hilum.report.floor_page import PAGE, write_floor_page
    from hilum.stages.floor import floor_of, measure_peaks  # late: torch

    to, inputs = Path(out), [run_path(fspath(run), Path(workspace))] if run is not None else []
    check_outputs([folder_output(to, "floor", FLOOR, PAGE)], inputs)
    if inputs and films:
        raise InputError(
            f"--films {films} asks for a study of its own, and a run was named too; leave one out"
        )
    with quieted(quiet):
        if films:
            from hilum.workflow.floor import cold_run

            with cold_run(films, size, local(workers)) as cold:
                found = floor_of(cold, measure_peaks(_USUAL_PX, seconds))
        else:
            folder = RunFolder(inputs[0]) if inputs else None
            found = floor_of(folder, measure_peaks(_film_px(folder), seconds))
    found.write(to / FLOOR)
    page = write_floor_page(found, to / PAGE, command_of(floor, given, "bench floor"))
    return Floors(to / FLOOR, page)


def _film_px(run: RunFolder | None) -> int:
    """The side of a square as large as the film in the middle, at which codecs are tried; at most 2048."""
    areas = sorted(f.width_px * f.height_px for f in run.manifest.films if f.width_px) if run else []
    return min(max(round(areas[len(areas) // 2] ** 0.5), 32), 2048) if areas else _USUAL_PX
