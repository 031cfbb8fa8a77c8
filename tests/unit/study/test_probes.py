"""Probes of a study file: what names them, and that a study without them is the study that it was."""

import pytest

from hilum.core.errors import InputError
from hilum.studies import study_path
from hilum.study.factors import FACTOR
from hilum.study.file import Study, read_study
from hilum.study.probes import PROBES

AS_BEFORE = "06e274dc2b89f45a9026585a4df1f89f3d54db6e513e6c3781f41a103e4f6b57"
"""Digest of as-run/experiment-1 before there were probes."""


def test_a_study_without_probes_has_the_digest_that_it_had() -> None:
    assert read_study(study_path("as-run/experiment-1")).digest == AS_BEFORE
    plain = Study(name="s")
    assert Study.model_validate({"name": "s", "probes": {"kinds": []}}).digest == plain.digest
    assert Study.model_validate({"name": "s", "probes": {"kinds": ["thumbnail"]}}).digest != plain.digest


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_studies_of_real_films_have_probes_whose_masks_tell_no_source(n: int) -> None:
    as_described, as_run = (read_study(study_path(f"{folder}experiment-{n}")) for folder in ("", "as-run/"))
    everything = ["lungs-erased", "border-only", "thumbnail", "lungs-only", "labels-shuffled", "source-rule"]
    assert as_described.probes.kinds == (everything if n < 5 else ["lungs-erased", "source-rule"])
    assert not as_described.lungs.own
    assert (as_run.probes.kinds, as_run.lungs.own) == ([], True)


def test_an_unknown_kind_and_one_that_is_there_twice_are_refused(tmp_path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('name = "s"\n[probes]\nkinds = ["thumbnail", "thumbnail"]\n')
    with pytest.raises(InputError, match=r"probes\.kinds names something twice"):
        read_study(path)
    path.write_text('name = "s"\n[probes]\nkinds = ["thumbnale"]\n')
    with pytest.raises(InputError, match="thumbnail"):
        read_study(path)


def test_the_grid_has_no_key_of_probes() -> None:
    factor = FACTOR["probe"]
    assert not factor.in_grid
    assert not hasattr(Study(name="s").grid, factor.key)
    assert Study(name="s").grid.levels("probe") == []
    assert {p.name for p in PROBES.values() if not p.blind} == {
        "thumbnail",
        "lungs-only",
        "labels-shuffled",
        "patches-shuffled",
    }
