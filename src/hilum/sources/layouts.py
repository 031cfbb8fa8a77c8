"""The layouts of films that hilum knows, tried from the most particular to the plainest. A new one is a module with its entry, and a place
in this table: recognition, reading, checks and the help of ``--layout`` follow.
"""

from __future__ import annotations

from hilum.sources import (
    bimcv,
    chexpert,
    cohen,
    covidqu,
    covidx,
    folder,
    mimic,
    mooney,
    nih,
    nlm,
    padchest,
    radiography,
    rsna,
    siim,
    table,
    vindr,
)
from hilum.sources.layout import Layout

LAYOUTS: tuple[Layout, ...] = (
    nih.ENTRY, chexpert.ENTRY, mimic.ENTRY, padchest.ENTRY, vindr.ENTRY, rsna.ENTRY, siim.ENTRY, bimcv.ENTRY, covidx.ENTRY, covidqu.ENTRY,
    nlm.ENTRY,
    cohen.ENTRY, radiography.ENTRY, mooney.ENTRY, table.ENTRY, folder.ENTRY,
)  # fmt: skip
"""The last is the plainest: what no other has is read as it, and as a whole."""
