"""Copies side by side, for a person to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hilum.report import numbers
from hilum.report.table import Column, Table, count_cell, rate_cell, text_cell


def copy_pairs(shown: Sequence[Mapping[str, Any]], n_pairs: int, pictures: Mapping[str, bytes]) -> Table:
    """The pairs of `hilum.stages.audit.pairs`, with pictures by image id; says how many more there are."""
    columns = [
        Column("Films", hint="films of the group"),
        Column("One", numeric=False, prose=True), Column("Another", numeric=False, prose=True),
        Column("What differs", numeric=False, prose=True),
        Column("Detail", hint="correlation of local contrast of the aligned films"),
    ]  # fmt: skip
    body = []
    for p in shown:
        films = [
            replace(
                text_cell(f"{f['image_id']} ({f['label']}, {f['source']})"),
                picture=pictures.get(f["image_id"], b""),
            )
            for f in p["films"]
        ]
        labels = " Their labels differ." if len({f["label"] for f in p["films"]}) > 1 else ""
        said = f"{p['differs'].capitalize()}.{labels}"
        body.append([count_cell(p["group_size"]), *films, text_cell(said), rate_cell(p["detail"], n=1000)])
    more = n_pairs - len(shown)
    rest = f" {numbers.counted(more, 'more pair')} in duplicates.json." if more else ""
    caption = f"Of the largest groups first, at most four of a group; then those of different labels, then the least alike.{rest}"
    return Table("copies-seen", "Copies side by side", caption, columns, body, sortable=False)
