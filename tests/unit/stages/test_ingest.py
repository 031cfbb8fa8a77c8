"""Ingest as a whole: what it writes, what it refuses, and that a bad film costs a row and nothing else."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from hilum.artifacts.header import read_json
from hilum.artifacts.manifest import Manifest, read_exclusions
from hilum.core.engine import Local
from hilum.core.errors import InputError
from hilum.sources.layout import IngestOptions
from hilum.stages.ingest import Ingested, ingest


def film(path: Path, seed: int = 0, size: tuple[int, int] = (24, 40)) -> np.ndarray:
    """Write a grey film of (height, width) whose pixels follow from the seed; the format is the ending's."""
    pixels = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def classes(root: Path, n: int = 2) -> Path:
    """A folder per class with n films each."""
    for c, label in enumerate(["Covid", "normal"]):
        for k in range(n):
            film(root / label / f"{k}.png", 100 * c + k)
    return root


def run(*sources: object, out: Path, **options: object) -> Ingested:
    return ingest([str(s) for s in sources], out, IngestOptions(**options), Local(0))  # type: ignore[arg-type]


def test_a_film_is_recorded_with_bytes_pixels_and_size(tmp_path: Path) -> None:
    pixels = film(tmp_path / "set" / "Covid" / "a.png", 7)
    run(tmp_path / "set", out=tmp_path / "m.csv", no_patient_ids=["set"])
    (row,) = Manifest.read(tmp_path / "m.csv").films
    expected = hashlib.sha256(f"{pixels.dtype.str}{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
    assert row.image_id == "set/Covid/a"
    assert row.label == "Covid"
    assert (row.width_px, row.height_px) == (40, 24)
    assert row.pixels_sha256 == expected
    assert row.sha256 == hashlib.sha256((tmp_path / "set/Covid/a.png").read_bytes()).hexdigest()
    assert row.path == str(tmp_path / "set/Covid/a.png")
    assert row.patient_id == ""


def test_the_header_says_what_was_declared_and_what_was_left_out(tmp_path: Path) -> None:
    root = classes(tmp_path / "set")
    (root / "notes.txt").write_text("x")
    (root / "normal" / "broken.png").write_bytes(b"")
    run(root, out=tmp_path / "m.csv", no_patient_ids=["set"])
    header = read_json(tmp_path / "m.header.json")["header"]
    assert header["options"]["no_patient_ids"] == ["set"]
    source = header["options"]["sources"]["set"]
    assert source["layout"] == "folder"
    assert source["films"] == 4
    assert source["excluded"] == {"empty": 1, "not a film file": 1}
    assert [(e.path, e.reason) for e in read_exclusions(tmp_path / "m.excluded.csv")] == [
        ("normal/broken.png", "empty"),
        ("notes.txt", "not a film file"),
    ]


def test_a_source_without_patients_is_refused_and_the_flag_is_named(tmp_path: Path) -> None:
    root = classes(tmp_path / "set")
    with pytest.raises(InputError, match=r"4 of 4 films have no patient id.*--no-patient-ids set"):
        run(root, out=tmp_path / "m.csv")
    assert not (tmp_path / "m.csv").exists()


def test_a_flag_for_another_name_gets_the_nearest(tmp_path: Path) -> None:
    root = classes(tmp_path / "radiography")
    with pytest.raises(InputError, match="did you mean 'radiography'"):
        run(root, out=tmp_path / "m.csv", no_patient_ids=["radiograpy"])


def test_ids_that_exist_cannot_be_declared_absent(tmp_path: Path) -> None:
    film(tmp_path / "m" / "train" / "PNEUMONIA" / "person1_virus_2.jpeg")
    with pytest.raises(InputError, match="its 1 film has one; leave out --no-patient-ids m"):
        run(tmp_path / "m", out=tmp_path / "m.csv", no_patient_ids=["m"])


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([], "at least one SOURCE"),
        (["nowhere"], r"'nowhere'.*no such folder"),
        (["empty"], "is empty"),
        (["words"], "no film in .* can be used: 1 not a film file"),
        (["words/a.txt"], "expected a folder of films or a csv"),
        (["set", "other/set"], r"2 sources are called 'set'.*set2=other/set"),
        (["a:b=set"], "cannot be a source's name"),
        (["set", "again=set"], "a film may be in one only"),
        (["flat"], r"its 1 film has no class, such as 'x.png'.*--labels"),
    ],
)
def test_wrong_sources_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    classes(Path("set"))
    classes(Path("other/set"))
    Path("empty").mkdir()
    Path("words").mkdir()
    Path("words/a.txt").write_text("x")
    film(Path("flat/x.png"))
    with pytest.raises(InputError, match=message):
        ingest(sources, Path("m.csv"), IngestOptions(["set"] if "set" in sources else []), Local(0))
    assert not Path("m.csv").exists()


@pytest.mark.parametrize(("out", "message"), [(".", "got a folder"), ("m.txt", r"ends with \.csv")])
def test_wrong_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    classes(Path("set"))
    with pytest.raises(InputError, match=message):
        run("set", out=Path(out), no_patient_ids=["set"])


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header declares a size that its data does not have."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


def dicom(path: Path, sop_class: str, modality: str, **values: object) -> None:
    """Write a small DICOM file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = pydicom.uid.UID(sop_class)
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid(entropy_srcs=[str(path)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.Modality, ds.Rows, ds.Columns = modality, 32, 48
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    ds.PixelData = np.random.default_rng(3).integers(0, 256, (32, 48), np.uint8).tobytes()
    for name, value in values.items():
        setattr(ds, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)


def bad_films(folder: Path) -> dict[str, str]:
    """Files that cannot be films; name -> the reason that ingest must give."""
    folder.mkdir(parents=True, exist_ok=True)
    film(folder / "whole.png", 1, (64, 64))
    film(folder / "whole.jpg", 1, (64, 64))
    png, jpeg = (folder / "whole.png").read_bytes(), (folder / "whole.jpg").read_bytes()
    (folder / "empty.png").write_bytes(b"")
    (folder / "words.jpg").write_text("this is no picture" * 20)
    (folder / "cut.png").write_bytes(png[: len(png) // 2])
    (folder / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (folder / "bomb.png").write_bytes(png_of(60_000, 60_000))
    (folder / "tiny.png").write_bytes(b"")
    film(folder / "tiny.png", 1, (4, 4))
    frames = [Image.fromarray(np.full((32, 32), v, np.uint8)) for v in (10, 200)]
    frames[0].save(folder / "frames.tiff", save_all=True, append_images=frames[1:])
    out = io.BytesIO()
    frames[0].save(out, "gif")
    (folder / "picture.gif").write_bytes(out.getvalue())
    dicom(folder / "slice.dcm", CTImageStorage, "CT")
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    os.mkfifo(folder / "pipe.png")
    return {
        "empty.png": "empty",
        "words.jpg": "not an image",
        "cut.png": "truncated",
        "cut.jpg": "truncated",
        "bomb.png": "too large",
        "tiny.png": "too small",
        "frames.tiff": "multi-frame",
        "picture.gif": "not a film file",
        "slice.dcm": "not a chest film modality",
        "gone.png": "no such file",
        "pipe.png": "not a film file",
    }


def test_each_bad_film_gets_one_reason_and_the_good_ones_stay(tmp_path: Path) -> None:
    expected = bad_films(tmp_path / "set" / "covid")
    done = run(tmp_path / "set", out=tmp_path / "m.csv", no_patient_ids=["set"])
    assert {e.path.removeprefix("covid/"): e.reason for e in done.exclusions} == expected
    assert len(done.exclusions) == len(expected)
    # whole.png and whole.jpg differ in their ending only, so both ids keep it
    assert [f.image_id for f in done.manifest.films] == ["set/covid/whole.jpg", "set/covid/whole.png"]


def test_strict_writes_nothing_and_leaves_the_manifest_from_before(tmp_path: Path) -> None:
    root, out = classes(tmp_path / "set"), tmp_path / "m.csv"
    run(root, out=out, no_patient_ids=["set"], strict=True)
    before = {p.name: p.read_bytes() for p in tmp_path.glob("m.*")}
    (root / "Covid" / "0.png").write_bytes(b"")
    with pytest.raises(
        InputError, match=r"1 film cannot be read.*stays as it was:\n  set: Covid/0.png: empty"
    ) as error:
        run(root, out=out, no_patient_ids=["set"], strict=True)
    assert error.value.exit_code == 2
    assert {p.name: p.read_bytes() for p in tmp_path.glob("m.*")} == before


def test_strict_does_not_mind_files_that_claim_to_be_no_film(tmp_path: Path) -> None:
    root = classes(tmp_path / "set")
    (root / "Thumbs.db").write_bytes(b"x")
    (root / ".git").mkdir()
    done = run(root, out=tmp_path / "m.csv", no_patient_ids=["set"], strict=True)
    assert done.excluded == {("set", "not a film file"): 2}


def test_all_films_bad_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "set" / "covid").mkdir(parents=True)
    (tmp_path / "set" / "covid" / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match="no film can be used: 1 empty; no manifest was written"):
        run(tmp_path / "set", out=tmp_path / "m.csv", no_patient_ids=["set"])


def test_output_does_not_depend_on_workers_or_on_a_second_run(tmp_path: Path) -> None:
    for k in range(140):  # bmp: its decoder is imported quickly
        film(tmp_path / "set" / ("covid", "normal")[k % 2] / f"{k}.bmp", k)
    root = tmp_path / "set"
    (root / "normal" / "3.bmp").write_bytes(b"")
    written = []
    for workers in (0, 1, 3):
        ingest([str(root)], tmp_path / "m.csv", IngestOptions(["set"]), Local(workers))
        written.append({p.name: p.read_bytes() for p in sorted(tmp_path.glob("m.*"))})
    assert len(written[0]) == 3
    assert written[0] == written[1] == written[2]


def test_a_manifest_inside_its_source_is_not_part_of_it(tmp_path: Path) -> None:
    root = classes(tmp_path / "set")
    first = run(root, out=root / "m.csv", no_patient_ids=["set"])
    second = run(root, out=root / "m.csv", no_patient_ids=["set"])
    assert first.excluded == second.excluded == {}
    assert first.manifest.digest == second.manifest.digest
    other = run(root, out=tmp_path / "n.csv", no_patient_ids=["set"])  # nor is it the source's own table
    assert other.manifest.digest == first.manifest.digest


def test_dicom_gives_what_the_folder_does_not(tmp_path: Path) -> None:
    facts = {"PatientID": "p7", "PatientAge": "017Y", "PatientSex": "F", "ViewPosition": "AP"}
    dicom(tmp_path / "set" / "normal" / "1.2.840.1", DigitalXRayImageStorageForPresentation, "DX", **facts)
    done = run(tmp_path / "set", out=tmp_path / "m.csv")
    (row,) = done.manifest.films
    assert (row.patient_id, row.age_group, row.sex, row.view) == ("set:p7", "child", "F", "AP")
    assert (row.width_px, row.height_px) == (48, 32)


def test_dicom_without_a_patient_is_refused_too(tmp_path: Path) -> None:
    dicom(tmp_path / "set" / "normal" / "a.dcm", DigitalXRayImageStorageForPresentation, "DX")
    with pytest.raises(InputError, match="1 of 1 films have no patient id"):
        run(tmp_path / "set", out=tmp_path / "m.csv")


def test_linked_folders_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    film(tmp_path / "elsewhere" / "a.png")
    film(tmp_path / "set" / "covid" / "b.png", 5)
    (tmp_path / "set" / "covid" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "covid" / "loop").symlink_to(tmp_path / "set")
    done = run(tmp_path / "set", out=tmp_path / "m.csv", no_patient_ids=["set"])
    assert [f.image_id for f in done.manifest.films] == ["set/covid/b", "set/covid/more/a"]
    assert [(e.path, e.reason) for e in done.exclusions] == [("covid/loop/", "folder loop")]


def test_a_name_that_is_not_utf8_is_left_out_by_name(tmp_path: Path) -> None:
    root = classes(tmp_path / "set")
    Path(os.fsdecode(os.fsencode(root / "Covid") + b"/bad\xff.png")).write_bytes(b"x")
    done = run(root, out=tmp_path / "m.csv", no_patient_ids=["set"])
    assert [(e.path, e.reason) for e in done.exclusions] == [("Covid/bad\\udcff.png", "file name")]


def test_several_sources_keep_their_names(tmp_path: Path) -> None:
    classes(tmp_path / "a")
    film(tmp_path / "b" / "train" / "NORMAL" / "IM-0001-0001.jpeg")
    done = run(tmp_path / "a", f"mooney={tmp_path / 'b'}", out=tmp_path / "m.csv", no_patient_ids=["a"])
    assert done.manifest.count_by("source") == {"a": 4, "mooney": 1}
    assert [(c.source, c.label, c.films, c.patients) for c in done.counts] == [
        ("a", "Covid", 2, None),
        ("a", "normal", 2, None),
        ("mooney", "normal", 1, 1),
    ]
    assert json.loads((tmp_path / "m.header.json").read_text())["header"]["options"]["no_patient_ids"] == [
        "a"
    ]


@settings(max_examples=15, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "BM", "II*\0"]))
def test_whatever_the_bytes_a_film_file_is_a_row_or_an_exclusion(data: bytes, start: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        root = classes(Path(temporary) / "set", 1)
        (root / "Covid" / "fuzz.png").write_bytes(start.encode("latin-1") + data)
        done = run(root, out=Path(temporary) / "m.csv", no_patient_ids=["set"])
        assert len(done.manifest) + len(done.exclusions) == 3
