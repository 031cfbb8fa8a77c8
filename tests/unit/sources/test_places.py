"""Paths of tables: as Windows writes them, outside the csv's folder, and folders that hold several sets."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Literal
from unicodedata import normalize

import numpy as np
import pytest
from PIL import Image

from hilum.artifacts.manifest import Manifest
from hilum.core.errors import InputError
from hilum.stages.ingest import Ingested
from ingesting import run


def picture(root: Path, *names: str) -> Path:
    """Pictures of these names; the pixels follow from the name below the root."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        seed = sum(map(ord, name))
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 20), np.uint8)).save(path)
    return root


def table(path: Path, *names: str, extra: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{name},{('covid', 'normal')[k % 2]},P{k}" for k, name in enumerate(names)]
    path.write_text("\n".join(["path,label,patient_id", *rows, extra]), encoding="utf-8")
    return path


def places(done: Ingested, root: Path) -> dict[str, str]:
    return {f.image_id: os.path.relpath(f.path, root) for f in done.manifest.films}


NAMES = ("images/covid/a.png", "images/normal/a.png")


@pytest.mark.parametrize(
    "written",
    [
        (r"images\covid\a.png", r"images\normal\a.png"),
        (r"images\covid/a.png", r".\images/normal\a.png"),
        (r"..\t\images\covid\a.png", "images/normal/a.png"),
        (r"C:\study\images\covid\a.png", r"C:\study\images\normal\a.png"),
        ("C:/images/covid/a.png", "c:/images/normal/a.png"),
        (r"\\server\share\x-rays\images\covid\a.png", r"\\server\share\x-rays\images\normal\a.png"),
    ],
)
def test_paths_that_windows_wrote_are_read(tmp_path: Path, written: tuple[str, ...]) -> None:
    root = picture(tmp_path / "t", *NAMES)
    done = run(tmp_path, table(root / "t.csv", *written))
    assert places(done, root) == {"t/images/covid/a": NAMES[0], "t/images/normal/a": NAMES[1]}

    if written[0].startswith(".."):
        return  # from another folder, these lead elsewhere
    labels = tmp_path / "l.csv"
    shutil.copy(root / "t.csv", labels)
    (root / "t.csv").unlink()
    by_labels = run(tmp_path, root, labels=labels, layouts={"t": "folder"})
    assert [f.patient_id for f in by_labels.manifest.films] == ["t:P0", "t:P1"]


def test_a_backslash_that_belongs_to_a_name_is_kept(tmp_path: Path) -> None:
    root = picture(tmp_path / "t", r"images\a.png", "images/a.png")
    done = run(tmp_path, table(root / "t.csv", r"images\a.png", "images/a.png"))
    assert sorted(places(done, root).values()) == ["images/a.png", r"images\a.png"]


def test_paths_with_backslashes_that_lead_nowhere_are_explained(tmp_path: Path) -> None:
    root = picture(tmp_path / "t", "a.png")
    gone = table(root / "t.csv", r"films\b.png", r"films\c.png")
    with pytest.raises(InputError) as refused:
        run(tmp_path, gone)
    assert (
        "2 no such file; the first: 'films\\\\b.png': line 2 of t.csv names a file that is not there"
        in str(refused.value)
    )
    assert (
        f"it has backslashes, as Windows writes paths, and was looked for as {str(root / 'films/b.png')!r}"
        in str(refused.value)
    )
    done = run(tmp_path, table(root / "t.csv", "a.png", "D:/b.png"))
    assert "it has a drive, as Windows writes paths" in done.exclusions[0].detail


def test_ids_are_the_same_on_every_machine(tmp_path: Path) -> None:
    """Three machines: films elsewhere under full paths, films beside the table's folder, another user's folder."""
    ids = []
    for k, machine in enumerate(("home/ann", "mnt/data/x/y")):
        root = picture(tmp_path / machine / "films", "covid/1.png", "normal/1.png", "normal/2.png")
        full = [str(root / n) for n in ("covid/1.png", "normal/1.png", "normal/2.png")]
        absolute = run(tmp_path, f"s={table(tmp_path / f'tables{k}/t.csv', *full)}")
        upward = ["../films/covid/1.png", "../films/normal/1.png", "../films/./normal/2.png"]
        relative = run(tmp_path, f"s={table(tmp_path / machine / 'tables/t.csv', *upward)}")
        ids += [set(places(absolute, root)), set(places(relative, root))]
    assert ids == [{"s/covid/1", "s/normal/1", "s/normal/2"}] * 4


def test_films_outside_are_told_from_films_inside(tmp_path: Path) -> None:
    root = picture(tmp_path / "t", "a/1.png", "2.png")
    picture(tmp_path / "o", "a/1.png", "b/3.png")
    outside = [str(tmp_path / "o/a/1.png"), "../o/b/3.png"]
    done = run(tmp_path, table(root / "t.csv", "a/1.png", "2.png", *outside))
    assert places(done, tmp_path) == {
        "t/a/1": "t/a/1.png", "t/2": "t/2.png", "t/1": "o/a/1.png", "t/3": "o/b/3.png"
    }  # fmt: skip


# --- several sets


def test_a_folder_around_known_sets_is_refused_with_what_to_type(tmp_path: Path) -> None:
    root = tmp_path / "data"
    picture(
        root,
        "rad/COVID-19_Radiography_Dataset/COVID/COVID-1.png",
        "rad/COVID-19_Radiography_Dataset/Normal/Normal-2.png",
    )
    picture(
        root, "kids/train/PNEUMONIA/person1_virus_6.jpeg", "kids/test/NORMAL/IM-0001-0001.jpeg", "mine/a.png"
    )
    picture(root, "nih/images/1.png")
    table(root / "nih/films.csv", "images/1.png")
    with pytest.raises(InputError) as refused:
        run(tmp_path, root)
    assert str(refused.value).splitlines() == [
        f"{root} holds 3 sets of films, which are no classes: kids (mooney), nih (csv), rad/COVID-19_Radiography_Dataset "
        "(radiography). Give each as a SOURCE of its own:",
        f"  hilum ingest kids={root}/kids nih={root}/nih rad={root}/rad/COVID-19_Radiography_Dataset --no-patient-ids rad "
        "--out manifest.csv",
        " Films lie in other folders too: mine. If the folders are classes all the same, add --layout NAME=folder.",
    ]
    command = str(refused.value).splitlines()[1].split()
    done = run(tmp_path, *command[2:5], no_patient_ids=["rad"])
    assert {(c.source, c.layout) for c in done.counts} == {
        ("kids", "mooney"),
        ("nih", "csv"),
        ("rad", "radiography"),
    }
    as_classes = run(tmp_path, root, layouts={"data": "folder"}, no_patient_ids=["data"])
    assert as_classes.manifest.count_by("label") == {"kids": 2, "mine": 1, "nih": 1, "rad": 2}


def test_folders_that_all_hold_the_same_classes_are_refused(tmp_path: Path) -> None:
    root = picture(
        tmp_path / "s", "north/covid/1.png", "north/normal/2.png", "south/Covid/3.png", "south/normal/4.png"
    )
    with pytest.raises(
        InputError,
        match=r"its folders north, south all hold the folders covid, normal.*add --layout NAME=folder",
    ):
        run(tmp_path, root, no_patient_ids=["s"])
    for names in (("covid/PA/1.png", "covid/AP/2.png", "normal/PA/3.png", "normal/AP/4.png"),
                  ("covid/p1/1.png", "covid/p2/2.png", "normal/p1/3.png", "normal/p2/4.png")):  # fmt: skip
        shutil.rmtree(root)
        picture(root, *names)
        assert set(run(tmp_path, root, no_patient_ids=["s"]).manifest.count_by("label")) == {
            "covid",
            "normal",
        }


def test_a_film_reached_by_a_link_counts_once(tmp_path: Path) -> None:
    root = picture(tmp_path / "s", "covid/1.png", "covid/deep/2.png", "normal/3.png")
    (root / "covid/again").symlink_to(root / "covid/deep")
    (root / "covid/0.png").symlink_to(root / "covid/1.png")
    done = run(tmp_path, root, no_patient_ids=["s"])
    assert places(done, root) == {
        "s/covid/1": "covid/1.png", "s/covid/deep/2": "covid/deep/2.png", "s/normal/3": "normal/3.png"
    }  # fmt: skip
    assert {e.path: e.reason for e in done.exclusions} == {
        "covid/0.png": "listed twice",
        "covid/again/2.png": "listed twice",
    }
    (root / "normal/2.png").symlink_to(root / "covid/deep/2.png")
    with pytest.raises(
        InputError,
        match=r"'normal/2.png' is a link to 'covid/deep/2.png', and their classes differ \('normal', 'covid'\)",
    ):
        run(tmp_path, root, no_patient_ids=["s"])


def test_a_set_below_a_loose_picture_is_no_class(tmp_path: Path) -> None:
    root = picture(tmp_path / "s", "x/COVID/COVID-1.png", "x/Normal/Normal-1.png", "cover.png")
    with pytest.raises(
        InputError, match=r"holds a set of films, which is no class: x \(radiography\). Give it as a SOURCE"
    ):
        run(tmp_path, root, no_patient_ids=["s"])


def test_a_table_may_end_with_tsv(tmp_path: Path) -> None:
    root = picture(tmp_path / "t", "a.png", "b.png")
    (root / "t.tsv").write_text("path\tlabel\tpatient_id\na.png\tcovid\t1\nb.png\tnormal\t2\n")
    assert places(run(tmp_path, root / "t.tsv"), root) == {"t/a": "a.png", "t/b": "b.png"}
    (root / "t.tsv").write_text("path\tlabel\n")
    with pytest.raises(InputError, match=r"t.tsv has no row that names a film"):
        run(tmp_path, root / "t.tsv")


def test_a_folders_table_in_another_encoding_is_refused_and_not_overlooked(tmp_path: Path) -> None:
    root = picture(tmp_path / "t", "a.png", "b.png")
    (root / "t.csv").write_bytes("path,label,note\na.png,covid,\u00e9\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"t.csv line 2: expected text in UTF-8 .*Windows-1252"):
        run(tmp_path, root)
    (root / "t.csv").write_bytes("path\tlabel\tpatient_id\na.png\tcovid\t1\n".encode("utf-16"))
    (root / "t.csv").rename(root / "t.tsv")
    assert places(run(tmp_path, root), root) == {"t/a": "a.png"}


def test_a_path_that_no_file_can_have_leaves_out_its_row_alone(tmp_path: Path) -> None:
    root = picture(tmp_path / "t", *NAMES)
    done = run(tmp_path, table(root / "t.csv", *NAMES, "x" * 300 + ".png", "C:\\" + "y" * 300 + ".png"))
    assert (len(done.manifest), done.excluded) == (2, {("t", "no such file"): 2})


@pytest.mark.parametrize(("there", "written"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_accents_of_names_may_be_written_as_another_system_does(
    tmp_path: Path, there: Literal["NFC", "NFD"], written: Literal["NFC", "NFD"]
) -> None:
    names = ("k\u00e4/\u00e9.png", "k\u00e4/b.png")
    root = picture(tmp_path / "t", *(normalize(there, n) for n in names))
    asked = [normalize(written, n) for n in names]
    done = run(tmp_path, table(root / "t.csv", *asked))
    assert len(done.manifest) == 2

    (root / "t.csv").unlink()
    labels = table(tmp_path / "l.csv", *asked)
    by_labels = run(tmp_path, root, labels=labels)
    assert sorted(f.patient_id for f in by_labels.manifest.films) == ["t:P0", "t:P1"]


def test_an_empty_path_is_not_the_folder_that_one_is_in(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="SOURCE 'x=': no such folder or csv"):
        run(tmp_path, "x=")


def test_parts_that_all_hold_the_classes_are_parts(tmp_path: Path) -> None:
    names = [f"{p}/{c}/{k}.png" for p in ("Training", "Testing") for c in ("a", "b") for k in range(2)]
    done = run(tmp_path, picture(tmp_path / "t", *names), no_patient_ids=["t"])
    assert {(f.source_part, f.label) for f in done.manifest.films} == {
        (p, c) for p in ("Training", "Testing") for c in ("a", "b")
    }


@pytest.mark.parametrize(
    ("film", "mask"),
    [
        ("{c}/{k}.png", "{c}/masks/{k}.png"),
        ("{c}/{k}.png", "{c}/{k}_mask.png"),
        ("{c}/{k}.png", "{c}/Lung_Masks/{k}-mask.png"),
        ("images/{c}/{k}.png", "masks/{c}/{k}.png"),
        ("{c}/img/{k}.png", "{c}/mask/{k}.png"),
        ("{c}/images/{k}.png", "{c}/lung masks/{k} lung mask.png"),
    ],
)
def test_masks_are_no_films_wherever_they_lie(tmp_path: Path, film: str, mask: str) -> None:
    of = [(film.format(c=c, k=k), mask.format(c=c, k=k)) for c in ("covid", "normal") for k in range(2)]
    root = picture(tmp_path / "t", *(n for pair in of for n in pair))
    done = run(tmp_path, root, no_patient_ids=["t"])
    found = {os.path.relpath(f.path, root): os.path.relpath(f.lung_mask, root) for f in done.manifest.films}
    assert found == dict(of)
    assert sorted(f.label for f in done.manifest.films) == ["covid", "covid", "normal", "normal"]


def test_a_class_may_be_called_as_masks_are(tmp_path: Path) -> None:
    done = run(
        tmp_path, picture(tmp_path / "t", "mask/1.png", "no mask/1.png", "mask/2.png"), no_patient_ids=["t"]
    )
    assert sorted(f.label for f in done.manifest.films) == ["mask", "mask", "no mask"]


def test_a_folder_called_not_known_is_no_class(tmp_path: Path) -> None:
    root = picture(tmp_path / "t", "a/1.png", "b/1.png", "Unknown/1.png", "nan/1.png")
    done = run(tmp_path, root, no_patient_ids=["t"])
    assert [f.label for f in done.manifest.films] == ["a", "b"]
    assert done.excluded == {("t", "no label"): 2}
    assert [f.label for f in Manifest.read(done.manifest_path).films] == ["a", "b"]
