"""The findings of real films as ChestX-ray14 publishes them: counted by hand from its labels, divided by patient."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

import pytest

from hilum.artifacts.finding_labels import finding_matrix
from hilum.core.engine import Local
from hilum.core.seeding import generator
from hilum.sources.findings import finding_name
from hilum.splitting.divide import SplitOptions
from hilum.stages.ingest import IngestOptions, ingest
from hilum.stages.split import draw_split
from hilum.studies import study_path
from hilum.study.file import read_study
from hilum.workflow.classes import merged, with_classes
from hilum.workflow.findings import counts_of

FILMS = Path(os.environ.get("HILUM_FILMS", "none"), "nih")
_ENTRY = (
    "Image Index",
    "Finding Labels",
    "Follow-up #",
    "Patient ID",
    "Patient Age",
    "Patient Gender",
    "View Position",
)


@pytest.mark.slow
@pytest.mark.skipif(not FILMS.is_dir(), reason="HILUM_FILMS names no folder with films of NIH")
def test_the_study_that_ships_takes_what_ten_films_have(tmp_path: Path) -> None:
    """In the layout that NIH publishes: `Data_Entry_2017.csv` beside the films."""
    with (FILMS / "films.csv").open() as f:
        rows = list(csv.DictReader(f))
    (tmp_path / "images").symlink_to(FILMS / "images")
    with (tmp_path / "Data_Entry_2017.csv").open("w", newline="") as f:
        table = csv.writer(f)
        table.writerow(_ENTRY)
        for r in rows:
            patient = int(r["patient_id"].partition(":")[2])
            table.writerow(
                [Path(r["image"]).name, r["nih_findings"], 0, patient, r["age"], r["sex"], r["view"]]
            )
    classes = {"nih": {"No Finding": "normal", "other": "sick"}}
    done = ingest([f"nih={tmp_path}"], tmp_path / "manifest.csv", IngestOptions(findings=classes), Local(2))
    assert len(done.manifest) == len(rows) == 355
    by_hand = Counter(finding_name(word) for r in rows for word in r["nih_findings"].split("|"))
    study = read_study(study_path("nih-findings"))
    films = merged(study, done.manifest)
    found = with_classes(study, films).data.findings
    assert found == sorted(f for f, n in by_hand.items() if min(n, 355 - n) >= 10)
    counts = counts_of(films, found)
    assert {f: (n.positive, n.unknown) for f, n in counts.items()} == {f: (by_hand[f], 0) for f in found}
    how = SplitOptions("fractions", study.seed, 1, study.split.fractions, findings=tuple(found))
    split = draw_split(films, None, how)
    patients = {p: {films.by_id[i].patient_id for i in ids} for p, ids in split.parts.items()}
    assert not patients["train"] & (patients["valid"] | patients["test"])
    whole = finding_matrix([f.label for f in films.films], found)
    random = generator(1, "order").permutation(len(whole))[: len(split.parts["test"])]
    test = finding_matrix([films.by_id[i].label for i in split.parts["test"]], found)
    off, by_chance = (abs((m == 1).sum(0) - 0.3 * (whole == 1).sum(0)).max() for m in (test, whole[random]))
    assert off <= 1.5
    assert off < by_chance
