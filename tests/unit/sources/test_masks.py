"""Lung masks of a folder that lies elsewhere: each is given to the film that it is called as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.core.errors import InputError
from ingesting import run


def pictures(root: Path, *names: str) -> Path:
    for k, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(k).integers(0, 256, (20, 20), np.uint8)).save(path)
    return root


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    return pictures(tmp_path / "clinic", "covid/a.jpg", "covid/b.jpg", "normal/c.jpg")


def test_masks_are_called_as_their_films_with_or_without_the_ending(clinic: Path, tmp_path: Path) -> None:
    masks = pictures(tmp_path / "masks", "a.png", "deep/b.jpg.png", "c_mask.png", "d.png")
    done = run(tmp_path, clinic, no_patient_ids=["clinic"], lung_masks={"clinic": masks})
    assert {f.image_id: f.lung_mask for f in done.manifest.films} == {
        "clinic/covid/a": str(masks / "a.png"),
        "clinic/covid/b": str(masks / "deep/b.jpg.png"),
        "clinic/normal/c": str(masks / "c_mask.png"),
    }
    assert [(e.path, e.reason) for e in done.exclusions] == [(str(masks / "d.png"), "mask without a film")]
    assert done.manifest.header.options["sources"]["clinic"]["lung_masks"] == 3


def test_films_keep_the_masks_that_lie_among_them(tmp_path: Path) -> None:
    root = pictures(tmp_path / "clinic", "covid/a.png", "covid/a_mask.png", "normal/c.png")
    masks = pictures(tmp_path / "masks", "c.png")
    done = run(tmp_path, root, no_patient_ids=["clinic"], lung_masks={"clinic": masks})
    assert [f.lung_mask for f in done.manifest.films] == [
        str(root / "covid/a_mask.png"),
        str(masks / "c.png"),
    ]


@pytest.mark.parametrize(
    ("films", "masks", "words"),
    [
        (("covid/a.jpg", "normal/b.jpg"), ("x.png",), "no mask in it is called as a film of the source"),
        (("covid/a.jpg", "normal/a.jpg"), ("a.png",), "two films are called 'a'"),
        (("covid/a.jpg", "normal/b.jpg"), ("a.png", "a_mask.png"), "two masks are of one film, which is called 'a_mask'"),
        (("covid/a.jpg", "normal/b.jpg"), (), "expected a folder of masks"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(films, masks, words, tmp_path: Path) -> None:
    root, folder = pictures(tmp_path / "clinic", *films), pictures(tmp_path / "masks", *masks)
    with pytest.raises(InputError, match=words):
        run(tmp_path, root, no_patient_ids=["clinic"], lung_masks={"clinic": folder})


def test_a_source_that_is_not_there_is_named(clinic: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--lung-masks 'clinc' names no source; did you mean 'clinic'"):
        run(tmp_path, clinic, no_patient_ids=["clinic"], lung_masks={"clinc": tmp_path})
