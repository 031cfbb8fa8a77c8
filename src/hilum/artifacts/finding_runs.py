"""Where the findings of a run of several lie, each as a run of two classes of its own: ``findings/<finding>`` in the run's folder.

Convention: such a run holds the films of which the finding is known, of the class that has it or of the one without; its splits are the
run's own, of those films; its models give the probabilities of the run's. So everything that is made of a run can be made of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hilum.artifacts.run import is_run
from hilum.artifacts.run_folder import RunFolder

FINDINGS = "findings"


def finding_folder(run: Path, finding: str) -> Path:
    """Where the run of a finding lies."""
    return run / FINDINGS / finding


def whole_run(folder: RunFolder) -> RunFolder:
    """The run that a finding's run is of, which holds every film that its models were trained on; any other run itself."""
    place = folder.path.resolve()
    return (
        RunFolder(place.parents[1]) if place.parent.name == FINDINGS and is_run(place.parents[1]) else folder
    )


def finding_runs(run: Path, findings: Sequence[str]) -> dict[str, RunFolder]:
    """The run of each finding.

    Raises:
        InputError: One is not there.
    """
    return {f: RunFolder(finding_folder(run, f)) for f in findings}
