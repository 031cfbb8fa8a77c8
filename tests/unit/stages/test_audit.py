"""The audit finds planted faults, in numbers; the probes see what was planted; the page says it all."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from browser import check_page
from hilum import RESEARCH_NOTICE
from hilum.artifacts.duplicates import Copy, Duplicates
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.split import Split
from hilum.core.digests import SHORT, sha256_file
from hilum.core.errors import DigestError, InputError
from hilum.imaging.shortcuts import border, exposure, reduced, thumbnail, without_lungs
from hilum.report.audit_page import audit_cautions, audit_page
from hilum.report.audit_quality import pictured
from hilum.report.copy_pairs import copy_pairs
from hilum.report.page import render
from hilum.stages.audit import audit, write_audit
from hilum.stages.audit.pairs import pairs_to_see
from hilum.stages.audit.probes import look
from hilum.stats.probe import Asked, probe
from page_tags import Tags

N = 80


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Noise films; covid ones have a bright top edge (the shortcut) and lungs like all others."""
    folder = tmp_path_factory.mktemp("films")
    rng = np.random.default_rng(0)
    mask = np.zeros((64, 64), np.uint8)
    mask[16:48, 12:52] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    films = []
    for k in range(N):
        covid = k % 2 == 0
        pixels = rng.integers(60, 180, (64, 64), dtype=np.uint8)
        if covid:
            pixels[:3] = 250
        path = folder / f"f{k:02d}.png"
        Image.fromarray(pixels).save(path)
        patient = "" if k >= 60 else f"a:{k // 4}"
        source = "a" if k < 60 else "b"
        films.append(
            FilmRow(
                f"{source}/f{k:02d}", patient, str(path), sha256_file(path), f"{k:064x}",
                "covid" if covid else "normal", source, age_group="adult" if covid else "child",
                width_px=64, height_px=64, lung_mask=str(folder / "mask.png"),
            )
        )  # fmt: skip
    return Manifest(films, Header("manifest", options={"no_patient_ids": ["b"]}))


@pytest.fixture(scope="module")
def duplicates(manifest: Manifest) -> Duplicates:
    pairs = [
        Copy("a/f00", "a/f01", "near", 0.99, 0.95),
        Copy("a/f00", "b/f60", "exact-pixels"),
        Copy("b/f70", "b/f72", "exact-bytes"),
    ]
    return Duplicates(
        pairs, {f.image_id: f.pixels_sha256[:SHORT] for f in manifest.films}, Header("duplicates")
    )


@pytest.fixture(scope="module")
def leaking(manifest: Manifest) -> Split:
    """A split from elsewhere, in which each film is a group: patients and copies cross."""
    ids = [f.image_id for f in manifest.films]
    parts = {"train": [i for i in ids if i < "a/f30"], "test": [i for i in ids if i >= "a/f30"]}
    return Split(parts, {i: i for i in ids}, Header("split", inputs={"manifest": manifest.digest}))


@pytest.fixture(scope="module")
def findings(manifest: Manifest, duplicates: Duplicates, leaking: Split) -> dict[str, Any]:
    return audit(manifest, duplicates, leaking)


def test_counts(findings: dict[str, Any]) -> None:
    assert (findings["n_films"], findings["n_patients"], findings["n_without_patient"]) == (80, 15, 20)
    shown = findings["copies"]["shown"]
    assert findings["copies"] == {
        "shown": shown,
        "n_pairs": {"exact-bytes": 1, "exact-pixels": 1, "near": 1},
        "n_groups": 2,
        "n_films": 5,
        "n_surplus": 3,
        "largest_group": ["a/f00", "a/f01", "b/f60"],
        "sizes": {"2": 1, "3": 1},
        "by_sources": [
            {"first": "a", "second": "a", "exact-bytes": 0, "exact-pixels": 0, "near": 1},
            {"first": "a", "second": "b", "exact-bytes": 0, "exact-pixels": 1, "near": 0},
            {"first": "b", "second": "b", "exact-bytes": 1, "exact-pixels": 0, "near": 0},
        ],
    }
    assert findings["label_conflicts"] == {
        "n_groups": 1,
        "groups": [{"a/f00": "covid", "a/f01": "normal", "b/f60": "covid"}],
    }
    assert findings["patients"]["n_with_several_films"] == 15
    assert findings["patients"]["n_with_several_labels"] == 15
    assert findings["class_by_source"] == {"a": {"covid": 30, "normal": 30}, "b": {"covid": 10, "normal": 10}}
    assert findings["class_by_age_group"] == {"adult": {"covid": 40}, "child": {"normal": 40}}
    assert findings["class_by_view"] == {"(unknown)": {"covid": 40, "normal": 40}}


def test_leaks(findings: dict[str, Any]) -> None:
    leaks = findings["leaks"]
    assert leaks["n_patients"] == 1  # films 28 to 31
    assert leaks["patients"] == [{"a/f28": "train", "a/f29": "train", "a/f30": "test", "a/f31": "test"}]
    assert leaks["n_copies"] == 1
    assert leaks["copies"] == [{"a/f00": "train", "a/f01": "train", "b/f60": "test"}]
    assert leaks["n_test_films_with_copy_elsewhere"] == 1
    assert leaks["n_label_conflicts"] == 1


def test_source_rule_is_arithmetic(
    findings: dict[str, Any], manifest: Manifest, duplicates: Duplicates
) -> None:
    assert findings["source_rule"]["accuracy"] == 0.5
    few = manifest.only([f.image_id for f in manifest.films if f.source == "a" or f.label == "covid"])
    rule = audit(few, duplicates)["source_rule"]
    assert rule["accuracy"] == pytest.approx((30 + 10) / 70)
    assert rule["accuracy_of_the_largest_class"] == pytest.approx(40 / 70)
    assert rule["says"]["b"] == "covid"


def test_the_probes_find_what_was_planted_and_nothing_else(findings: dict[str, Any]) -> None:
    auc = {p["name"]: p["auc"] for p in findings["probes"]}
    assert auc["border"] == 1.0
    assert auc["metadata"] == 1.0  # age group
    assert auc["exposure"] == 1.0  # the bright edge moves the mean
    assert auc["source"] == pytest.approx(0.5, abs=0.1)
    assert auc["lungs erased"] == 1.0  # the edge is outside the lungs
    assert all(p["n_images"] == 80 and p["n_positive"] == 40 for p in findings["probes"])
    meaning = {p["name"]: p["meaning"] for p in findings["probes"]}
    assert "nearly gives the class away" in meaning["border"]
    assert "tells little" in meaning["source"]


def test_a_probe_is_scikit_learns_own_cross_validation() -> None:
    rng = np.random.default_rng(1)
    y = np.arange(120) % 3 == 0
    x = (rng.normal(size=(120, 4)) + y[:, None] * 0.6).astype(np.float32)
    groups = np.array([f"g{k // 2}" for k in range(120)])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300, class_weight="balanced"))
    aucs = []
    for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=4).split(x, y, groups):
        assert not set(groups[train]) & set(groups[test])
        aucs.append(roc_auc_score(y[test], model.fit(x[train], y[train]).decision_function(x[test])))
    found = probe(x, Asked(y, groups, 4))
    assert found.auc == pytest.approx(np.mean(aucs), abs=1e-12)
    assert found.spread == pytest.approx(np.std(aucs, ddof=1), abs=1e-12)
    chance = probe(
        rng.normal(size=(400, 4)).astype(np.float32),
        Asked(np.arange(400) % 2 == 0, np.arange(400).astype(str), 0),
    )
    assert chance.auc == pytest.approx(0.5, abs=0.08)


def test_too_few_films_are_said_to_be_too_few(manifest: Manifest, duplicates: Duplicates) -> None:
    found = audit(manifest.only([f"b/f{k}" for k in range(60, 80)]), duplicates)
    assert {p["auc"] for p in found["probes"]} == {None}
    assert found["probes"][0]["meaning"] == "Not measured: needs 10 patients (or films) of each side, has 9."
    assert "Not measured" in render(audit_page(found))


def test_refusals(manifest: Manifest, duplicates: Duplicates, leaking: Split) -> None:
    with pytest.raises(InputError, match="did you mean 'covid'"):
        audit(manifest, duplicates, positive="covit")
    with pytest.raises(InputError, match="all films have label 'covid'"):
        audit(manifest.only(f.image_id for f in manifest.films if f.label == "covid"), duplicates)
    with pytest.raises(InputError, match="of the split is not in the manifest"):
        audit(manifest.only(f.image_id for f in manifest.films if f.source == "a"), duplicates, leaking)
    with pytest.raises(DigestError):
        audit(manifest, Duplicates([], {}, Header("duplicates")))


def test_copies_to_look_at_are_those_of_large_groups_then_of_two_labels(findings: dict[str, Any]) -> None:
    shown = findings["copies"]["shown"]
    assert [[f["image_id"] for f in p["films"]] for p in shown] == [
        ["a/f00", "a/f01"], ["a/f00", "b/f60"], ["b/f70", "b/f72"],
    ]  # fmt: skip
    assert [(p["group_size"], p["differs"]) for p in shown] == [
        (3, "stored again"), (3, "equal pixels"), (2, "equal bytes"),
    ]  # fmt: skip


def test_four_pairs_of_a_group_and_forty_in_all_are_shown(manifest: Manifest) -> None:
    names = [f.image_id for f in manifest.films]
    chain = [Copy(a, b, "near", 0.99, 0.95, True, False, -5.0, 0.7) for a, b in pairwise(names[:7])]
    found = pairs_to_see(manifest, Duplicates(chain, dict.fromkeys(names, "x"), Header("duplicates")))
    assert [(p["group_size"], p["differs"]) for p in found] == [
        (7, "mirrored, turned 5 degrees, cropped to 70 %")
    ] * 4
    twos = [Copy(a, b, "near") for a, b in zip(names[::2], names[1::2], strict=True)]
    more = [p for n in range(2) for p in twos[:40]][:40]
    assert (
        len(pairs_to_see(manifest, Duplicates(more, dict.fromkeys(names, "x"), Header("duplicates")))) == 40
    )
    table = copy_pairs(found, 6, {names[0]: b"jpeg"})
    assert table.caption.endswith("2 more pairs in duplicates.json.")
    assert "Their labels differ." in table.rows[0][3].text


def test_the_page_has_pictures_of_copies_and_of_films_that_are_named(
    findings: dict[str, Any], manifest: Manifest, tmp_path: Path
) -> None:
    write_audit(findings, tmp_path / "audit", "Audit", manifest)
    text = (tmp_path / "audit" / "audit.html").read_text()
    pictures = re.findall(r'<img class="thumb" src="data:image/jpeg;base64,([^"]+)"', text)
    of_pairs = {f["image_id"] for pair in findings["copies"]["shown"] for f in pair["films"]}
    assert len(of_pairs) == 5
    assert len(set(pictures)) == len(of_pairs | set(pictured(findings))) > 8
    assert Image.open(io.BytesIO(base64.b64decode(pictures[0]))).size == (96, 96)
    assert 'class="thumb"' not in render(audit_page(findings))


def test_the_page_and_the_json(findings: dict[str, Any], tmp_path: Path) -> None:
    write_audit(findings, tmp_path / "audit", "Audit of <x>")
    page_path = tmp_path / "audit" / "audit.html"
    assert json.loads((tmp_path / "audit" / "audit.json").read_text()) == findings
    text = page_path.read_text()
    assert RESEARCH_NOTICE in text
    assert "Audit of &lt;x&gt;" in text
    tags = Tags()
    tags.feed(text)
    assert (tags.open, tags.outside) == ([], [])  # well formed, and nothing is fetched
    assert set(tags.links) <= set(tags.ids)
    found = audit_cautions(findings)
    for c in found:
        assert c.title in text
        assert c.text.replace("'", "&#39;") in text
    assert [(c.code, c.severity) for c in found] == [
        ("split-leaks", "breaks validity"), ("labels-disagree", "breaks validity"), ("shortcuts", "breaks validity"),
        ("patients-unknown", "limits"), ("not-a-chest-film", "limits"), ("copies", "note"),
        ("burned-in-text", "note"),
    ]  # fmt: skip
    probes = (tmp_path / "audit" / "tables" / "probes.csv").read_text().splitlines()
    assert len(probes) == 1 + len(findings["probes"])
    assert (tmp_path / "audit" / "tables" / "leaking-films.csv").read_text().splitlines()[
        1
    ] == "1,a/f28,train"
    check_page(page_path, tmp_path, "Audit of <x>")


def test_shortcut_features() -> None:
    film = np.zeros((64, 64), np.uint8)
    film[:4] = 255
    small = reduced(film)
    assert small.shape == (32, 32)
    assert border(small).sum() == 64  # two rows of 32
    assert thumbnail(small).reshape(8, 8)[0].tolist() == [0.5] * 8
    assert exposure(film) == pytest.approx([1 / 16, np.sqrt(1 / 16 - 1 / 256)])
    lungs = np.zeros((10, 10), np.uint8)
    assert without_lungs(film, lungs) is None
    assert without_lungs(film, lungs + 1) is None
    lungs[5:] = 1
    erased = without_lungs(film, lungs)
    assert erased is not None
    assert np.unique(erased.reshape(16, 16)[8:]).tolist() == [0.125]


def test_films_that_changed_since_ingest_are_refused_together(
    manifest: Manifest, duplicates: Duplicates
) -> None:
    swapped = [
        replace(f, path=manifest.films[0].path) if f.image_id in ("a/f03", "b/f61") else f
        for f in manifest.films
    ]
    changed = Manifest(swapped, manifest.header)
    with pytest.raises(InputError, match="2 films of the manifest cannot be used") as refused:
        audit(changed, Duplicates(duplicates.pairs, duplicates.films, duplicates.header))
    assert "\n  a/f03: changed since ingest\n  b/f61: changed since ingest" in str(refused.value)


def test_one_id_on_most_films_is_said(manifest: Manifest, findings: dict[str, Any]) -> None:
    assert findings["patients"]["one_id_on_many"] == []
    films = [replace(f, patient_id="a:ANONYMOUS") for f in manifest.films[:8]]
    keys = {f.image_id: f.pixels_sha256[:SHORT] for f in films}
    odd = audit(Manifest(films, manifest.header), Duplicates([], keys, Header("duplicates")))
    (said,) = odd["patients"]["one_id_on_many"]
    assert (
        said
        == "a: patient id 'ANONYMOUS' is on 8 of 8 films (covid 4, normal 4), which is what anonymisers write"
    )
    assert {c.code: c.text for c in audit_cautions(odd)}["one-id-on-many"] == said


def test_a_mask_that_is_none_is_named_and_not_its_film(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "m.png").write_bytes(b"junk")
    films = [manifest.films[0], replace(manifest.films[1], lung_mask=str(tmp_path / "m.png"))]
    with pytest.raises(
        InputError,
        match=r"a/f01: its lung mask .*m.png is of no use \(not an image\): mend it or take it away",
    ):
        look(Manifest(films, manifest.header), 1)
