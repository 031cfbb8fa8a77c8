"""`hilum segment` from the outside: masks in a store, its table and picture; a network trained on films with masks, and its card."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.masks import SOURCE, MaskStore
from hilum.cli.segment import app
from hilum.core.digests import pixels_sha256, sha256_file
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.core.seeding import generator
from hilum.core.tables import read_table
from hilum.segment.films import joined, phantoms
from hilum.segment.segmenter import Segmenter
from hilum.segment.train import LungTraining
from hilum.stages.segment.run import Which, make_masks, masked, plan, summary
from hilum.stages.segment.train import LungSources, divided, gather, train_lungs
from hilum.synthetic.phantom import draw

N = 10


def run(*words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--workers", "0", "--quiet"], catch_exceptions=False)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of ten phantoms, each of its own patient, of which the first five have masks."""
    folder = tmp_path_factory.mktemp("films")
    rows = []
    for k in range(N):
        phantom = draw("normal", generator(11, k), 96)
        path, mask = folder / f"f{k}.png", folder / f"f{k}_mask.png"
        Image.fromarray(phantom.pixels).save(path)
        Image.fromarray(np.where(phantom.lung_mask, 255, 0).astype(np.uint8)).save(mask)
        rows.append(
            FilmRow(
                f"clinic/f{k}", f"clinic:p{k}", str(path), sha256_file(path), pixels_sha256(phantom.pixels), "normal", "clinic",
                lung_mask=str(mask) if k < 5 else "",
            )
        )  # fmt: skip
    Manifest(rows, Header("manifest")).write(folder / "manifest.csv")
    return folder / "manifest.csv"


def test_run_writes_masks_a_table_and_a_picture(films: Path, tmp_path: Path) -> None:
    out = tmp_path / "lungs"
    done = run("run", str(films), "--out", str(out))
    assert done.exit_code == 0
    rows = [row.values for row in read_table(out / "lungs.csv").rows]
    model = Segmenter.shipped().digest
    assert [r["origin"] for r in rows] == [SOURCE] * 5 + [model] * 5
    assert [r["failed"] for r in rows] == [""] * N
    assert [bool(r["agreement"]) for r in rows] == [False] * 5 + [True] * 5
    assert min(float(r["dice_with_own"]) for r in rows[:5]) > 0.9
    assert "clinic     10          5       0" in done.stdout
    with Image.open(out / "lungs.png") as picture:
        assert picture.size[0] > 1000
    store = MaskStore(out / "masks")
    manifest = Manifest.read(films)
    assert store.missing((f.pixels_sha256 for f in manifest.films), model) == []


def test_what_is_there_is_not_made_again_and_a_mended_mask_is_read(films: Path, tmp_path: Path) -> None:
    manifest = Manifest.read(films)
    store = make_masks(manifest.films, tmp_path, Which(), Local(0))
    (task,) = plan(manifest.films, store, Segmenter.shipped().digest)
    assert (len(task.films), len(task.own)) == (0, 5)
    files = sorted(p.name for p in tmp_path.glob("*/*"))
    first = manifest.films[0]
    mended = tmp_path / "mended.png"
    Image.fromarray(np.zeros((96, 96), np.uint8)).save(mended)
    changed = [replace(first, lung_mask=str(mended))]
    store = make_masks([*changed, *manifest.films[1:]], tmp_path, Which(), Local(0))
    assert len(sorted(p.name for p in tmp_path.glob("*/*"))) == len(files) + 2
    told = list(masked(manifest.films, store, Segmenter.shipped().digest))
    assert told[0].mask.failed == "no lung found"
    assert summary(told) == [
        ("clinic", N, 5, 1, "no lung found: 1", f"{np.mean([r.dice_with_own for r in told[:5]]):.3f}")
    ]


def test_a_film_that_changed_is_refused_and_the_masks_of_others_are_kept(films: Path, tmp_path: Path) -> None:
    manifest = Manifest.read(films)
    last = manifest.films[-1]
    other = replace(last, sha256="0" * 64)
    with pytest.raises(
        InputError, match=r"1 film of the manifest cannot be used; .*\s+clinic/f9: changed since"
    ):
        make_masks([*manifest.films[:-1], other], tmp_path, Which(), Local(0))
    store = MaskStore(tmp_path)
    missing = store.missing((f.pixels_sha256 for f in manifest.films), Segmenter.shipped().digest)
    assert missing == [last.pixels_sha256]


def test_train_writes_weights_and_a_card(films: Path, tmp_path: Path) -> None:
    out = tmp_path / "own.safetensors"
    done = run(
        "train", str(films), "--out", str(out), "--phantoms", "6", "--epochs", "1", "--films", "4", "--batch", "4",
        "--convention", "clinic=lungs-and-heart", "--note", "Masks: CC BY 4.0",
    )  # fmt: skip
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == str(out)
    card = json.loads((tmp_path / "own-card.json").read_text())
    assert card["weights"]["sha256"] == sha256_file(out) == Segmenter.read(out).weights_sha256
    assert card["films"]["clinic"] == {
        "convention": "lungs-and-heart", "train": 4, "held_out": 1, "left_out_as_outliers": 0,
    }  # fmt: skip
    assert [(d["source"], d["n_films"], d["n_patients"]) for d in card["dice"]] == [
        ("clinic", 1, 1),
        ("phantoms", 1, 1),
    ]
    assert (card["notes"], card["header"]["options"]["films"]) == (["Masks: CC BY 4.0"], 4)
    assert sorted(p.name for p in tmp_path.glob("*")) == ["own-card.json", "own.safetensors"]


def test_patients_are_on_one_side_and_each_source_has_its_share() -> None:
    a, b = phantoms(40, 1), phantoms(10, 2)
    groups = tuple(f"p{k // 4}" for k in range(40))
    films = joined([replace(a, groups=groups, sources=("a",) * 40), replace(b, sources=("b",) * 10)])
    inside, outside = divided(films, 0)
    assert sorted([*inside, *outside]) == list(range(50))
    assert len(films.take(outside)) == 10
    assert not set(films.take(inside).groups) & set(films.take(outside).groups)
    assert sorted(films.take(outside).sources) == ["a"] * 8 + ["b"] * 2


def test_what_cannot_be_trained_on_is_said(films: Path, tmp_path: Path) -> None:
    manifest = Manifest.read(films)
    bare = manifest.only(f.image_id for f in manifest.films if not f.lung_mask)
    for asked, words in (
        (LungSources([bare]), "no film of the manifests has a lung mask; ingest with masks beside the films"),
        (LungSources([manifest], {"clinik": "lungs"}), "no film with a lung mask is of source 'clinik'; did you mean 'clinic'"),
        (LungSources([manifest], {"clinic": "heart"}), "unknown convention 'heart'"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=words):
            gather(asked, 0, Local(0))
    one = manifest.only([manifest.films[0].image_id, manifest.films[1].image_id])
    with pytest.raises(
        InputError, match=r"source 'clinic' has too few patients .* \(2 films\); leave it out"
    ):
        train_lungs(LungSources([one]), tmp_path / "x.safetensors", LungTraining(), Local(0))
