"""In what two or more runs differ: the keys of their studies, their films, weights and numerics.

Convention: what cannot change a prediction (name, title, where the manifest lies, families of comparisons, resamples) is not compared. If
more than one thing differs, a difference in results has no single cause, and whoever shows it says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hilum.artifacts.run_folder import RunFolder
from hilum.report.table import Column, Table, text_cell

_NO_MATTER = ("name", "title", "audit", "explain", "compare", "statistics", "data.manifest")
_ABSENT = "–"


def run_differences(folders: Sequence[RunFolder]) -> list[tuple[str, tuple[str, ...]]]:
    """What differs: (key, its value in each run), in the order of the first run's study."""
    facts = [_facts(f) for f in folders]
    keys = dict.fromkeys(k for f in facts for k in f)
    return [(k, values) for k in keys if len(set(values := tuple(f.get(k, _ABSENT) for f in facts))) > 1]


def differences_table(found: Sequence[tuple[str, tuple[str, ...]]], names: Sequence[str]) -> Table:
    """A row a thing that differs, a column a run."""
    columns = [Column("What differs", numeric=False), *(Column(n, numeric=False, prose=True) for n in names)]
    return Table(
        "differences",
        "What differs between the runs",
        "Keys of the studies, and films, weights and numerics, with their value in each run.",
        columns,
        [[text_cell(key, strong=True), *(text_cell(v) for v in values)] for key, values in found],
        sortable=False,
    )


def _facts(folder: RunFolder) -> dict[str, str]:
    run = folder.record
    found = {k: v for k, v in _flat(run.study).items() if not _is_under(k, _NO_MATTER)}
    found["films"] = f"manifest {run.manifest_digest[:12]}"
    found["trials"] = str(folder.n_trials)
    for backbone, weights in run.weights.items():
        found[f"weights of {backbone}"] = f"{weights.weights} {(weights.sha256 or '')[:12]}".strip()
    found |= {k: str(v) for k, v in (("precision", run.precision), ("device", run.device)) if v is not None}
    found |= {f"features of {backbone}": words for backbone, words in run.engines.items()}
    found["hilum"] = run.versions.get("hilum", run.header.hilum)
    return found


def _is_under(key: str, tables: Sequence[str]) -> bool:
    return any(key == t or key.startswith(f"{t}.") for t in tables)


def _flat(value: Mapping[str, Any], above: str = "") -> dict[str, str]:
    found = {}
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            found.update(_flat(inner, f"{above}{key}."))
        else:
            found[f"{above}{key}"] = (
                inner if isinstance(inner, str) else json.dumps(inner, ensure_ascii=False)
            )
    return found
