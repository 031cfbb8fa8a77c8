"""`hilum.audit`, and what an audit found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.api.view import AnyPath, Row, View, rows_table
from hilum.artifacts.header import read_object
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.outputs import check_outputs, duplicates_output, folder_output
from hilum.artifacts.split import Split
from hilum.core.engine import local
from hilum.core.progress import quieted
from hilum.study.classes import positive_class

if TYPE_CHECKING:
    from hilum.report.page import Page
    from hilum.report.table import Table
    from hilum.report.view import Told


@dataclass(frozen=True, repr=False)
class Audit(View):
    """What an audit found (``audit.json``): `rows` are its findings, the gravest first."""

    @cached_property
    def findings(self) -> dict[str, Any]:
        """All of audit.json."""
        return read_object(self.path)

    @cached_property
    def page(self) -> Page:
        """What audit.html says, without its pictures."""
        from hilum.report.audit_page import audit_page

        return audit_page(self.findings)

    @property
    def report(self) -> Path:
        """The page."""
        return self.path.with_name("audit.html")

    def rows(self) -> list[Row]:
        """A row a finding: code, severity, count, text, accepted, reason."""
        return [dict(f) for f in self.findings["findings"]]

    def told(self) -> Told:
        """Which films, and what they are audited for."""
        from hilum.report.view import Told

        return Told("Audit", self.page.sentence)

    def table(self) -> Table:
        """The findings in words."""
        shown = ("severity", "code", "count", "text", "reason")
        return rows_table([{k: r[k] for k in shown} for r in self.rows()])


def audit(
    manifest: AnyPath,
    out: AnyPath,
    *,
    duplicates: AnyPath | None = None,
    workers: int | None = None,
    labels: str = "shape",
    allow: Sequence[str] = (),
    quiet: bool = False,
    split: AnyPath | None = None,
    positive: str | None = None,
    seed: int = 0,
) -> Audit:
    """Look for copies, conflicts, leaks, shortcuts, odd films and doubtful labels, as `hilum audit` does.

    >>> audit = hilum.audit("manifest.csv", "audit", quiet=True, labels="none", workers=0)
    >>> audit.findings["positive"], sorted(audit.rows()[0])
    ('covid', ['accepted', 'code', 'count', 'reason', 'severity', 'text'])

    Args:
        manifest: ``manifest.csv``.
        out: Folder for audit.json, audit.html and tables.
        duplicates: Table of copies to read, or to make where it is not there.
        workers: Processes; None for all cores. Results do not depend on it.
        labels: What doubts labels: ``shape``, a backbone's name, or ``none``.
        allow: Findings that are accepted: ``CODE[:FILM][=REASON]``.
        quiet: No progress.
        split: ``split.json`` to check for leaks.
        positive: The positive class; None for the usual one.
        seed: Of all that is drawn.

    Raises:
        InputError: Films or options that an audit cannot work with.
    """
    manifest, out = Path(manifest), Path(out)
    copies, split = (Path(p) if p is not None else None for p in (duplicates, split))
    made, read = duplicates_output(copies)
    names = ("audit.json", "audit.html", *(() if copies is None else ("duplicates.json",)))
    check_outputs(
        [folder_output(out, "audit", *names), *made], [p for p in (manifest, split, *read) if p is not None]
    )
    from hilum.report.audit_findings import accepted  # late: scikit-learn and decoders
    from hilum.stages.audit import audit as audit_films
    from hilum.stages.audit import write_audit
    from hilum.stages.audit.labels import check_labels
    from hilum.stages.duplicates import known_duplicates

    with quieted(quiet):
        films = Manifest.read(manifest)
        positive = positive_class(positive, films.count_by("label"), str(manifest))
        check_labels(labels)
        allowed = accepted(allow, "--allow", films.by_id)
        parts = Split.read(split) if split is not None else None
        engine = local(workers)
        found = known_duplicates(films, engine, copies)
        if copies is None:
            found.write(out / "duplicates.json")
        findings = audit_films(films, found, parts, positive, seed, engine, labels, allowed)
        write_audit(findings, out, f"Audit of {manifest.name}", films)
    return Audit(out / "audit.json")
