"""Masks are kept by film and origin, whole or not at all, and a source's own comes first."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.artifacts.masks import SOURCE, LungMask, MaskQuality, MaskStore
from hilum.core.errors import InputError

MODEL = "ab" * 32


def mask(grey: int, origin: str = MODEL, failed: str = "") -> LungMask:
    pixels = np.zeros((128, 128), np.uint8)
    pixels[20:100, 20:50] = grey
    agreement = None if origin == SOURCE else 0.9
    return LungMask(pixels, origin, MaskQuality(grey / 1000, 1, False, agreement), failed)


def test_what_is_written_is_read_also_by_another_store(tmp_path):
    store = MaskStore(tmp_path / "masks")
    store.write({"f1": mask(200), "f2": mask(90, failed="no lung found")})
    for s in (store, MaskStore(tmp_path / "masks"), pickle.loads(pickle.dumps(store))):
        found = s.find("f2")
        assert found is not None
        assert np.array_equal(found.mask, mask(90).mask)
        assert (found.origin, found.failed) == (MODEL, "no lung found")
        assert found.quality == MaskQuality(0.09, 1, False, 0.9)
        assert found.digest == mask(90).digest
        assert s.find("f3") is None
        assert s.missing(["f3", "f1", "f3"], MODEL) == ["f3"]
        assert s.missing(["f1"], SOURCE) == ["f1"]


def test_a_source_s_own_mask_comes_first_unless_an_origin_is_named(tmp_path):
    store = MaskStore(tmp_path)
    store.write({"f": mask(200)})
    assert store.find("f").origin == MODEL
    store.write({"f": mask(100, SOURCE)})
    assert store.origins == (SOURCE, MODEL)
    assert store.find("f").origin == SOURCE
    assert store.find("f", MODEL).origin == MODEL
    assert store.find("f", "cd" * 32, SOURCE).origin == SOURCE


def test_a_mended_mask_counts_and_an_equal_one_is_not_written_again(tmp_path):
    store = MaskStore(tmp_path)
    for grey in (100, 100, 220, 100):
        store.write({"f": mask(grey, SOURCE)})
    assert len(list(tmp_path.glob("*/*.npy"))) == 3
    assert MaskStore(tmp_path).find("f").digest == mask(100).digest


def test_films_without_a_mask_are_counted(tmp_path):
    store = MaskStore(tmp_path)
    store.write({"f": mask(100)})
    assert list(store.read(["f", "f"])) == ["f"]
    with pytest.raises(InputError, match=r"2 of 3 films have no lung mask here; make them with `hilum seg"):
        store.read(["f", "g", "h"])


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"uint8 of shape \(128, 128\), got uint8 of shape \(64, 64\)"):
        LungMask(np.zeros((64, 64), np.uint8), SOURCE, MaskQuality(0.0, 0, False))


def test_a_shard_without_its_index_is_not_there(tmp_path):
    store = MaskStore(tmp_path)
    store.write({"f": mask(100)})
    next(tmp_path.glob("*/*.json")).unlink()
    assert MaskStore(tmp_path).missing(["f"], MODEL) == ["f"]


def test_a_damaged_index_is_named(tmp_path):
    MaskStore(tmp_path).write({"f": mask(100)})
    path = next(tmp_path.glob("*/*.json"))
    path.write_text(path.read_text().replace('"rows"', '"row"'))
    with pytest.raises(InputError, match="not as hilum writes it: the key 'rows' is missing"):
        MaskStore(tmp_path)


@settings(deadline=None, max_examples=20)
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 255), min_size=1), min_size=1, max_size=4
    )
)
def test_the_last_mask_of_each_film_is_found(tmp_path_factory, writes):
    folder = tmp_path_factory.mktemp("masks")
    last: dict[str, int] = {}
    for films in writes:
        MaskStore(folder).write({film: mask(grey) for film, grey in films.items()})
        last |= films
    store = MaskStore(folder)
    assert {f: store.find(f).digest for f in last} == {f: mask(g).digest for f, g in last.items()}
