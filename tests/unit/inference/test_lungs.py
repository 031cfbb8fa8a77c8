"""The lungs' network of a bundle: the shipped one, one in a file, none, another than the bundle's, one that the bundle does not name."""

import shutil
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import pytest

from hilum.augment.lungs import CropToLungs
from hilum.augment.pipeline import Pipeline
from hilum.augment.presets import preset
from hilum.core.errors import DigestError, InputError
from hilum.inference.lungs import segmenter_of
from hilum.segment.segmenter import SHIPPED, Segmenter

WITHOUT = preset("baseline")
WITH = Pipeline(name="lungs", steps=(CropToLungs(), *WITHOUT.steps))
FOLDER = Path("some/bundle")


def bundle(**lungs: str) -> SimpleNamespace:
    """What of a bundle is asked."""
    return SimpleNamespace(lungs=lungs)


def test_a_preparation_without_lungs_has_none_and_one_with_lungs_the_one_that_is_named(
    tmp_path: Path,
) -> None:
    assert segmenter_of(bundle(), WITHOUT, FOLDER) is None
    own = Segmenter.shipped()
    named = {"model": own.digest, "convention": own.convention}
    shipped = segmenter_of(bundle(**named, weights="shipped"), WITH, FOLDER)
    shutil.copyfile(str(files("hilum.segment") / SHIPPED), tmp_path / "mine.safetensors")
    mine = segmenter_of(bundle(**named, weights=str(tmp_path / "mine.safetensors")), WITH, FOLDER)
    assert shipped is not None
    assert mine is not None
    assert shipped.digest == mine.digest == own.digest


def test_another_network_or_none_is_refused() -> None:
    with pytest.raises(InputError, match="does not say which network finds them; train it again"):
        segmenter_of(bundle(), WITH, FOLDER)
    other = bundle(model="0" * 64, convention="lungs", weights="shipped")
    with pytest.raises(DigestError, match="some/bundle: it was made from lungs' network 0000000000000000"):
        segmenter_of(other, WITH, FOLDER)
    with pytest.raises(InputError, match=r"nowhere.safetensors: No such file or directory; give a file of"):
        segmenter_of(bundle(model="", convention="lungs", weights="nowhere.safetensors"), WITH, FOLDER)
