"""The audit before a run: what is wrong with the study's films, found again by digest; a split that leaks is refused."""

from __future__ import annotations

from pathlib import Path

from hilum import __version__
from hilum.artifacts.header import read_object, write_json
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.run_files import AUDIT, SPLITS
from hilum.artifacts.split import UnsafeSplit
from hilum.core.digests import SHORT
from hilum.core.errors import LeakageError
from hilum.core.keys import ALWAYS, Key
from hilum.core.mirror import at_hand
from hilum.imaging.quality import rules_digest
from hilum.report.audit_findings import accepted, leaking, with_accepted
from hilum.stages.audit import audit, leaks
from hilum.study.findings_checks import is_multilabel
from hilum.workflow.findings import asked_of_one
from hilum.workflow.state import Run

FILMS_AUDIT = Key(
    films=ALWAYS, copies=ALWAYS, positive=ALWAYS, seed=ALWAYS, labels="none", rules=ALWAYS, hilum=ALWAYS
)
"""What the audit of films depends on; what is accepted makes no difference to it."""


def audit_path(run: Run) -> Path:
    """Where the audit of the run's films is kept for all studies of them."""
    study, (_, positive) = run.study, _asked(run)
    key = FILMS_AUDIT.digest(
        {
            "films": run.films.digest, "copies": run.draws.duplicates.digest, "positive": positive, "seed": study.seed,
            "labels": study.audit.labels, "rules": rules_digest(), "hilum": __version__,
        }
    )  # fmt: skip
    return at_hand(run.workspace.audits / f"{key[:SHORT]}.json")


def _asked(run: Run) -> tuple[Manifest, str]:
    """The films by class and the positive one; of several findings by the one that divides them most evenly."""
    if is_multilabel(run.study):
        return asked_of_one(run.films, run.study.data.findings)
    return run.films, run.study.data.positive


def audit_of_run(run: Run) -> None:
    """Audit the films and every split, and write audit.json into the run's folder.

    Raises:
        LeakageError: A patient, or a copy of a film, is in two parts of a split that is not unsafe on purpose.
    """
    with run.stage("audit") as line:
        _refuse_leaks(run)
        path, films, copies, own = audit_path(run), run.films, run.draws.duplicates, run.study.audit
        if path.is_file():
            line.found, found = len(films), read_object(path)
        else:
            asked, positive = _asked(run)
            found = audit(asked, copies, None, positive, run.study.seed, run.engine, own.labels)
            write_json(path, found)
            line.done = len(films)
        plain = run.draws.split(run.draws.plain, 1)
        write_json(
            run.folder / AUDIT,
            with_accepted(
                {**found, "leaks": leaks(films, copies, plain)}, accepted(own.allow, "audit.allow")
            ),
        )


def _refuse_leaks(run: Run) -> None:
    for drawing, trial in run.draws.drawn_splits:
        split = run.draws.split(drawing, trial)
        found = leaks(run.films, run.draws.duplicates, split)
        n, words = leaking({"leaks": found})
        if n and not isinstance(split, UnsafeSplit):
            film, part = next(iter((found["patients"] or found["copies"])[0].items()))
            where = f"{SPLITS}/{run.draws.folder_name(drawing)}/trial-{trial}.json".replace("//", "/")
            raise LeakageError(
                f"the audit found that a split leaks ({where}). {words} The first is that of film {film!r} ({part}). Correct patient "
                f"ids, or take the split away from {run.folder} and run again; a study that leaks on purpose says so in [unsafe]"
            )
