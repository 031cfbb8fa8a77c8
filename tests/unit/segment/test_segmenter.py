"""The weights that ship find the lungs of phantoms, say where they do not, and are what their card says."""

import json
import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.masks import SIDE_PX, SOURCE
from hilum.core.digests import sha256_file
from hilum.core.errors import InputError
from hilum.core.seeding import generator
from hilum.imaging.decode import decode_file
from hilum.segment.films import coverage, phantoms
from hilum.segment.network import CONVENTIONS, LungNet
from hilum.segment.score import dice
from hilum.segment.segmenter import SHIPPED, Segmenter, source_mask, write_weights
from hilum.synthetic.phantom import draw

FOLDER = Path(str(files("hilum.segment")))


@pytest.fixture(scope="module")
def shipped() -> Segmenter:
    return Segmenter.shipped()


def test_lungs_of_phantoms_are_found(shipped):
    films = phantoms(8, seed=20260)
    masks = shipped.masks(list(films.pixels))
    scores = [dice(m.mask, known) for m, known in zip(masks, films.masks, strict=True)]
    assert np.mean(scores) >= 0.95
    assert min(scores) >= 0.9
    assert [m.failed for m in masks] == [""] * 8
    assert all(m.origin == shipped.digest for m in masks)
    assert min(m.quality.agreement for m in masks) >= 0.9


def test_a_mask_depends_on_its_film_alone(shipped):
    films = [draw("covid", generator(5, k), 160 + 20 * k).pixels for k in range(3)]
    together = [m.digest for m in shipped.masks(films)]
    assert [shipped.masks([film])[0].digest for film in films] == together
    assert [m.digest for m in shipped.masks(films[::-1])] == together[::-1]


def test_a_film_of_any_size_and_shape_has_a_square_mask(shipped):
    film = draw("normal", generator(6, "wide"), 256).pixels
    (mask,) = shipped.masks([np.repeat(film, 2, axis=1)])
    (plain,) = shipped.masks([film])
    assert mask.mask.shape == (SIDE_PX, SIDE_PX)
    assert dice(mask.mask, plain.mask) > 0.98


@pytest.mark.parametrize(
    "film", [np.full((200, 200), 90, np.uint8), generator(7, "noise").integers(0, 256, (200, 200), np.uint8)]
)
def test_where_no_lungs_are_it_says_so(shipped, film):
    (mask,) = shipped.masks([film])
    assert mask.failed


def test_one_lung_is_said(shipped):
    film = draw("normal", generator(8, "half"), 256).pixels.copy()
    film[:, :128] = 200
    (mask,) = shipped.masks([film])
    assert mask.failed in ("one lung", "the mirrored film has other lungs")


def test_the_card_tells_of_the_weights():
    card = json.loads((FOLDER / "lungs-card.json").read_text())
    weights = FOLDER / SHIPPED
    assert card["weights"] == {
        "file": SHIPPED,
        "sha256": sha256_file(weights),
        "bytes": weights.stat().st_size,
    }
    assert weights.stat().st_size <= 2_000_000
    assert (
        set(card["films"])
        == {row["source"] for row in card["dice"]}
        == {"cohen", "mooney", "nlm", "phantoms"}
    )
    assert any("CC BY 4.0" in note for note in card["notes"])
    assert any("NLM" in note for note in card["notes"])


def test_each_convention_has_masks_of_its_own_digest():
    digests = {Segmenter.shipped(c).digest for c in CONVENTIONS}
    assert len(digests) == len(CONVENTIONS)
    with pytest.raises(InputError, match="unknown convention of lungs 'lung'; did you mean 'lungs'"):
        Segmenter.shipped("lung")


def test_weights_are_written_and_read(tmp_path):
    path = tmp_path / "own.safetensors"
    network = LungNet(seed=3)
    sha256 = write_weights(path, network)
    read = Segmenter.read(path)
    assert read.weights_sha256 == sha256 == sha256_file(path)
    for name, tensor in read.network.state_dict().items():
        assert np.array_equal(tensor, network.state_dict()[name].half().to(tensor.dtype))


@pytest.mark.parametrize(
    ("data", "words"), [(b"no weights", "does not hold the weights"), (None, "No such file")]
)
def test_a_file_that_holds_no_weights_is_named(data, words, tmp_path):
    path = tmp_path / "x.safetensors"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match=f"x.safetensors: .*{words}"):
        Segmenter.read(path)


@pytest.mark.parametrize("white", [1, 255])
def test_a_source_s_own_mask_is_what_it_covers(white):
    mask = np.zeros((256, 512), np.uint8)
    mask[64:192, 60:200] = white
    mask[64:192, 300:440] = white
    own = source_mask(mask)
    assert (own.origin, own.failed, own.quality.n_lungs, own.quality.agreement) == (SOURCE, "", 2, None)
    assert own.quality.area == pytest.approx((mask > 0).mean(), abs=0.01)
    assert source_mask(np.zeros((64, 64), np.uint8)).failed == "no lung found"


def test_nlm_films_lungs_are_found(shipped):
    if not (folder := os.environ.get("HILUM_FILMS")):
        pytest.skip("set HILUM_FILMS to a folder of the public sets")
    scores = []
    for path in sorted((Path(folder) / "nlm" / "images").glob("*"))[::20]:
        own = decode_file(Path(folder) / "nlm" / "masks" / f"{path.stem}.png", mask=True).pixels
        (found,) = shipped.masks([decode_file(path).pixels])
        scores.append(dice(found.mask, coverage(own)))
    assert np.mean(scores) >= 0.95
