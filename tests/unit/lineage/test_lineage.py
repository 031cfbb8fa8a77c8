"""Versions follow content, not names; every kind that hilum writes is described."""

import re
from pathlib import Path

from hilum.artifacts.bundle import bundle_version
from hilum.artifacts.lineage import Artefact, Link, compared
from hilum.lineage.kinds import DESCRIBE
from hilum.study.file import Study
from hilum.study.keys import study_digest

SRC = Path(__file__).parents[3] / "src" / "hilum"


def test_a_recorded_study_has_the_version_of_the_study():
    study = Study(name="one")
    assert study_digest(study.model_dump(mode="json")) == study.digest


def test_name_title_and_place_of_the_manifest_make_no_other_version():
    one = Study(name="one", title="a")
    two = Study.model_validate({"name": "two", "title": "b", "data": {"manifest": "films/manifest.csv"}})
    other = Study.model_validate({"name": "one", "seed": 8})
    assert study_digest(one.model_dump(mode="json")) == study_digest(two.model_dump(mode="json"))
    assert study_digest(one.model_dump(mode="json")) != study_digest(other.model_dump(mode="json"))


def test_a_bundle_s_version_leaves_out_who_wrote_it_and_sees_the_weights(tmp_path):
    for name, hilum, head in (("a", "0.1.0", "x"), ("b", "9.9.9", "x"), ("c", "0.1.0", "y")):
        (tmp_path / name).mkdir()
        text = f'{{"header": {{"hilum": "{hilum}"}}, "notice": "n", "head_sha256": "{head}", "backbone": "resnet50"}}'
        (tmp_path / name / "bundle.json").write_text(text)
    a, b, c = (bundle_version(tmp_path / n) for n in "abc")
    assert a == b
    assert a != c


def test_links_lead_from_the_top_to_the_films():
    films = Link("films", "f", "verified")
    manifest = Artefact("manifest", "manifest.csv", "m", inputs=(films,))
    split = Artefact("split", "split.json", "s", inputs=(compared("manifest", "m", "m", "", manifest),))
    top = Artefact("bundle", "b", "b", inputs=(compared("split", "s", "other", "", split),))
    (found,) = top.to_dict()["inputs"]
    assert (found["role"], found["state"]) == ("split", "changed")
    assert found["why"] == "what is there has version other"
    (below,) = found["artefact"]["inputs"]
    assert (below["role"], below["state"]) == ("manifest", "verified")
    assert below["artefact"]["inputs"] == ({"role": "films", "recorded": "f", "state": "verified"},)


def test_every_kind_that_hilum_writes_is_described():
    sources = [p.read_text(encoding="utf-8") for p in SRC.rglob("*.py")]
    written = {kind for text in sources for kind in re.findall(r'\bHeader\(\s*"([a-z -]+)"', text)}
    assert {"manifest", "bundle", "run", "statistics", "finder"} <= written
    assert written - DESCRIBE.keys() == {
        "statistics",
        "comparisons",
    }  # lists of rows, which say how many they are
