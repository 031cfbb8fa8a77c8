"""How often a test part was looked at: the workspace's ledger ``looks.jsonl``, a line for each evaluation of a study.

Convention: the ledger lies beside ``runs/``, so a run's folder that was moved elsewhere has none. Looks are those of studies of this name
at films of this manifest; a study that was changed and run again has looked again.
"""

from __future__ import annotations

import json

from hilum.report.run_folder import RunFolder


def looks(folder: RunFolder) -> tuple[int, int] | None:
    """Looks at the study's test part, and those of this very run among them; None where there is no ledger."""
    path = folder.path.resolve().parents[1] / "looks.jsonl"
    if not path.is_file():
        return None
    lines = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines() if text.strip()]
    same = [
        look
        for look in lines
        if look.get("study") == folder.run["name"] and look.get("manifest") == folder.run["manifest_digest"]
    ]
    return len(same), sum(look.get("run") == folder.path.resolve().name for look in same)


def looks_words(found: tuple[int, int] | None) -> str:
    """In words.

    >>> looks_words((3, 1))
    '3 evaluations of this study on these films in this workspace, 1 of them of this run'
    """
    if found is None:
        return "not recorded"
    n, own = found
    return f"{n} {'evaluation' if n == 1 else 'evaluations'} of this study on these films in this workspace, {own} of them of this run"
