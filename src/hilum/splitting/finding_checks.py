"""Whether every part of a split has films with and without each finding; where not, how many there are."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.artifacts.finding_labels import finding_matrix
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.split import PARTS, AnySplit
from hilum.core.errors import InputError
from hilum.core.text import counted


def require_findings(
    split: AnySplit, manifest: Manifest, findings: Sequence[str], parts: Sequence[str] = PARTS
) -> None:
    """Refuse a split that leaves a part without a film, or a finding without a film that has it, or one that does not, in a part.

    Raises:
        InputError: Names every such part and finding, with their films.
    """
    if problems := finding_problems(split, manifest, findings, parts):
        raise InputError("; ".join(problems))


def finding_problems(
    split: AnySplit, manifest: Manifest, findings: Sequence[str], parts: Sequence[str] = PARTS
) -> list[str]:
    """What `require_findings` would refuse, a sentence each. The test films of a source left out need not have every finding."""
    if empty := [p for p in parts if not split.parts[p]]:
        return [
            f"no film is left for {' and '.join(empty)}: {counted(len(manifest), 'film')} are too few for the split's shares"
        ]
    needed = [p for p in parts if not (split.header.options.get("without") and p == "test")]
    of_part = {p: finding_matrix(manifest.texts_of("label", split.parts[p]), findings) for p in needed}
    found = []
    for k, finding in enumerate(findings):
        for value, who in ((1, "with"), (0, "without")):
            groups = {
                p: [
                    split.group_of[i]
                    for i, v in zip(split.parts[p], of_part[p][:, k], strict=True)
                    if v == value
                ]
                for p in needed
            }
            if lacking := [p for p in needed if not groups[p]]:
                every = [g for names in groups.values() for g in names]
                found.append(
                    f"no film {who} {finding!r} is left for {' and '.join(lacking)}: the study has {counted(len(every), 'such film')} in "
                    f"{counted(len(set(every)), 'group')} (patients, or single films); add films, leave the finding out of data.findings, "
                    "or give that part a larger share"
                )
    return found
