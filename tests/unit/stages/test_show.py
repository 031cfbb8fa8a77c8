"""Where something came from: every link of a whole run is verified, and each thing that is changed, lost or edited is told."""

import json
import runpy
import shutil
from pathlib import Path

import pytest

from hilum.artifacts.bundle import bundle_version
from hilum.artifacts.flow import IN_MANIFEST, STUDY_FILMS, Flow, FlowStep
from hilum.artifacts.header import Header, write_rows
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.run_folder import RunFolder
from hilum.augment.presets import preset
from hilum.core.digests import sha256_file
from hilum.core.errors import InputError
from hilum.stages.compare import compare_runs
from hilum.stages.show import show

SMALL = runpy.run_path(str(Path(__file__).parents[2] / "small_workspace.py"))
CELL = "squeezenet1_0--crop--low"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("workspace")
    return root, SMALL["make_workspace"](root)


@pytest.fixture
def copy(made, tmp_path):
    """A workspace to spoil; its manifests name the films of the first."""
    shutil.copytree(made[0], tmp_path / "w")
    return tmp_path / "w", tmp_path / "w" / "runs" / made[1].name


def one(what, **options):
    found = show(str(what), **options)
    assert len(found) == 1
    return found[0]


def links(artefact):
    """Every link of the tree, from the artefact down to the films."""
    for link in artefact.inputs:
        yield link
        if link.artefact is not None:
            yield from links(link.artefact)


def states(artefact):
    return {link.role: link.state for link in links(artefact)}


def test_predictions_lead_back_to_the_films(made):
    run = made[1]
    a = one(run / "cells" / CELL / "trial-1" / "predictions.csv", read_films=True)
    assert a.version == sha256_file(run / "cells" / CELL / "trial-1" / "predictions.csv")
    assert a.facts["by part"] == {"test": 16, "valid": 4}
    assert states(a) == {
        "the csv as written": "verified",
        "bundle of the same features, split and films": "verified",
        "trained weights of the head": "verified",
        "features": "verified",
        "backbone state": "unchecked",
        "split": "verified",
        "manifest": "verified",
        "duplicates": "verified",
        "32 films": "verified",
        "films of clinic": "verified",
        "train films": "verified",
        "valid films": "verified",
        "backbone weights (imagenet)": "unchecked",
    }
    manifests = {x.artefact.version for x in links(a) if x.role == "manifest"}
    assert manifests == {Manifest.read(made[0] / "manifest.csv").digest}


def test_films_are_counted_not_named(made):
    text = json.dumps(one(made[1]).to_dict())
    assert '"clinic": 32' in text
    assert "secret-patient" not in text
    assert "clinic/covid/1" not in text


@pytest.mark.parametrize("name", ["statistics.json", "evaluation.json", "report.html", "run.json", ""])
def test_nothing_of_a_whole_run_is_changed_or_missing(made, name):
    assert set(states(one(made[1] / name)).values()) <= {"verified", "unchecked"}


def test_whatever_statistics_were_computed_from_is_compared(made):
    found = {link.role: link.state for link in one(made[1] / "statistics.json").inputs}
    roles = ("study", "manifest", "splits", "predictions", "operating_points", "temperatures", "weights")
    assert found == dict.fromkeys(("the file as written", *roles), "verified")


def test_a_run_says_which_trial_was_touched(copy):
    _, run = copy
    csv = run / "cells" / CELL / "trial-2" / "predictions.csv"
    csv.write_text(csv.read_text().replace(",valid,", ",test,", 1))
    link = next(x for x in links(one(run)) if x.role == "4 trials")
    assert link.state == "changed"
    assert f"{CELL}/trial-2" in link.why
    assert states(one(run / "statistics.json"))["predictions"] == "changed"
    a = one(csv)
    assert a.facts["provenance"] == "edited"
    assert states(a)["the csv as written"] == "changed"


def test_other_weights_are_changed_and_no_weights_are_missing(copy):
    _, run = copy
    head = run / "cells" / CELL / "trial-1" / "bundle" / "head.safetensors"
    head.write_bytes(head.read_bytes()[:-1] + b"\xff")
    assert states(one(head.parent))["trained weights of the head"] == "changed"
    head.unlink()
    assert states(one(head.parent))["trained weights of the head"] == "missing"


def test_a_split_of_another_trial_is_not_taken_for_the_lost_one(copy):
    _, run = copy
    (run / "splits" / "trial-1.json").unlink()
    a = one(run / "cells" / CELL / "trial-1" / "bundle")
    found = {x.role: x for x in a.inputs}
    assert found["split"].state in ("missing", "changed")
    assert states(one(run / "cells" / CELL / "trial-2" / "bundle"))["split"] == "verified"


def test_films_that_changed_or_went_are_told(copy):
    root, _ = copy
    manifest = root / "manifest.csv"
    assert states(one(manifest))["32 films"] == "unchecked"
    film = root / "films" / "covid" / "3.png"
    data = film.read_bytes()
    film.write_bytes(data + b" ")
    assert states(one(manifest, read_films=True))["32 films"] == "changed"
    film.unlink()
    link = next(links(one(manifest)))
    assert (link.state, link.why) == ("missing", "1 file is not where the manifest says")


def test_a_selection_does_not_pretend_to_be_the_whole_source(made, tmp_path):
    whole = Manifest.read(made[0] / "manifest.csv")
    whole.only(f.image_id for f in whole.films if f.label == "covid").write(tmp_path / "manifest.csv")
    link = next(x for x in links(one(tmp_path / "manifest.csv")) if x.role == "films of clinic")
    assert (link.state, link.why) == ("unchecked", "this manifest holds a selection, 16 films of the source")


def test_prepared_films_that_are_others_are_told(copy):
    _, run = copy
    path = run / "prepared" / "crop--trial-1.json"
    value = json.loads(path.read_text())
    value["train"][0][2] = "0" * 64
    path.write_text(json.dumps(value))
    found = states(one(run / "cells" / CELL / "trial-1" / "bundle"))
    assert (found["train films"], found["valid films"]) == ("changed", "verified")


def test_two_names_with_equal_content_have_one_version(made, tmp_path):
    table = preset("crop", size_px=32).to_dict()
    (tmp_path / "mine.json").write_text(json.dumps({**table, "name": "mine"}))
    mine = one(tmp_path / "mine.json")
    theirs = {a.version for a in show("crop", workspace=made[0])}
    assert mine.name == "mine"
    assert mine.version in theirs
    assert mine.version == preset("crop", size_px=32).digest
    assert len(theirs) == 2  # the study's at 32 px, and the one that ships at 244


def test_a_bundle_that_was_copied_away_keeps_its_version_and_its_past(made, tmp_path):
    source = made[1] / "cells" / CELL / "trial-1" / "bundle"
    shutil.copytree(source, tmp_path / "served")
    a = one(tmp_path / "served", workspace=made[0])
    assert a.version == bundle_version(source)
    assert states(a)["train films"] == "verified"
    alone = states(one(tmp_path / "served"))
    assert (alone["trained weights of the head"], alone["split"], alone["train films"]) == (
        "verified",
        "missing",
        "missing",
    )


def test_a_trial_s_films_are_found_in_whichever_run_has_them(copy):
    root, run = copy
    shutil.copytree(run / "cells" / CELL / "trial-1" / "bundle", root / "trials" / "ab" / "bundle")
    other = root / "runs" / "another-000000000000"  # of the same splits, and of other pipelines
    shutil.copytree(run, other)
    shutil.rmtree(other / "prepared")
    found = states(one(root / "trials" / "ab"))
    assert (found["train films"], found["valid films"]) == ("verified", "verified")
    shutil.rmtree(run / "prepared")
    assert states(one(root / "trials" / "ab"))["train films"] == "missing"


def test_things_are_found_by_the_first_digits(made):
    root, run = made
    bundle = run / "cells" / CELL / "trial-2" / "bundle"
    assert one(bundle_version(bundle)[:10], workspace=root).where == str(bundle)
    assert one(run.name[-12:-4], workspace=root).kind == "run"
    assert one(Manifest.read(root / "manifest.csv").digest[:9], workspace=root).kind == "manifest"
    from hilum.artifacts.split import Split

    split = run / "splits" / "trial-2.json"
    assert one(Split.read(split).digest[:9], workspace=root).where == str(split)


def test_a_policy_and_a_study_are_found_by_name(made):
    root, run = made
    assert one("low", workspace=root).facts["patience"] == 2
    study = one("small", workspace=root)
    assert study.version == json.loads((run / "run.json").read_text())["study_digest"]
    assert {a.kind for a in show("experiment-2")} == {"study"}
    assert one("paper").kind == "suite"


def test_a_film_s_way_through_a_run(made):
    root, run = made
    a = one("clinic/covid/8", workspace=root)
    story = a.facts["in runs"][run.name]
    assert [(p["split"], p["part"]) for p in story["parts"]] == [("trial-1", "valid"), ("trial-2", "train")]
    assert {(d["prepared"], d["part"]) for d in story["drawn"]} == {
        (f"{p}--trial-{t}", part) for p in ("baseline", "crop") for t, part in ((1, "valid"), (2, "train"))
    }
    assert [p["trial"] for p in story["predicted"]] == [
        f"squeezenet1_0--{p}--low/trial-1" for p in ("baseline", "crop")
    ]
    assert story["predicted"][0]["p covid"] + story["predicted"][0]["p normal"] == pytest.approx(1)
    assert a.inputs[0].state == "verified"
    assert one(root / "films" / "covid" / "8.png").name == "clinic/covid/8"
    assert "secret-patient" not in json.dumps(a.to_dict())


def test_what_was_drawn_is_put_in_words(made):
    root, run = made
    value = json.loads((run / "prepared" / "crop--trial-1.json").read_text())
    drawn = one(value["train"][0][0], workspace=root).facts["in runs"][run.name]["drawn"]
    words = {d["prepared"]: d["drawn"] for d in drawn}
    assert words["crop--trial-1"].startswith("crop to the centre")
    assert words["baseline--trial-1"] == "nothing drawn"


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("smal", "did you mean 'small'?"),
        ("clinic/covid/99", "did you mean 'clinic/covid/9'?"),
        ("0123456789", "no version here begins with '0123456789'"),
        ("nothing.csv", "nothing.csv: no such file or folder"),
    ],
)
def test_what_is_not_there_is_told_with_the_nearest(made, what, message):
    with pytest.raises(InputError) as e:
        show(what, workspace=made[0])
    assert message in str(e.value)


def test_comparisons_of_runs_lead_to_the_runs(copy):
    root, run = copy
    path = root / "compared" / "comparisons.json"
    write_rows(path, [], Header("comparisons", {run.name: RunFolder(run).results_digest()}))
    assert states(one(path))[run.name] == "verified"
    (run / "cells" / CELL / "trial-1" / "predictions.csv").write_text("image_id\n")
    assert states(one(path))[run.name] == "changed"


def test_two_runs_that_hilum_compared_lead_to_both(copy):
    root, run = copy
    made = SMALL["make_workspace"](root / "other", "other", 1)
    other = Path(shutil.move(made, root / "runs"))
    compare_runs([run, other], root / "compared", n_resamples=100)
    found = {x.role: x.state for x in one(root / "compared" / "comparisons.json").inputs}
    assert found == dict.fromkeys(("the file as written", run.name, other.name), "verified")


def test_a_torn_run_hides_no_other(copy):
    root = copy[0]
    torn = root / "runs" / "torn-000000000000"
    torn.mkdir()
    (torn / "run.json").write_text("{")
    assert one("low", workspace=root).kind == "policy"
    with pytest.raises(InputError, match="no version here begins"):
        show("0123456789", workspace=root)
    with pytest.raises(InputError, match="expected JSON"):
        show("torn-000000000000", workspace=root)


def test_the_flow_of_films_names_its_counts(copy):
    _, run = copy
    films = Manifest.read(run / "manifest.csv")
    steps = [FlowStep(IN_MANIFEST, 40), FlowStep(STUDY_FILMS, 32, {"class other": 8})]
    inputs = {"manifest": "f" * 64, "films": films.digest}
    Flow(steps, [], Header("flow", inputs)).write(run / "flow.json")
    a = one(run / "flow.json")
    assert a.facts == {"films in the manifest": 40, "films of the study": 32, "trials": 0}
    assert states(a)["films"] == "verified"
    assert states(a)["manifest"] == "unchecked"


def test_a_cell_and_a_trial(made):
    cell = one(made[1] / "cells" / CELL)
    assert (cell.facts["pipeline"], cell.facts["schedule"]) == ("crop", "low")
    assert [x.state for x in cell.inputs] == ["verified"] * 3
    assert one(made[1] / "cells" / CELL / "trial-1").kind == "trial"


def test_predictions_of_unknown_origin_say_so(tmp_path):
    (tmp_path / "p.csv").write_text("image_id,patient_id,part,y_true,p_a,p_b\nx,,test,a,.5,.5\n")
    a = one(tmp_path / "p.csv")
    assert a.facts["provenance"] == "unknown"
    assert a.inputs == ()
