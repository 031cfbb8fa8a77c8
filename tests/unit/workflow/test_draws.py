"""Which films a trial sees: copies, shares, sources left out, and the faults that act on the draw."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.split import AnySplit, UnsafeSplit
from hilum.augment.pipeline import Pipeline
from hilum.core.errors import InputError
from hilum.core.seeding import generator
from hilum.stages.duplicates import exact_duplicates
from hilum.stages.prepare import prepare_film
from hilum.study.file import Study
from hilum.workflow.drawing import Drawing, TrialDraw
from hilum.workflow.draws import StudyDraws
from hilum.workflow.plan import recipes

LABELS = ("bacterial", "covid", "normal", "viral")
MANIFEST = Manifest(
    [FilmRow(f"s/{k}", f"s:{k}", "", str(k), str(k), LABELS[k % 4], "ab"[k % 3 == 0]) for k in range(400)],
    Header("manifest"),
)
LABEL = {f.image_id: f.label for f in MANIFEST.films}
SOURCE = {f.image_id: f.source for f in MANIFEST.films}


def study(**tables: object) -> Study:
    return Study.model_validate(
        {
            "name": "s",
            "seed": 5,
            "data": {"classes": list(LABELS)},
            "grid": {"pipelines": ["baseline", "crop"], "trials": 2},
            **tables,
        }
    )


def draws(manifest: Manifest = MANIFEST, **tables: object) -> StudyDraws:
    s = study(**tables)
    return StudyDraws(s, recipes(s), manifest, exact_duplicates(manifest))


def plain(trial: int = 1) -> AnySplit:
    return draws().split(Drawing(5), trial)


def test_a_class_that_is_sampled_is_drawn_with_replacement_and_the_others_are_taken_once() -> None:
    train = plain().parts["train"]
    copies = draws(sampling={"covid": 90}).copies(Drawing(5), 1)
    n = Counter({c: sum(k for i, k in copies.items() if LABEL[i] == c) for c in LABELS})
    assert n == Counter({c: 90 if c == "covid" else sum(LABEL[i] == c for i in train) for c in LABELS})
    assert max(k for i, k in copies.items() if LABEL[i] == "covid") > 1
    share = draws(sampling={"covid": 2.0}).copies(Drawing(5), 1)
    assert sum(k for i, k in share.items() if LABEL[i] == "covid") == 2 * sum(
        LABEL[i] == "covid" for i in train
    )


def test_the_split_is_redrawn_with_the_trial_only_if_the_study_says_so() -> None:
    for varying in (["split"], ["head"]):
        one, two = (draws(redraw_with_trial=varying).split(Drawing(5), trial).parts for trial in (1, 2))
        assert one["test"] == two["test"]
        assert (one["train"] != two["train"]) == (one["valid"] != two["valid"]) == ("split" in varying)


def test_copies_of_a_film_are_numbered_and_each_is_drawn_for_itself() -> None:
    drawn = draws(sampling={"covid": 90})
    copies = drawn.copies(Drawing(5), 1)
    wanted = drawn.parts(TrialDraw("crop", Drawing(5), 1))["train"]
    assert Counter(i for i, _ in wanted) == copies
    for image_id, n in copies.items():
        assert [w.copy for i, w in wanted if i == image_id] == list(range(n))
    film = generator(1, "film").integers(0, 256, (80, 80), dtype=np.uint8)
    zoom = {"op": "zoom_random", "percentage_area": 0.5}
    always = Pipeline.from_dict(
        {"name": "crop", "steps": [{"op": "resize", "width_px": 64, "height_px": 64}, zoom]}
    )
    often = max(copies, key=lambda i: copies[i])
    made, pixels = prepare_film(film, "the film", [w for i, w in wanted if i == often], {"crop": always})
    assert len({str(drawn) for _, _, drawn in made}) == len(pixels) == copies[often] > 1


def test_copies_change_with_the_trial_only_if_the_study_says_so() -> None:
    for varying in (["sampling"], ["head"]):
        drawn = draws(sampling={"covid": 30}, redraw_with_trial=varying)
        one, two = (drawn.copies(Drawing(5), trial) for trial in (1, 2))
        assert (one != two) == ("sampling" in varying)


def test_wanted_films_keep_test_fixed_and_vary_train_with_the_trial() -> None:
    drawn = draws()
    wanted = [drawn.parts(TrialDraw("crop", Drawing(5), t)) for t in (1, 2)]
    assert wanted[0]["test"] == wanted[1]["test"]
    seeds = [{w.seed for _, w in parts["train"]} for parts in wanted]
    assert all(len(x) == 1 for x in seeds)
    assert seeds[0] != seeds[1]
    everything = drawn.wanted
    assert set(everything) == set(LABEL)
    assert all(len(ws) == len(set(ws)) for ws in everything.values())


def test_a_share_of_the_training_films_is_by_class_and_nested() -> None:
    whole, half, tenth = (draws().split(Drawing(5, fraction=f), 1) for f in (1.0, 0.5, 0.1))
    assert set(tenth.parts["train"]) < set(half.parts["train"]) < set(whole.parts["train"])
    for c in LABELS:
        n, h = (sum(LABEL[i] == c for i in s.parts["train"]) for s in (whole, half))
        assert h == round(n / 2)
    assert half.parts["test"] == whole.parts["test"]
    assert half.parts["valid"] == whole.parts["valid"]


def test_a_source_left_out_is_tested_on_whole_and_alone_and_never_trained_on() -> None:
    left_out = {i for i, s in SOURCE.items() if s == "b"}
    one, two = (draws().split(Drawing(5, source_left_out="b"), t) for t in (1, 2))
    for split in (one, two):
        assert set(split.parts["test"]) == left_out
        assert set(split.parts["train"]) | set(split.parts["valid"]) == set(SOURCE) - left_out
        n = {c: sum(LABEL[i] == c for i in split.parts["valid"]) for c in LABELS}
        others = {c: sum(LABEL[i] == c and SOURCE[i] == "a" for i in LABEL) for c in LABELS}
        assert n == {c: -(-k // 5) for c, k in others.items()}  # a fifth of the others, rounded up
    assert one.parts["valid"] != two.parts["valid"]
    assert one.header.options["without"] == "b"


def test_a_copy_of_a_film_of_the_source_left_out_is_not_trained_on() -> None:
    twins = [replace(f, pixels_sha256="twin") if f.image_id in ("s/0", "s/1") else f for f in MANIFEST.films]
    manifest = Manifest(twins, MANIFEST.header)  # s/0 is of source b, s/1 of a
    split = draws(manifest).split(Drawing(5, source_left_out="b"), 1)
    assert split.part_of["s/0"] == "test"
    assert "s/1" not in split.part_of
    assert split.header.options["left_out_with_source"] == 1


def test_a_class_that_only_the_source_left_out_has_is_refused() -> None:
    lonely = Manifest(
        [FilmRow(f"{k}", f"p:{k}", "", str(k), str(k), LABELS[k % 4], LABELS[k % 4]) for k in range(80)],
        Header("manifest"),
    )
    with pytest.raises(
        InputError, match=r"all 20 films of class 'covid' come from the source left out, 'covid'"
    ):
        draws(lonely).split(Drawing(5, source_left_out="covid"), 1)


def test_the_overlapping_draw_keeps_the_test_films_and_shares_half_of_them() -> None:
    split = draws().split(Drawing(5).under("overlapping_test_draw"), 1)
    assert isinstance(split, UnsafeSplit)
    assert split.parts["test"] == plain().parts["test"]
    assert abs(split.n_shared / len(split.parts["test"]) - 0.5) < 0.15
    assert split.header.kind == "unsafe split"


def test_films_drawn_one_by_one_leave_one_of_each_group_in_test_and_train_on_the_others() -> None:
    patients = Manifest(
        [replace(f, patient_id=f"p{k // 12}-{k % 4}") for k, f in enumerate(MANIFEST.films)], MANIFEST.header
    )  # three films a patient, of one class
    drawn = draws(patients)
    honest = drawn.split(Drawing(5), 1)
    for trial in (1, 2):
        plain, leaky = (
            drawn.split(d, trial) for d in (Drawing(5), Drawing(5).under("films_drawn_one_by_one"))
        )
        assert isinstance(leaky, UnsafeSplit)
        test, moved = set(leaky.parts["test"]), set(plain.parts["test"]) - set(leaky.parts["test"])
        assert moved <= set(leaky.parts["train"])
        assert len(leaky.parts["train"]) == len(plain.parts["train"])
        assert leaky.parts["valid"] == plain.parts["valid"]
        groups = [honest.group_of[i] for i in plain.parts["test"]]
        assert len(test) == len(set(groups)) == len({honest.group_of[i] for i in test})
        several = sum(n > 1 for n in Counter(groups).values())
        assert leaky.leaked == (several, len(groups) - len(set(groups)))
        assert Counter(LABEL[i] for i in leaky.parts["train"]) == Counter(
            LABEL[i] for i in plain.parts["train"]
        )
    assert drawn.split(Drawing(5).under("films_drawn_one_by_one"), 1).parts["test"] == leaky.parts["test"]


def test_test_as_validation() -> None:
    split = draws().split(Drawing(5).under("test_as_validation"), 1)
    assert split.parts["valid"] == split.parts["test"] == plain().parts["test"]
    assert split.parts["train"] == plain().parts["train"]


def test_unseeded_draws_differ_each_time_and_are_kept_by_the_run(tmp_path: Path) -> None:
    first, again = (draws(unsafe={"unseeded_draws": True}) for _ in range(2))
    drawing = first.drawings[1]
    a, b = first.split(drawing, 1), again.split(drawing, 1)
    assert a.parts["test"] == b.parts["test"] == plain().parts["test"]
    assert a.parts["train"] != b.parts["train"]
    assert first.wanted != again.wanted
    assert first.keep_in(tmp_path) == again.keep_in(tmp_path) == 4  # two drawings of two trials
    assert again.split(drawing, 1).parts == a.parts
    assert again.copies(drawing, 1) == first.copies(drawing, 1)
    assert again.wanted == first.wanted
    assert (tmp_path / "seed-5--unseeded_draws" / "trial-1.json").is_file()
    assert (tmp_path / "trial-1.json").is_file()
