"""Explanations of a study's test films and of films that somebody names: in no key, found again, counted as looks, with what is near."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.explanations import Explanations, read_maps
from hilum.artifacts.run_folder import RunFolder
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.core.seeding import generator
from hilum.lineage.kinds import describe
from hilum.stages.explain import explain_films
from hilum.stages.explain.asked import Asked, methods_asked
from hilum.stages.ingest import ingest
from hilum.stages.predict import predict_films
from hilum.study.file import Study
from hilum.workflow.run import run_study

STUDY = {
    "name": "seen",
    "data": {"classes": ["covid", "normal"]},
    "split": {"method": "fractions"},
    "grid": {"backbones": ["squeezenet1_0"], "pipelines": ["baseline"], "trials": 1},
    "weights": {"squeezenet1_0": "none"},
    "augment": {"size_px": 64},
    "features": {"precision": "fp32"},
    "training": {"epochs": 3},
    "statistics": {"resamples": 100},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a finished run on 40 films."""
    root = tmp_path_factory.mktemp("seen")
    rows = ["path,label,patient_id"]
    for k in range(40):
        film = generator(8, "film", k).integers(0, 256, (72, 80)).astype(np.uint8)
        film[:, :20] //= 1 + k % 2
        Image.fromarray(film).save(root / f"{k}.png")
        rows.append(f"{k}.png,{('covid', 'normal')[k % 2]},p{k}")
    (root / "films.csv").write_text("\n".join(rows) + "\n")
    ingest([f"clinic={root / 'films.csv'}"], root / "manifest.csv", engine=Local(0))
    study(root)
    return root


def study(root: Path, **explain: object) -> RunFolder:
    """The study's run, with what is to be explained."""
    asked = Study.model_validate({**STUDY, "explain": explain})
    page, _ = run_study(asked, root / "manifest.csv", root / "ws", Local(0), "test")
    return RunFolder(page.parent)


def looks(root: Path) -> list[str]:
    return [json.loads(line)["how"] for line in (root / "ws" / "looks.jsonl").read_text().splitlines()]


def test_a_study_explains_test_films_without_another_key(root: Path) -> None:
    (plain,) = (root / "ws" / "runs").iterdir()
    statistics, before = (plain / "statistics.json").read_bytes(), looks(root)
    assert "Where the answers come from" not in (plain / "report.html").read_text()
    run = study(root, methods=["grad-cam"], films=2, show_films=True)
    assert run.path == plain
    assert (plain / "statistics.json").read_bytes() == statistics
    assert looks(root) == [*before, "explain"]
    (place,) = (plain / "explanations").iterdir()
    e = Explanations.read(place)
    assert [f.label for f in e.films] in (["covid", "normal"], ["normal", "covid"])
    assert {f.image_id for f in e.films} <= set(run.splits[1].parts["test"])
    assert all(len(f.nearest) == 5 for f in e.films)
    page = (plain / "report.html").read_text()
    assert e.words[1:] in page
    assert page.count("data:image/png") >= len(list((place / "pictures").iterdir())) == 2


@pytest.mark.slow
def test_a_run_that_goes_the_whole_way_again_finds_its_maps_and_looks_at_no_film(root: Path) -> None:
    run = study(root, methods=["grad-cam"], films=2, show_films=True)
    (place,), before = (run.path / "explanations").iterdir(), looks(root)
    first = (place / "explanations.json").read_bytes()
    shutil.rmtree(root / "ws" / "finished")
    study(root, methods=["grad-cam"], films=2, show_films=True)
    assert (place / "explanations.json").read_bytes() == first
    assert looks(root) == before


def test_what_cannot_be_explained_is_said_before_a_run(root: Path) -> None:
    with pytest.raises(InputError, match=r"explain\.methods: unknown method of explanation 'grad-cram'"):
        study(root, methods=["grad-cram"])
    with pytest.raises(InputError, match=r"explain\.cells: the study has no cell 'nope'"):
        study(root, methods=["grad-cam"], cells=["nope"])
    assert methods_asked(["rise:masks=9"])["rise:masks=9"]["masks"] == 9


def test_named_films_have_maps_marks_and_what_is_near_or_a_reason(root: Path, tmp_path: Path) -> None:
    (run,) = map(RunFolder, (root / "ws" / "runs").iterdir())
    bundle = run.folder(run.cells[0], 1) / "bundle"
    of_train = run.manifest.by_id[run.splits[1].parts["train"][0]]
    films = tmp_path / "films"
    films.mkdir()
    (films / "known.png").write_bytes(Path(of_train.path).read_bytes())
    (films / "broken.png").write_bytes(b"no film")
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("image,x,y,width,height\nknown.png,0,0,0.25,1\n")
    asked = Asked(("grad-cam", "occlusion:window_px=32,stride_px=32"), "covid", ("pointing", "mass"), boxes)
    e = explain_films(bundle, [films], tmp_path / "out", asked)
    broken, known = e.films
    assert (broken.error, broken.maps) == ("not an image", ())
    p = predict_films(bundle, [films / "known.png"], tmp_path / "p.csv", "cpu")
    assert known.probabilities == pytest.approx(p.probabilities[0], abs=1e-6)
    assert known.area == pytest.approx(0.25)
    assert known.nearest[0].image_id == of_train.image_id
    assert known.nearest[0].label == of_train.label
    assert known.nearest[0].distance < 1e-3
    assert [m.target for m in known.maps] == ["covid", "covid"]
    maps = read_maps(tmp_path / "out", known.name)
    for m in known.maps:
        heat = np.clip(maps[m.method], 0, None)
        assert heat.shape == (64, 64)
        if heat.sum():
            assert m.value("mass") == pytest.approx(heat[:, :16].sum() / heat.sum(), abs=1e-4)
    again = explain_films(bundle, [films], tmp_path / "out", asked)
    assert again == e
    other = explain_films(
        bundle, [films], tmp_path / "out", Asked(("grad-cam",), "normal", ("border",), pictures=False)
    )
    assert other.films[1].name != known.name
    assert (
        describe(tmp_path / "out" / "explanations.json", "explanations").facts["could not be explained"] == 1
    )
    with pytest.raises(InputError, match="the model has no class 'flu'"):
        explain_films(bundle, [films], tmp_path / "out", Asked(target="flu"))
