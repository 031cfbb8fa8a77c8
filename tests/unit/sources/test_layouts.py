"""Every layout that ingest knows: how it is told from others, what it says of a film, what it leaves out."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from hilum.core.errors import InputError
from hilum.sources.cohen import label_of
from hilum.sources.layouts import LAYOUTS
from ingesting import facts, films, left_out, run, write_csv


def test_layouts_are_named_once_and_documented_in_their_order() -> None:
    names = [x.name for x in LAYOUTS]
    assert names == [
        "nih", "chexpert", "mimic", "padchest", "vindr", "rsna", "siim-covid", "bimcv-covid", "covidx", "covid-qu-ex", "nlm-tb",
        "cohen", "radiography", "mooney", "csv", "folder",
    ]  # fmt: skip
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "ingest.md").read_text()
    assert (
        re.findall(r"^\| `([\w-]+)` \|", page.split("| layout | told by |")[1], re.MULTILINE)[: len(names)]
        == names
    )


BY_LINE = """
from hilum.sources.layout import IngestOptions, Layout
from hilum.sources.listing import Listing
from hilum.sources.tree import Tree


def matches(tree: Tree) -> bool:
    return "classes.txt" in tree.beside()


def read(source: str, tree: Tree, asked: IngestOptions) -> Listing:
    listing = Listing(source, ENTRY.name, tables={"classes.txt": tree.path("classes.txt")})
    for line in tree.path("classes.txt").read_text().splitlines():
        film, label, patient = line.split()
        listing.enter(tree, film, {"label": label, "patient": patient})
    return listing


ENTRY = Layout("by-line", "a classes.txt of a line a film", matches, read, public=True)
"""


def test_a_new_layout_is_a_module_and_an_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "by_line.py").write_text(BY_LINE)
    monkeypatch.syspath_prepend(tmp_path)
    by_line = importlib.import_module("by_line")
    for module in ("layouts", "recognise", "spelling"):
        monkeypatch.setattr(f"hilum.sources.{module}.LAYOUTS", (by_line.ENTRY, *LAYOUTS))
    root = films(tmp_path / "archive" / "set", "1.png", "2.png", "odd/3.png")
    (root / "classes.txt").write_text("1.png TB p1\n2.png clear p1\nodd/3.png tb p2\n")
    done = run(tmp_path, root.parent)
    assert facts(done, "label", "patient_id") == {
        "archive/1": ("TB", "archive:p1"), "archive/2": ("clear", "archive:p1"), "archive/odd/3": ("TB", "archive:p2"),
    }  # fmt: skip
    assert {c.layout for c in done.counts} == {"by-line"}
    (root / "classes.txt").rename(root / "renamed.txt")
    with pytest.raises(InputError, match="does not have the layout 'by-line'"):
        run(tmp_path, root, layouts={"set": "by-line"})
    (tmp_path / "two").mkdir()
    for name in ("one", "other"):
        films(tmp_path / "two" / name, "1.png", "2.png")
        (tmp_path / "two" / name / "classes.txt").write_text("1.png TB p1\n2.png clear p2\n")
    with pytest.raises(InputError, match=r"holds 2 sets of films, .*one \(by-line\), other \(by-line\)"):
        run(tmp_path, tmp_path / "two")


# --- folder per class


def test_folder_per_class_at_any_depth_and_with_loose_films(tmp_path: Path) -> None:
    root = films(tmp_path / "set", "Viral  Pneumonia/a.png", "normal/deep/b.png", "loose.png")
    done = run(tmp_path, root, no_patient_ids=["set"])
    assert facts(done, "label") == {
        "set/Viral  Pneumonia/a": ("Viral Pneumonia",),
        "set/normal/deep/b": ("normal",),
    }
    assert left_out(done) == {"loose.png": "no label"}


def test_a_class_keeps_its_case_and_has_one_spelling_in_all_sources(tmp_path: Path) -> None:
    one = films(tmp_path / "one", "TB/a.png", "TB/b.png", "No finding/c.png")
    two = films(tmp_path / "two", "tb/d.png", "No Finding/e.png", "Normal/f.png")
    done = run(tmp_path, one, two, no_patient_ids=["one", "two"])
    assert done.manifest.count_by("label") == {"TB": 3, "No Finding": 2, "Normal": 1}
    assert "one class in several spellings is called 'TB': TB 2, tb 1 films" in done.notes


def test_the_spelling_of_a_public_set_goes_before_that_of_more_films(tmp_path: Path) -> None:
    own = films(tmp_path / "own", "COVID/a.png", "COVID/b.png", "Other/c.png")
    known = films(
        tmp_path / "known",
        "COVID/COVID-1.png",
        "Normal/Normal-1.png",
        "Viral Pneumonia/Viral Pneumonia-1.png",
    )
    done = run(tmp_path, own, known, no_patient_ids=["own", "known"], layouts={"known": "radiography"})
    assert done.manifest.count_by("label") == {"covid": 3, "normal": 1, "viral": 1, "Other": 1}


def test_a_folder_around_folders_may_be_a_class_or_a_wrapper(tmp_path: Path) -> None:
    root = films(tmp_path / "set", "covid/p1/a.png", "covid/p2/b.png")
    with pytest.raises(InputError, match=r"below 'covid', such as 'p1'.*add --layout set=folder"):
        run(tmp_path, root, no_patient_ids=["set"])
    done = run(tmp_path, root, no_patient_ids=["set"], layouts={"set": "folder"})
    assert done.manifest.count_by("label") == {"covid": 2}


def test_a_lone_class_folder_is_a_class(tmp_path: Path) -> None:
    root = films(tmp_path / "set", "covid/a.png", "covid/b.png")
    assert facts(run(tmp_path, root, no_patient_ids=["set"]), "label") == {
        "set/covid/a": ("covid",),
        "set/covid/b": ("covid",),
    }


def test_parts_are_not_classes(tmp_path: Path) -> None:
    root = films(tmp_path / "set", "train/covid/a.png", "test/covid/b.png", "val/normal/c.png")
    assert facts(run(tmp_path, root, no_patient_ids=["set"]), "label", "source_part") == {
        "set/train/covid/a": ("covid", "train"),
        "set/test/covid/b": ("covid", "test"),
        "set/val/normal/c": ("normal", "val"),
    }


# --- Radiography Database


def test_radiography_flat(tmp_path: Path) -> None:
    root = films(
        tmp_path / "radiography",
        "COVID/COVID-1.png",
        "Normal/Normal-62.png",
        "Normal/Normal-63.png",
        "Normal/Normal-1403.png",
        "Normal/Normal-1404.png",
        "Viral Pneumonia/Viral Pneumonia-1.png",
        "Lung_Opacity/Lung_Opacity-1.png",
    )
    done = run(tmp_path, root, no_patient_ids=["radiography"])
    assert facts(done, "label", "age_group") == {
        "radiography/COVID/COVID-1": ("covid", "adult"),
        "radiography/Normal/Normal-62": ("normal", "adult"),
        "radiography/Normal/Normal-63": ("normal", "child"),
        "radiography/Normal/Normal-1403": ("normal", "child"),
        "radiography/Normal/Normal-1404": ("normal", "adult"),
        "radiography/Viral Pneumonia/Viral Pneumonia-1": ("viral", "child"),
        "radiography/Lung_Opacity/Lung_Opacity-1": ("lung_opacity", ""),
    }
    options = done.manifest.header.options["sources"]["radiography"]
    assert options["arrangement"] == "class"
    assert "Normal-63 to Normal-1403 child" in options["age_group_basis"]


def test_radiography_with_masks_below_a_wrapper(tmp_path: Path) -> None:
    wrapper = "COVID-19_Radiography_Dataset"
    root = films(
        tmp_path / "kaggle",
        f"{wrapper}/COVID/images/COVID-1.png",
        f"{wrapper}/COVID/masks/COVID-1.png",
        f"{wrapper}/COVID/masks/COVID-9.png",
        f"{wrapper}/Normal/images/Normal-1.png",
        f"{wrapper}/Normal/images/COVID-3.png",
    )
    (root / wrapper / "README.md.txt").write_text("x")
    done = run(tmp_path, f"radiography={root}", no_patient_ids=["radiography"])
    mask = root / wrapper / "COVID/masks/COVID-1.png"
    assert facts(done, "lung_mask", "age_group") == {
        "radiography/COVID/images/COVID-1": (str(mask), "adult"),
        "radiography/Normal/images/Normal-1": ("", ""),  # an early release may be numbered otherwise
    }
    assert left_out(done) == {
        f"{wrapper}/COVID/masks/COVID-9.png": "mask without a film",
        f"{wrapper}/Normal/images/COVID-3.png": "folder and name disagree",
        f"{wrapper}/README.md.txt": "not a film file",
    }


def test_other_sets_with_a_covid_folder_are_not_radiography(tmp_path: Path) -> None:
    root = films(tmp_path / "mine", "covid/COVID-1.png", "bacterial/x.png")
    assert {c.layout for c in run(tmp_path, root, no_patient_ids=["mine"]).counts} == {"folder"}
    root = films(tmp_path / "also", "covid/a.png", "normal/b.png")
    assert {c.layout for c in run(tmp_path, root, no_patient_ids=["also"]).counts} == {"folder"}


def test_a_layout_can_be_settled_by_hand(tmp_path: Path) -> None:
    root = films(tmp_path / "s", "COVID/COVID-1.png", "Viral Pneumonia/Viral Pneumonia-1.png")
    done = run(tmp_path, root, no_patient_ids=["s"], layouts={"s": "folder"})
    assert done.manifest.count_by("label") == {"COVID": 1, "Viral Pneumonia": 1}
    with pytest.raises(InputError, match=r"does not have the layout 'cohen'"):
        run(tmp_path, root, layouts={"s": "cohen"})
    with pytest.raises(InputError, match=r"unknown layout 'foldr'.*did you mean 'folder'"):
        run(tmp_path, root, layouts={"s": "foldr"})


# --- Mooney

MOONEY = (
    "train/PNEUMONIA/person5_bacteria_15.jpeg",
    "train/PNEUMONIA/person5_virus_16.jpeg",
    "test/PNEUMONIA/person5_bacteria_17.jpeg",
    "train/PNEUMONIA/person8_virus_3_1.jpeg",
    "train/NORMAL/IM-0007-0001.jpeg",
    "val/NORMAL/NORMAL2-IM-0007-0001-0002.jpeg",
)


def test_mooney_patients_by_number(tmp_path: Path) -> None:
    done = run(tmp_path, films(tmp_path / "mooney", *(f"chest_xray/{m}" for m in MOONEY)))
    assert facts(done, "label", "patient_id", "source_part", "age_group") == {
        "mooney/train/PNEUMONIA/person5_bacteria_15": ("bacterial", "mooney:person5", "train", "child"),
        "mooney/train/PNEUMONIA/person5_virus_16": ("viral", "mooney:person5", "train", "child"),
        "mooney/test/PNEUMONIA/person5_bacteria_17": ("bacterial", "mooney:person5", "test", "child"),
        "mooney/train/PNEUMONIA/person8_virus_3_1": ("viral", "mooney:person8", "train", "child"),
        "mooney/train/NORMAL/IM-0007-0001": ("normal", "mooney:IM-0007", "train", "child"),
        "mooney/val/NORMAL/NORMAL2-IM-0007-0001-0002": ("normal", "mooney:IM-0007", "val", "child"),
    }
    assert done.manifest.header.options["sources"]["mooney"]["mooney_patients"] == "number"


def test_mooney_patients_by_number_and_class(tmp_path: Path) -> None:
    done = run(tmp_path, films(tmp_path / "mooney", *MOONEY), mooney_patients="number-and-class")
    assert {f.patient_id for f in done.manifest.films} == {
        "mooney:person5-bacterial",
        "mooney:person5-viral",
        "mooney:person8-viral",
        "mooney:IM-0007",
    }
    assert done.manifest.header.options["sources"]["mooney"]["mooney_patients"] == "number-and-class"


def test_mooney_archive_with_its_second_copy(tmp_path: Path) -> None:
    """Kaggle's zip holds the set twice, and a folder of macOS leftovers."""
    root = films(tmp_path / "mooney", *MOONEY, *(f"chest_xray/{m}" for m in MOONEY), "__MACOSX/._a.jpeg")
    done = run(tmp_path, root)
    assert len(done.manifest) == len(MOONEY)
    assert done.excluded == {("mooney", "not a film file"): 1, ("mooney", "outside the layout"): len(MOONEY)}


def test_mooney_names_that_say_something_else(tmp_path: Path) -> None:
    root = films(tmp_path / "mooney", *MOONEY, "train/NORMAL/person1_virus_2.jpeg", "train/NORMAL/xray.jpeg")
    assert left_out(run(tmp_path, root)) == {
        "train/NORMAL/person1_virus_2.jpeg": "folder and name disagree",
        "train/NORMAL/xray.jpeg": "file name not understood",
    }


def test_mooney_as_a_folder_per_class(tmp_path: Path) -> None:
    names = ("bacterial/person1_bacteria_2.jpeg", "viral/person1_virus_3.jpeg", "normal/IM-0001-0001.jpeg")
    done = run(tmp_path, films(tmp_path / "m", *names))
    assert {f.patient_id for f in done.manifest.films} == {"m:person1", "m:IM-0001"}
    films(tmp_path / "m", "normal/mine.jpeg")  # one film of another kind, and nothing is assumed
    with pytest.raises(InputError, match="4 of 4 films have no patient id"):
        run(tmp_path, tmp_path / "m")


# --- ieee8023

COLUMNS = ("patientid", "sex", "age", "finding", "view", "modality", "folder", "filename", "notes", "")


def cohen_set(root: Path, *rows: tuple[str, ...]) -> Path:
    """Rows: patient, sex, age, finding, view, modality, file; a file is written unless it starts with "-"."""
    write_csv(
        root / "metadata.csv",
        COLUMNS,
        *((*r[:6], "images", r[6].removeprefix("-"), "a, note\nof two lines", "") for r in rows),
    )
    return films(root, *(f"images/{r[6]}" for r in rows if not r[6].startswith("-")))


def test_cohen_keeps_frontal_xrays_of_the_four_classes(tmp_path: Path) -> None:
    root = cohen_set(
        tmp_path / "cohen",
        ("1", "M", "65", "COVID-19, ARDS", "PA", "X-ray", "a.png"),
        ("2", "F", "17", "SARS", "AP", "X-ray", "b.png"),
        ("3", "", "", "Mycoplasma Bacterial Pneumonia", "AP Supine", "X-ray", "c.png"),
        ("4", "F", "18", "Pneumonia/Viral/COVID-19", "AP Erect", "X-ray", "d.png"),
        ("5", "F", "40", "No Finding", "PA", "X-ray", "e.png"),
        ("6", "F", "40", "COVID-19", "L", "X-ray", "f.png"),
        ("6", "F", "40", "COVID-19", "", "X-ray", "g.png"),
        ("6", "F", "40", "COVID-19", "Axial", "CT", "h.png"),
        ("7", "F", "40", "Pneumocystis", "PA", "X-ray", "i.png"),
        ("8", "F", "40", "ARDS", "PA", "X-ray", "j.png"),
        ("9", "F", "40", "COVID-19", "PA", "X-ray", "-gone.png"),
    )
    films(root, "images/no-row.png", "docs/logo.png")
    done = run(tmp_path, root)
    assert facts(done, "label", "patient_id", "view", "age_group", "sex") == {
        "cohen/images/a": ("covid", "cohen:1", "PA", "adult", "M"),
        "cohen/images/b": ("viral", "cohen:2", "AP", "child", "F"),
        "cohen/images/c": ("bacterial", "cohen:3", "AP Supine", "", ""),
        "cohen/images/d": ("covid", "cohen:4", "AP Erect", "adult", "F"),
        "cohen/images/e": ("normal", "cohen:5", "PA", "adult", "F"),
    }
    assert left_out(done) == {
        "images/f.png": "not frontal",
        "images/g.png": "view not known",
        "images/h.png": "not X-ray",
        "images/i.png": "finding not in the study",
        "images/j.png": "finding not in the study",
        "images/gone.png": "no such file",
        "images/no-row.png": "no row in metadata",
        "docs/logo.png": "no row in metadata",
    }


def test_cohen_patients_that_share_a_film_are_one(tmp_path: Path) -> None:
    root = cohen_set(
        tmp_path / "cohen",
        ("287", "M", "80", "Legionella", "PA", "X-ray", "a.png"),
        ("340", "M", "80", "Legionella", "PA", "X-ray", "a.png"),
        ("340", "M", "80", "Legionella", "PA", "X-ray", "b.png"),
        ("5", "M", "80", "COVID-19", "PA", "X-ray", "c.png"),
        ("5", "M", "80", "SARS", "PA", "X-ray", "c.png"),
    )
    done = run(tmp_path, root)
    assert {f.image_id: f.patient_id for f in done.manifest.films} == {
        "cohen/images/a": "cohen:287",
        "cohen/images/b": "cohen:287",
    }
    assert done.manifest.header.options["sources"]["cohen"]["patients_joined"] == [["287", "340"]]
    assert "287 = 340" in done.notes[0]
    reasons = sorted((e.path, e.reason) for e in done.exclusions)
    assert reasons == [
        ("images/a.png", "listed twice"),
        ("images/c.png", "listed twice"),
        ("images/c.png", "rows disagree"),
    ]


@pytest.mark.parametrize(
    ("finding", "label"),
    [
        ("COVID-19", "covid"),
        ("Varicella", "viral"),
        ("Influenza", "viral"),
        ("Streptococcus", "bacterial"),
        ("Klebsiella", "bacterial"),
        ("Legionella", "bacterial"),
        ("E.Coli", "bacterial"),
        ("Chlamydophila", "bacterial"),
        ("Bacterial", "bacterial"),
        ("Pneumonia/Viral/Influenza/H1N1", "viral"),
        ("Pneumonia/Bacterial/Staphylococcus/MRSA", "bacterial"),
        ("Pneumonia/Fungal/Pneumocystis", ""),
        ("Pneumonia/Lipoid", ""),
        ("Lipoid", ""),
        ("Tuberculosis", ""),
        ("Unknown", ""),
        ("todo", ""),
        ("", ""),
    ],
)
def test_cohen_findings(finding: str, label: str) -> None:
    assert label_of(finding) == label


# --- csv


def test_csv_with_all_it_may_say(tmp_path: Path) -> None:
    root = films(tmp_path / "nih", "images/a.jpg", "images/b.jpg", "images/c.jpg", "images/norow.jpg")
    path = write_csv(
        root / "films.csv",
        ("image", "Label", "Patient ID", "view", "age", "sex", "nih_findings"),
        ("images/a.jpg", "Normal", "nih:007", "PA", "38", "F", "x"),
        ("images/b.jpg", "lung_opacity", "8", "AP", "9", "male", "y"),
        ("images/c.jpg", "", "8", "AP", "9", "male", "y"),
        ("images/gone.jpg", "normal", "9", "", "", "", ""),
        ("images/a.jpg", "Normal", "nih:007", "PA", "38", "F", "x"),
    )
    expected = {
        "nih/images/a": ("Normal", "nih:007", "PA", "adult", "F"),
        "nih/images/b": ("lung_opacity", "nih:8", "AP", "child", "M"),
    }
    reasons = {
        "images/c.jpg": "no label",
        "images/gone.jpg": "no such file",
        "images/a.jpg": "listed twice",
    }
    by_csv = run(tmp_path, path)
    assert facts(by_csv, "label", "patient_id", "view", "age_group", "sex") == expected
    assert left_out(by_csv) == reasons
    assert by_csv.manifest.header.options["sources"]["nih"]["attributes"] == ["nih_findings"]
    by_folder = run(tmp_path, root)
    assert facts(by_folder, "label", "patient_id", "view", "age_group", "sex") == expected
    assert left_out(by_folder) == {**reasons, "images/norow.jpg": "outside the layout"}


def test_csv_with_other_separators_and_a_byte_order_mark(tmp_path: Path) -> None:
    films(tmp_path / "s", "a.png")
    (tmp_path / "s" / "t.csv").write_bytes(b"\xef\xbb\xbfpath;label;patient_id\r\na.png;covid;1\r\n\r\n")
    assert facts(run(tmp_path, tmp_path / "s"), "label", "patient_id") == {"s/a": ("covid", "s:1")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,class\na.png,x\n", r"line 1: expected columns path .* got name, class"),
        ("", "expected the names of the columns, got none"),
        ("path,label,label\n", "got 'label' twice"),
        ("path,label,patient_id\n,covid,1\n", "line 2: expected a path in column 'path', got none"),
        ("path,label,patient_id\na.png,covid,1,2\n", "line 2: expected 3 fields, got 4"),
        (
            "path,label,patient_id,age_group\na.png,covid,1,old\n",
            "line 2: age_group must be adult or child, got 'old'",
        ),
        (
            "path,label,patient_id\na.png,covid,1\na.png,normal,1\n",
            r"lines 2 and 3: 'a.png' has two rows that differ",
        ),
        ("path,label\na.png,covid\n", "1 of 1 films have no patient id"),
        (
            "path,label,patient_id\na.png,covid,1\nb.png,covid,\n",
            "1 of 2 films have no patient id, such as 'b.png'",
        ),
    ],
)
def test_csv_that_is_wrong_says_where(tmp_path: Path, text: str, message: str) -> None:
    films(tmp_path / "s", "a.png", "b.png")
    (tmp_path / "s" / "t.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        run(tmp_path, tmp_path / "s" / "t.csv")


def test_csv_strict_counts_rows_without_a_file(tmp_path: Path) -> None:
    films(tmp_path / "s", "a.png")
    path = write_csv(
        tmp_path / "s" / "t.csv", ("path", "label", "patient_id"), ("a.png", "x", "1"), ("b.png", "x", "2")
    )
    with pytest.raises(InputError, match=r"1 film cannot be read.*was not written"):
        run(tmp_path, path, strict=True)


def test_csv_may_name_sources_itself(tmp_path: Path) -> None:
    films(tmp_path / "s", "a.png", "b.png")
    path = write_csv(
        tmp_path / "s" / "t.csv",
        ("path", "label", "patient_id", "source"),
        ("a.png", "x", "1", "north"),
        ("b.png", "x", "", "south"),
    )
    done = run(tmp_path, path, no_patient_ids=["south"])
    assert facts(done, "patient_id") == {"north/a": ("north:1",), "south/b": ("",)}
    films(tmp_path / "north", "x/a.png")
    with pytest.raises(InputError, match="both hold films of a source 'north'"):
        run(tmp_path, path, tmp_path / "north", no_patient_ids=["south", "north"])


def test_two_tables_in_a_folder_are_too_many(tmp_path: Path) -> None:
    root = films(tmp_path / "s", "a.png")
    for name in ("t.csv", "u.csv"):
        write_csv(root / name, ("path", "label", "patient_id"), ("a.png", "x", "1"))
    with pytest.raises(InputError, match=r"expected one csv that names films, got t.csv, u.csv"):
        run(tmp_path, root)


# --- labels


def test_labels_give_classes_and_patients_to_films_without(tmp_path: Path) -> None:
    root = films(tmp_path / "nlm", "images/X_0.png", "images/Y_1.png", "images/Z_1.png", "masks/X_0.png")
    labels = write_csv(
        tmp_path / "labels.csv",
        ("path", "label", "patient_id"),
        ("images/X_0.png", "Normal", "X"),
        ("Y_1.png", "tuberculosis", "Y"),
        ("images/gone.png", "normal", "G"),
    )
    done = run(tmp_path, root, labels=labels)
    assert facts(done, "label", "patient_id", "lung_mask") == {
        "nlm/images/X_0": ("Normal", "nlm:X", str(root / "masks/X_0.png")),
        "nlm/images/Y_1": ("tuberculosis", "nlm:Y", ""),
    }
    assert left_out(done) == {"images/Z_1.png": "no label", "images/gone.png": "no such file"}
    assert done.manifest.header.options["labels"] == {"rows": 2, "changed": 0}
    assert "labels" in done.manifest.header.inputs


def test_labels_go_before_the_layout(tmp_path: Path) -> None:
    root = films(tmp_path / "s", "covid/a.png", "normal/b.png")
    labels = write_csv(
        root / "labels.csv",
        ("path", "label", "patient_id"),
        ("covid/a.png", "normal", "1"),
        ("normal/b.png", "", "2"),
    )
    done = run(tmp_path, root, labels=labels)
    assert facts(done, "label", "patient_id") == {
        "s/covid/a": ("normal", "s:1"),
        "s/normal/b": ("normal", "s:2"),
    }
    assert done.exclusions == ()
    assert "changed the label of 1 film" in " ".join(done.notes)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [("file_name", "label")],
            "expected a column path or image_id, and label, patient_id or leave_out, got file_name, label",
        ),
        (
            [("path", "label"), ("q.png", "x")],
            "none of its 1 rows names a film of the sources, the first is 'q.png'",
        ),
        ([("path", "label"), ("a.png", "x")], r"line 2: 'a.png' fits 2 films"),
        ([("path", "label"), ("x/a.png", "x"), ("x/a.png", "y")], "lines 2 and 3: both name 'x/a.png'"),
    ],
)
def test_labels_that_are_wrong_say_where(tmp_path: Path, rows: list[tuple[str, str]], message: str) -> None:
    root = films(tmp_path / "s", "x/a.png", "y/a.png")
    with pytest.raises(InputError, match=message):
        run(tmp_path, root, labels=write_csv(tmp_path / "labels.csv", *rows), no_patient_ids=["s"])


def test_labels_narrowed_by_source(tmp_path: Path) -> None:
    for name in ("s", "t"):
        films(tmp_path / name, "x/a.png")
    labels = write_csv(
        tmp_path / "labels.csv",
        ("path", "source", "patient_id"),
        ("x/a.png", "s", "1"),
        ("x/a.png", "t", "2"),
    )
    done = run(tmp_path, tmp_path / "s", tmp_path / "t", labels=labels)
    assert facts(done, "patient_id") == {"s/x/a": ("s:1",), "t/x/a": ("t:2",)}
