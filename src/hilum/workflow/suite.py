"""Run a suite: each of its studies in one workspace, then the report of them all.

A member that fails stops the suite; what is done is found again. The report is written from the members' own folders.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hilum.artifacts.run_files import RunFacts, StageLine
from hilum.artifacts.suite_record import MemberRun, SuiteRecord, is_suite_folder
from hilum.core.digests import digest
from hilum.core.engine import Engine
from hilum.core.mirror import brought
from hilum.core.progress import say
from hilum.study.file import Study
from hilum.study.suite import Suite
from hilum.workflow.finished import find_finished


@dataclass(frozen=True)
class Planned:
    """A study, checked, and its films: all that is needed to run it.

    Attributes:
        label: What a suite calls it; empty for a study by itself.
        study: As read.
        manifest: Where its films are listed.
    """

    label: str
    study: Study
    manifest: Path


def run_or_find(planned: Planned, root: Path, engine: Engine, command: str) -> tuple[Path, list[StageLine]]:
    """`run_study`, unless the run is finished and nothing has changed; then nothing of what would compute it is loaded."""
    found = find_finished(planned.study, planned.manifest, root)
    if found is not None:
        return found
    from hilum.workflow.run import run_study

    return run_study(planned.study, planned.manifest, root, engine, command)


def refuse_members(members: Sequence[Planned], root: Path, engine: Engine) -> None:
    """Check every member that is not finished before the first of them runs, so that the last does not fail after a night.

    Raises:
        InputError: Something stands in the way of a member: all of it, each with the member's name.
    """
    still = [m for m in members if find_finished(m.study, m.manifest, root) is None]
    if not still:
        return
    from hilum.artifacts.manifest import Manifest
    from hilum.workflow.checks import concerns, refuse
    from hilum.workflow.state import Run
    from hilum.workflow.workspace import Workspace

    manifests = {m.manifest: Manifest.read(m.manifest) for m in still}
    found = []
    for m in still:
        run = Run(m.study, manifests[m.manifest], Workspace(root), engine)
        # a member says its notes when it runs
        found += [replace(f, text=f"{m.label}: {f.text}") for f in concerns(run) if f.code]
    refuse(found)


def run_suite(
    suite: Suite, members: Sequence[Planned], root: Path, engine: Engine, command: str
) -> tuple[Path, list[StageLine]]:
    """Run every study of a suite, and write the suite's report.

    Args:
        suite: The suite.
        members: Its studies, checked.
        root: The workspace.
        engine: As in `run_study`.
        command: What the user typed.

    Returns:
        The report's path, and a line a member: 1 done or found, and its seconds.

    Raises:
        InputError: Something stands in the way of a member, before the first one runs.
    """
    refuse_members(members, root, engine)
    lines, done = [], []
    for member in members:
        start = time.perf_counter()
        report, stages = run_or_find(member, root, engine, command)
        computed = sum(line.done for line in stages if line.stage not in ("split", "report"))
        # of a study that was found finished, what it took when it was computed
        seconds = time.perf_counter() - start if computed else RunFacts.known(report.parent).seconds or 0.0
        lines.append(StageLine(member.label, int(computed > 0), int(computed == 0), seconds))
        say(f"{member.label}: {seconds:.0f} s, {report}")
        done.append(MemberRun(member.label, report.parent.name, round(seconds, 1)))
    key = digest([suite.name, [[m.study, m.run] for m in done]])
    folder = root.resolve() / "runs" / f"{suite.name}-{key[:12]}"
    brought(folder)
    if not is_suite_folder(folder):  # else it keeps the seconds of the first time
        SuiteRecord(suite.name, suite.title, command, tuple(done)).write(folder)
    if suite.systems:
        from hilum.workflow.systems import write_systems_report

        return write_systems_report(folder, suite.systems.reference), lines
    from hilum.paper.write import write_paper_report

    return write_paper_report(folder), lines
