"""How films are stored: kept by ingest, scored by audit as a shortcut, and no part of a manifest's digest."""

from __future__ import annotations

import hashlib
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import Manifest
from hilum.core.digests import SHORT
from hilum.core.errors import InputError
from hilum.report.audit_page import audit_cautions, audit_page
from hilum.report.page import render
from hilum.sources.layout import IngestOptions
from hilum.stages.audit import audit
from hilum.stages.ingest import ingest
from needs import needed_module

N = 48


def noise(seed: int, low: int = 30, high: int = 200) -> np.ndarray:
    """A film of noise over a smooth ground; its greys from `low` to below `high`."""
    return np.random.default_rng(seed).integers(low, high, (48, 48)).astype(np.uint8)


def folder_of_films(folder: Path) -> Path:
    """Films alike but for storage: covid in colour, normal grey."""
    for k in range(N):
        label, image = ("covid", "normal")[k % 2], Image.fromarray(noise(k))
        (folder / label).mkdir(parents=True, exist_ok=True)
        (image.convert("RGB") if k % 2 == 0 else image).save(
            folder / label / f"{label[0]}x{k}.jpg", quality=95
        )
    return folder


def audited(manifest: Manifest) -> dict[str, Any]:
    pixels = {f.image_id: f.pixels_sha256[:SHORT] for f in manifest.films}
    return audit(manifest, Duplicates([], pixels, Header("duplicates")), positive="covid")


def _said(findings: dict[str, Any]) -> dict[str, str]:
    return {c.code: c.text for c in audit_cautions(findings)}


def auc(findings: dict[str, Any]) -> dict[str, float]:
    return {p["name"]: p["auc"] for p in findings["probes"]}


def test_container_and_colours_are_kept_and_scored(tmp_path: Path) -> None:
    source = folder_of_films(tmp_path / "F")
    read = ingest([str(source)], tmp_path / "m.csv", IngestOptions(["F"]))
    manifest = Manifest.read(tmp_path / "m.csv")

    assert manifest.films == read.manifest.films
    assert {(f.label, f.container, f.stored_as) for f in manifest.films} == {
        ("covid", "jpeg", "RGB"),
        ("normal", "jpeg", "L"),
    }
    findings = audited(manifest)
    assert auc(findings)["container"] == 1.0
    assert auc(findings)["metadata"] == pytest.approx(0.5, abs=0.2)
    assert auc(findings)["stretch"] < 0.8
    assert findings["class_by_container"] == {"jpeg L": {"normal": 24}, "jpeg RGB": {"covid": 24}}
    assert "container 1.00" in _said(findings)["shortcuts"]
    page = render(audit_page(findings))
    assert "Class by container" in page
    assert "how the film is stored: format of the file, grey or colour, bits" in page


def test_a_stretch_that_follows_the_class_is_scored(tmp_path: Path) -> None:
    for k in range(N):
        label = ("covid", "normal")[k % 2]
        (tmp_path / "F" / label).mkdir(parents=True, exist_ok=True)
        film = noise(k, 0, 256) if k % 2 == 0 else noise(k, 0, 243)
        Image.fromarray(film).save(tmp_path / "F" / label / f"{label[0]}x{k}.png")
    ingest([str(tmp_path / "F")], tmp_path / "m.csv", IngestOptions(["F"]))

    found = auc(audited(Manifest.read(tmp_path / "m.csv")))

    assert found["stretch"] == 1.0
    assert found["container"] == pytest.approx(0.5, abs=0.1)


def test_a_manifest_from_before_is_read_and_has_the_same_digest(tmp_path: Path) -> None:
    source = folder_of_films(tmp_path / "F")
    new = ingest([str(source)], tmp_path / "m.csv", IngestOptions(["F"])).manifest
    lines = (tmp_path / "m.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].endswith(",lung_mask,container,stored_as")
    (tmp_path / "m.csv").write_text("".join(x.rsplit(",", 2)[0] + "\n" for x in lines), encoding="utf-8")

    old = Manifest.read(tmp_path / "m.csv")

    assert old.films == tuple(replace(f, container="", stored_as="") for f in new.films)
    assert old.digest == new.digest
    assert auc(audited(old))["container"] == 1.0


def test_a_film_of_one_grey_is_left_out_and_a_nearly_blank_one_named(tmp_path: Path) -> None:
    source = folder_of_films(tmp_path / "F")
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(source / "covid" / "black.png")
    Image.fromarray(np.full((40, 40), 255, np.uint8)).save(source / "normal" / "white.png")
    Image.fromarray(noise(9, 0, 20)).save(source / "normal" / "dark.png")

    read = ingest([str(source)], tmp_path / "m.csv", IngestOptions(["F"]))

    assert read.excluded == {("F", "one grey"): 2}
    assert sorted(e.path for e in read.exclusions) == ["covid/black.png", "normal/white.png"]
    assert len(read.manifest) == N + 1
    assert read.notes[-1] == (
        "1 film is nearly blank (999 of 1000 pixels lie within an eighth of the greys), such as "
        "'F/normal/dark': worth a look"
    )
    findings = audited(read.manifest)
    assert list(findings["quality"]["flagged"]["nearly-blank"]) == ["F/normal/dark"]
    assert "1 film of 49, first F/normal/dark" in _said(findings)["nearly-blank"]


def test_a_manifest_that_still_holds_a_film_of_one_grey_is_refused_by_its_id(tmp_path: Path) -> None:
    source = folder_of_films(tmp_path / "F")
    manifest = ingest([str(source)], tmp_path / "m.csv", IngestOptions(["F"])).manifest
    blank = tmp_path / "F" / "covid" / "cx0.jpg"
    Image.fromarray(np.zeros((48, 48), np.uint8)).save(blank)
    films = [
        replace(f, sha256=hashlib.sha256(blank.read_bytes()).hexdigest())
        if f.image_id == "F/covid/cx0"
        else f
        for f in manifest.films
    ]

    with pytest.raises(InputError, match="F/covid/cx0: one grey"):
        audited(Manifest(films, manifest.header))


def test_dicom_and_jpeg_of_one_film_are_told_apart_by_nothing_but_the_container(tmp_path: Path) -> None:
    needed_module("pydicom", "pip install 'hilum[dicom]'")
    made = runpy.run_path(str(Path(__file__).parents[2] / "dicom_films.py"))
    for k in range(N):
        label = ("covid", "normal")[k % 2]
        (tmp_path / "F" / label).mkdir(parents=True, exist_ok=True)
        jpeg = tmp_path / "F" / label / f"{label[0]}x{k}.jpg"
        Image.fromarray(noise(k)).save(jpeg, quality=95)
        if k % 2 == 0:
            film = made["film_of"](np.zeros((48, 48)), 8, PatientID="")
            film = made["packed"](film, jpeg.read_bytes(), "1.2.840.10008.1.2.4.50")
            jpeg.with_suffix(".dcm").write_bytes(made["bytes_of"](film))
            jpeg.unlink()
    ingest([str(tmp_path / "F")], tmp_path / "m.csv", IngestOptions(["F"]))

    findings = audited(Manifest.read(tmp_path / "m.csv"))

    assert auc(findings)["container"] == 1.0
    assert findings["class_by_container"] == {"dicom MONOCHROME2": {"covid": 24}, "jpeg L": {"normal": 24}}
    assert auc(findings)["stretch"] == pytest.approx(0.5, abs=0.25)
    assert auc(findings)["exposure"] == pytest.approx(0.5, abs=0.25)
