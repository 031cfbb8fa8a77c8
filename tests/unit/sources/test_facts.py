"""Who is believed about a film: a table before the film's header, the header before a name; views, parts and other columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from hilum.core.errors import InputError
from hilum.sources.facts import age_group_of, view_of, views_asked, years_of
from hilum.stages.ingest import Ingested
from ingesting import run, write_csv


def picture(root: Path, *names: str, size: tuple[int, int] = (20, 20)) -> Path:
    """Pictures of these names; no two alike."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        seed = sum(map(ord, str(path)))
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, size, np.uint8)).save(path)
    return root


def dicom(path: Path, **values: object) -> None:
    """A small DICOM film; its pixels follow from its name."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid(entropy_srcs=[str(path)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.Modality, ds.Rows, ds.Columns = "DX", 32, 32
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    seed = sum(map(ord, str(path)))
    ds.PixelData = np.random.default_rng(seed).integers(0, 256, (32, 32), np.uint8).tobytes()
    for name, value in {"PatientID": f"p-{path.stem}", **values}.items():
        setattr(ds, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)


def facts(done: Ingested, *columns: str) -> dict[str, tuple[str, ...]]:
    return {f.image_id: tuple(f.value(c) for c in columns) for f in done.manifest.films}


def layouts(done: Ingested) -> set[str]:
    return {c.layout for c in done.counts}


# --- names


def test_own_folders_called_as_a_public_set_are_not_that_set(tmp_path: Path) -> None:
    """A hospital's covid/covid1.dcm, normal/normal70.dcm: ages are the headers', not the set's."""
    root = tmp_path / "F"
    for k, n in enumerate((70, 1500)):
        dicom(root / f"COVID/COVID-{k + 1}.dcm", PatientAge="004Y")
        dicom(root / f"Normal/Normal-{n}.dcm", PatientAge="070Y")
    done = run(tmp_path, root)
    assert layouts(done) == {"folder"}
    assert facts(done, "age_group", "age") == {
        "F/COVID/COVID-1": ("child", "4"),
        "F/COVID/COVID-2": ("child", "4"),
        "F/Normal/Normal-70": ("adult", "70"),
        "F/Normal/Normal-1500": ("adult", "70"),
    }
    settled = run(tmp_path, root, layouts={"F": "radiography"})
    assert layouts(settled) == {"radiography"}
    assert facts(settled, "age_group") == {i: (a,) for i, (a, _) in facts(done, "age_group", "age").items()}


@pytest.mark.parametrize(
    ("names", "size", "layout"),
    [
        (("COVID/COVID-1.png", "Normal/Normal-1.png"), (20, 20), "radiography"),
        (("COVID/COVID (1).png", "NORMAL/NORMAL (1).png"), (20, 20), "radiography"),
        (("COVID/COVID-1.png", "Normal/Normal-1.png"), (20, 24), "folder"),
        (("covid/covid-1.png", "normal/normal-1.png"), (20, 20), "folder"),
        (("COVID/COVID1.png", "Normal/Normal1.png"), (20, 20), "folder"),
        (("COVID/COVID-1.bmp", "Normal/Normal-1.bmp"), (20, 20), "folder"),
        (("train/NORMAL/IM-0001-0001.jpeg", "test/PNEUMONIA/person1_virus_6.jpeg"), (20, 24), "mooney"),
        (("train/normal/IM-0001-0001.jpg", "train/pneumonia/IM-0002-0001.jpg"), (20, 24), "folder"),
        (("normal/IM-0001-0001.png", "viral/IM-0002-0001.png"), (20, 24), "folder"),
    ],
)
def test_a_public_set_needs_more_evidence_than_a_name(
    tmp_path: Path, names: tuple[str, ...], size: tuple[int, int], layout: str
) -> None:
    declared = [] if layout == "mooney" else ["s"]
    if layout == "mooney":
        names = (*names, "train/PNEUMONIA/person2_bacteria_3.jpeg")
    done = run(tmp_path, picture(tmp_path / "s", *names, size=size), no_patient_ids=declared)
    assert layouts(done) == {layout}
    said = [n for n in done.notes if "read as the public set" in n]
    assert len(said) == (layout != "folder")
    assert all("--layout s=folder" in n for n in said)


def test_masks_of_another_size_and_a_broken_film_do_not_hide_the_radiography_set(tmp_path: Path) -> None:
    root = picture(
        tmp_path / "s", *(f"{c}/images/{c}-{k}.png" for c in ("COVID", "Normal") for k in range(1, 9))
    )
    picture(
        root,
        *(f"COVID/masks/COVID-{k}.png" for k in range(1, 9)),
        "Normal/images/Normal-9.png",
        size=(16, 16),
    )
    (root / "Normal/images/Normal-1.png").write_bytes(b"")
    for twin in ("COVID/images/._COVID-1.png", "._notes.png", ".DS_Store"):
        (root / twin).write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X        ")
    done = run(tmp_path, root, no_patient_ids=["s"])
    assert layouts(done) == {"radiography"}
    assert done.excluded == {("s", "empty"): 1, ("s", "not a film file"): 3}


def test_films_of_several_sizes_are_not_the_radiography_set(tmp_path: Path) -> None:
    root = picture(tmp_path / "s", "COVID/COVID-1.png", "Normal/Normal-1.png")
    picture(root, "Normal/Normal-2.png", size=(24, 24))
    assert layouts(run(tmp_path, root, no_patient_ids=["s"])) == {"folder"}


def test_a_labels_file_goes_before_header_and_name(tmp_path: Path) -> None:
    root = picture(tmp_path / "s", "COVID/COVID-1.png", "Normal/Normal-1404.png")
    dicom(tmp_path / "d/covid/a.dcm", PatientAge="070Y", ViewPosition="AP", PatientSex="M")
    rows = [
        ("path", "label", "age", "view", "sex", "scanner"),
        ("COVID/COVID-1.png", "", "9", "PA", "", "X1"),
    ]
    labels = write_csv(tmp_path / "l.csv", *rows, ("covid/a.dcm", "", "5", "pa", "f", "n/a"))
    done = run(tmp_path, root, tmp_path / "d", labels=labels, no_patient_ids=["s"])
    assert facts(done, "age_group", "age", "view", "sex", "scanner") == {
        "s/COVID/COVID-1": ("child", "9", "PA", "", "X1"),
        "s/Normal/Normal-1404": ("adult", "", "", "", ""),
        "d/covid/a": ("child", "5", "PA", "F", ""),
    }


def test_what_mooneys_names_say_gives_way_to_a_header(tmp_path: Path) -> None:
    dicom(tmp_path / "m/train/PNEUMONIA/person1_virus_6.dcm", PatientAge="070Y", PatientID="real")
    dicom(tmp_path / "m/train/PNEUMONIA/person2_bacteria_6.dcm", PatientID="NA")
    done = run(tmp_path, tmp_path / "m", layouts={"m": "mooney"})
    assert facts(done, "patient_id", "age_group") == {
        "m/train/PNEUMONIA/person1_virus_6": ("m:real", "adult"),
        "m/train/PNEUMONIA/person2_bacteria_6": ("m:person2", "child"),
    }


# --- ages and views


def test_ages() -> None:
    ages = (
        "065Y",
        "65",
        "18",
        "17.9",
        "215M",
        "216M",
        "12 months",
        "930W",
        "3 days",
        "5yo",
        "60-69",
        "Y",
        "",
    )
    assert [years_of(a) for a in ages] == [
        "65", "65", "18", "17.9", "17.92", "18", "1", "17.82", "0.008214", "5", "", "", "",
    ]  # fmt: skip
    groups = ["adult"] * 3 + ["child"] * 2 + ["adult"] + ["child"] * 4 + [""] * 3
    assert [age_group_of(a) for a in ages] == groups


@pytest.mark.parametrize(
    ("texts", "view"),
    [
        (("PA", "pa", " P.A. view", "Postero-Anterior", "PA_erect", "chest PA"), "PA"),
        (("AP", "antero-posterior", "AP portable"), "AP"),
        (("AP Supine", "AP SUPINE", "supine"), "AP Supine"),
        (("L", "LL", "RL", "LAT", "Lateral", "left lateral", "LATERAL"), "Lateral"),
        (("LLO", "RAO", "oblique"), "Oblique"),
        (("LLD", "RLD", "left lateral decubitus"), "Decubitus"),
        (("", "?", "nan", "unknown"), ""),
        (("Swimmer's",), "Swimmer's"),
    ],
)
def test_views_have_one_spelling(texts: tuple[str, ...], view: str) -> None:
    assert {view_of(t) for t in texts} == {view}


def lateral_set(tmp_path: Path) -> Path:
    for k, view in enumerate(("PA", "AP", "LL", "RL", "LATERAL", "RAO", None)):
        dicom(tmp_path / f"d/covid/{k}.dcm", **({} if view is None else {"ViewPosition": view}))
    dicom(tmp_path / "d/normal/n.dcm", ViewPosition="")
    return tmp_path / "d"


def test_laterals_are_left_out_unless_views_ask_for_them(tmp_path: Path) -> None:
    root = lateral_set(tmp_path)
    done = run(tmp_path, root)
    assert facts(done, "view") == {
        "d/covid/0": ("PA",), "d/covid/1": ("AP",), "d/covid/6": ("",), "d/normal/n": ("",)
    }  # fmt: skip
    assert done.excluded == {("d", "not frontal"): 4}
    details = {e.path: e.detail for e in done.exclusions}
    assert details["covid/2.dcm"] == "view 'Lateral'; --views names the views to keep"
    assert run(tmp_path, root, views=["all"]).manifest.count_by("view") == {
        "": 2, "AP": 1, "Lateral": 3, "Oblique": 1, "PA": 1
    }  # fmt: skip
    asked = run(tmp_path, root, views=["pa,LL", "unknown"])
    assert asked.manifest.count_by("view") == {"": 2, "Lateral": 3, "PA": 1}
    assert asked.manifest.header.options["views"] == ["Lateral", "PA", "unknown"]
    assert "views" not in done.manifest.header.options
    only = run(tmp_path, root, views=["PA"])
    assert only.manifest.count_by("view") == {"PA": 1}
    details = {e.path: e.detail for e in only.exclusions}
    assert only.excluded == {("d", "view not asked for"): 7}
    assert details["normal/n.dcm"] == "nobody tells its view; --views unknown keeps it"
    with pytest.raises(InputError, match=r"--views 'laterl': no such view; did you mean 'Lateral'"):
        views_asked(["PA,laterl"])


def test_laterals_of_a_table_are_left_out_before_they_need_a_patient(tmp_path: Path) -> None:
    picture(tmp_path / "t", "a.png", "b.png", "c.png")
    rows = [("path", "label", "patient_id", "view"), ("a.png", "covid", "1", "posteroanterior")]
    table = write_csv(tmp_path / "t/t.csv", *rows, ("b.png", "covid", "", "L"), ("c.png", "covid", "2", "-"))
    done = run(tmp_path, table)
    assert facts(done, "view") == {"t/a": ("PA",), "t/c": ("",)}
    assert done.excluded == {("t", "not frontal"): 1}
    with pytest.raises(InputError, match="1 of 3 films have no patient id"):
        run(tmp_path, table, views=["all"])


# --- parts and other columns


def test_parts_stand_above_or_below_the_class_and_in_a_column(tmp_path: Path) -> None:
    below = picture(tmp_path / "b", "covid/Train/1.png", "covid/val/2.png", "normal/test/3.png")
    above = picture(tmp_path / "a", "Training/covid/1.png", "test/normal/2.png", "test/loose.png")
    picture(tmp_path / "t", "1.png", "2.png")
    rows = [
        ("path", "label", "patient_id", "split"),
        ("1.png", "covid", "1", "train"),
        ("2.png", "covid", "2", "NA"),
    ]
    table = write_csv(tmp_path / "t/t.csv", *rows)
    done = run(tmp_path, above, below, table, no_patient_ids=["a", "b"])
    assert facts(done, "label", "source_part") == {
        "a/Training/covid/1": ("covid", "Training"),
        "a/test/normal/2": ("normal", "test"),
        "b/covid/Train/1": ("covid", "Train"),
        "b/covid/val/2": ("covid", "val"),
        "b/normal/test/3": ("normal", "test"),
        "t/1": ("covid", "train"),
        "t/2": ("covid", ""),
    }
    assert {e.path: e.reason for e in done.exclusions} == {"test/loose.png": "no label"}


def test_parts_beside_other_folders_are_no_classes(tmp_path: Path) -> None:
    root = picture(tmp_path / "s", "train/covid/1.png", "test/normal/2.png", "extra/normal/3.png")
    with pytest.raises(
        InputError,
        match=r"folders test, train are called as the parts of a set, extra not.*--layout s=folder",
    ):
        run(tmp_path, root, no_patient_ids=["s"])
    done = run(tmp_path, root, no_patient_ids=["s"], layouts={"s": "folder"})
    assert done.manifest.count_by("label") == {"extra": 1, "test": 1, "train": 1}


def test_other_columns_become_attributes(tmp_path: Path) -> None:
    picture(tmp_path / "t", "1.png", "2.png", "3.png")
    header = ("", "path", "label", "patient_id", "Scanner Model", "hospital", "Age", "Unnamed: 0")
    table = write_csv(
        tmp_path / "t/t.csv", header,
        ("0", "1.png", "covid", "1", "Siemens, DX", "Nord", "065Y", "0"),
        ("1", "2.png", "covid", "2", "None", "nan", "60-69", "1"),
        ("2", "3.png", "normal", "3", "-", "Sud", "", "2"),
        ("3", "3.png", "normal", "3", "x", "Sud", "", "3"),
    )  # fmt: skip
    done = run(tmp_path, table)
    assert done.manifest.attributes == ("age", "hospital", "scanner_model")
    assert facts(done, "scanner_model", "hospital", "age", "age_group") == {
        "t/1": ("Siemens, DX", "Nord", "65", "adult"),
        "t/2": ("", "", "60-69", ""),
        "t/3": ("", "Sud", "", ""),
    }
    assert done.manifest.header.options["sources"]["t"]["attributes"] == ["hospital", "scanner_model"]
    assert "t: other columns are kept as attributes of the films: hospital, scanner_model" in done.notes
