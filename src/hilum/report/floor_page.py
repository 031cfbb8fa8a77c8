"""The page of floors: what a machine can do at most, and each stage of a run beside the least time that its work takes."""

from __future__ import annotations

from pathlib import Path

from hilum.artifacts.floor import Floor, Peaks
from hilum.core.text import counted
from hilum.report.numbers import NONE
from hilum.report.page import Page, Section, write_page
from hilum.report.table import Cell, Column, Table, count_cell, seconds_cell, text_cell

PAGE = "floor.html"
GLOSSARY = (
    (
        "floor",
        "the least time that a stage's unavoidable work takes at the measured peaks, on all cores, with nothing else done: a lower bound",
    ),
    (
        "ratio",
        "seconds of the stage over its floor; 1 cannot be passed but by doing less work than is counted",
    ),
    (
        "operation",
        "a multiplication or an addition; a multiply-add is two. Counted are convolutions and matrix products",
    ),
    ("bare codec", "the codec library alone, on bytes in memory: nothing is checked and no filter is undone"),
)


def write_floor_page(floor: Floor, path: Path, command: str = "") -> Page:
    """Write the page, and its tables beside it.

    Args:
        floor: What was measured.
        path: The page's file.
        command: How it was called, for the page.
    """
    machine = floor.peaks.machine
    of_run = f" and the stages of {floor.run}" if floor.run else ""
    page = Page(
        "floor",
        f"Floors of {floor.run or 'this machine'}",
        f"{machine['cpu']}, {counted(int(machine['cores']), 'core')}: what it does at most{of_run}.",
        sections(floor),
        glossary=GLOSSARY,
        command=command,
        facts=[
            ("threads", str(floor.peaks.threads)),
            *((f"of {k}", d) for k, d in floor.header.inputs.items()),
        ],
    )
    write_page(page, path)
    return page


def sections(floor: Floor) -> list[Section]:
    """The stages, where a run was given, and the machine."""
    machine = Section(
        "machine",
        "Peaks of the machine",
        [f"Not measured: {text}." for text in floor.peaks.not_measured],
        [peaks_table(floor.peaks), codecs_table(floor.peaks)],
    )
    if not floor.run:
        return [machine]
    return [Section("stages", "Stages beside their floors", floor.notes, [stages_table(floor)]), machine]


def stages_table(floor: Floor) -> Table:
    """A row a stage."""
    columns = [
        Column("Stage", numeric=False),
        Column("Seconds"),
        Column("Floor", hint="seconds at least"),
        Column("Ratio", hint="seconds over floor"),
        Column("Bound by", numeric=False),
        Column("Reckoned", numeric=False, prose=True),
    ]
    body = [
        [
            text_cell(s.stage, strong=True), seconds_cell(s.seconds), seconds_cell(s.floor_s), _ratio_cell(s.ratio),
            text_cell(s.bound or NONE), text_cell(s.words),
        ]
        for s in floor.stages
    ]  # fmt: skip
    bounded = [s for s in floor.stages if s.floor_s is not None]
    took, least = sum(s.seconds for s in floor.stages), sum(s.floor_s or 0.0 for s in bounded)
    ratio = took / least if least else None
    total = [text_cell("all", strong=True), seconds_cell(took), seconds_cell(least), _ratio_cell(ratio)]
    body.append([*total, text_cell(""), text_cell("")])
    caption = "Each stage of the run, the least time that its work takes on this machine, and how many times that it took."
    return Table(
        "stages", "Stages", caption, columns, body, breaks=frozenset({len(body) - 1}), sortable=False
    )


def peaks_table(peaks: Peaks) -> Table:
    """A row a kind of work."""
    columns = [
        Column("Work", numeric=False),
        Column("Peak"),
        Column("Unit", numeric=False),
        Column("Reached by", numeric=False),
    ]
    rows = [(f"matrix product, {k}", p, "Gop/s", 1e9) for k, p in peaks.gemm.items()]
    rows += [(f"copy in memory, {k}", p, "GB/s, read and written", 1e9) for k, p in peaks.copy.items()]
    body = [
        [text_cell(what, strong=True), _number_cell(p.a_second / by), text_cell(unit), text_cell(p.by)]
        for what, p, unit, by in rows
    ]
    caption = f"The highest of several tries, with {counted(peaks.threads, 'thread')}."
    return Table("peaks", "Arithmetic and memory", caption, columns, body, sortable=False)


def codecs_table(peaks: Peaks) -> Table:
    """A row a container."""
    columns = [
        Column("Container", numeric=False), Column("Bare codec", numeric=False), Column("Megapixels/s", key="bare_megapixels_a_second"),
        Column("hilum's decoder", key="decoder_megapixels_a_second"), Column("Ratio"), Column("Besides", numeric=False, prose=True),
    ]  # fmt: skip
    body = [
        [
            text_cell(name, strong=True), text_cell(rate.codec), _number_cell(rate.bare / 1e6), _number_cell(rate.decoder / 1e6),
            _ratio_cell(rate.bare / rate.decoder), text_cell(rate.decoder_only),
        ]
        for name, rate in peaks.codecs.items()
    ]  # fmt: skip
    caption = "Grey phantoms, one core. The decoder checks what it reads, which a bare codec does not."
    return Table("codecs", "Decoding", caption, columns, body, sortable=False)


def _number_cell(value: float) -> Cell:
    return count_cell(round(value)) if value >= 100 else Cell(f"{value:.3g}", value)


def _ratio_cell(value: float | None) -> Cell:
    return Cell(NONE, None, quiet=True) if value is None else Cell(f"{value:.3g}", value)
