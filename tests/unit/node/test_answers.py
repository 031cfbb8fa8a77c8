"""The objects that answer a film: what they say is what the reader says, they are clean DICOM, and the same film gets the same objects."""

import io
import os
import subprocess
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dicom_films import bytes_of
from hilum import RESEARCH_NOTICE
from hilum.augment.presets import preset
from hilum.imaging.dicom_elements import text
from hilum.inference.answer import NOT_A_CHEST_FILM, Gate, Remark
from hilum.node import coded, uids
from hilum.node.answering import Answering
from hilum.node.highest import highest_part
from hilum.node.made import Made
from hilum.node.opening import Opening
from hilum.node.report import Asked, report
from hilum.node.source import DX, DX_FOR_PROCESSING, SECONDARY_CAPTURE, read_source, refusal
from needs import needed_module, needed_program
from node_films import PATIENT, STUDY, film, phantom, write_film

pydicom = needed_module("pydicom")
needed_module("highdicom", "pip install -e '.[node]'")
WHEN = datetime(2026, 1, 2, 12, 0, 0)


@pytest.fixture(scope="module")
def answered(answering: Answering, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The objects of a film, as files by kind, with the film itself."""
    folder = tmp_path_factory.mktemp("answered")
    path = write_film(folder / "film.dcm")
    files = {"film": path}
    for made in answering.objects(answering.opener("film", path.read_bytes()), read_source(path), WHEN):
        files[made.kind] = folder / f"{made.kind}.dcm"
        files[made.kind].write_bytes(made.data)
    return files


def read(path_or_bytes: Path | bytes) -> Any:
    data = path_or_bytes.read_bytes() if isinstance(path_or_bytes, Path) else path_or_bytes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(io.BytesIO(data))


def items(of: Any) -> Iterator[Any]:
    for item in of.get("ContentSequence", []):
        yield item
        yield from items(item)


def numbers(made: Any) -> dict[str, float]:
    """Meaning of its concept -> floating point value, of the measurements."""
    return {
        i.ConceptNameCodeSequence[0].CodeMeaning: i.MeasuredValueSequence[0].FloatingPointValue
        for i in items(made)
        if i.ValueType == "NUM" and "FloatingPointValue" in i.MeasuredValueSequence[0]
    }


def said(made: Any) -> list[tuple[str, str]]:
    """(code of the concept, code of the value) of the coded items."""
    return [
        (i.ConceptNameCodeSequence[0].CodeValue, i.ConceptCodeSequence[0].CodeValue)
        for i in items(made)
        if i.ValueType == "CODE"
    ]


def comments(made: Any) -> list[str]:
    return [
        i.TextValue
        for i in items(made)
        if i.ValueType == "TEXT" and i.ConceptNameCodeSequence[0].CodeValue == "121106"
    ]


def objects(answering: Answering, tmp_path: Path, data: bytes) -> list[Made]:
    (tmp_path / "sent.dcm").write_bytes(data)
    return answering.objects(answering.opener("film", data), read_source(tmp_path / "sent.dcm"), WHEN)


def test_the_node_says_what_the_reader_says_bit_for_bit(
    answering: Answering, answered: dict[str, Path]
) -> None:
    data = answered["film"].read_bytes()
    (reading,) = answering.reader.read([("film", data)])
    answer, told = reading.answer, numbers(read(answered["report"]))
    assert {k: told[f"Probability of {k}"] for k in answer.probabilities} == dict(answer.probabilities)
    assert {k: told[f"Calibrated probability of {k}"] for k in answer.calibrated} == dict(answer.calibrated)
    assert told["Threshold Value"] == answer.threshold
    called = coded.YES if answer.called_positive else coded.NO
    assert ("called", called.value) in said(read(answered["report"]))
    assert ("likeliest", coded.of_class(answer.most_likely).value) in said(read(answered["report"]))


def test_patient_study_accession_and_evidence_are_those_of_the_film(answered: dict[str, Path]) -> None:
    for kind in ("report", "heat-map", "segmentation"):
        made = read(answered[kind])
        assert {k: text(made, k) for k in PATIENT} == PATIENT
        assert made.StudyInstanceUID == STUDY
        assert made.SeriesInstanceUID.startswith("2.25.")
        assert "research" in made.SeriesDescription
    evidence = read(answered["report"]).CurrentRequestedProcedureEvidenceSequence
    referenced = {
        i.ReferencedSOPInstanceUID
        for e in evidence
        for s in e.ReferencedSeriesSequence
        for i in s.ReferencedSOPSequence
    }
    assert referenced == {
        f"{STUDY}.1.1",
        read(answered["heat-map"]).SOPInstanceUID,
        read(answered["segmentation"]).SOPInstanceUID,
    }
    assert {e.StudyInstanceUID for e in evidence} == {STUDY}


def test_the_report_names_the_algorithm_and_says_that_it_is_research(
    answering: Answering, answered: dict[str, Path]
) -> None:
    made = read(answered["report"])
    texts = {
        i.ConceptNameCodeSequence[0].CodeMeaning: i.TextValue for i in items(made) if i.ValueType == "TEXT"
    }
    assert texts["Algorithm Version"] == answering.version
    assert texts["Algorithm Name"] == "hilum squeezenet1_0"
    assert comments(made)[0] == RESEARCH_NOTICE
    assert any(c.startswith("Heat map by grad-cam for ") for c in comments(made))
    assert (made.CompletionFlag, made.VerificationFlag, made.PreliminaryFlag) == (
        "COMPLETE",
        "UNVERIFIED",
        "PRELIMINARY",
    )
    assert made.ContentTemplateSequence[0].TemplateIdentifier == "1500"


def test_dsrdump_reads_the_report(answered: dict[str, Path]) -> None:
    done = subprocess.run(
        [needed_program("dsrdump", "dcmtk"), str(answered["report"])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for words in (
        "Comprehensive 3D SR Document",
        '"Imaging Measurement Report"',
        '"Probability of covid"',
        '(840539006,SCT,"COVID-19")',
    ):
        assert words in done.stdout


@pytest.mark.parametrize("kind", ["report", "heat-map", "segmentation"])
def test_dciodvfy_finds_nothing_wrong_but_that_our_scheme_is_private(
    answered: dict[str, Path], kind: str
) -> None:
    done = subprocess.run(
        [needed_program("dciodvfy", "dicom3tools"), str(answered[kind])],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if line.startswith(("Error", "Warning"))]
    assert [line for line in said if "<99HILUM>" not in line] == []


def test_the_heat_map_is_rgb_and_uncompressed_and_has_its_words(answered: dict[str, Path]) -> None:
    made = read(answered["heat-map"])
    assert made.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert (made.Modality, made.PhotometricInterpretation, made.PlanarConfiguration, made.SOPClassUID) == (
        "OT",
        "RGB",
        0,
        SECONDARY_CAPTURE,
    )
    assert made.pixel_array.shape == (made.Rows, made.Columns, 3)
    assert made.Columns >= 896
    assert RESEARCH_NOTICE in made.ImageComments
    assert RESEARCH_NOTICE in made.DerivationDescription
    assert "The map " in made.ImageComments
    below = made.pixel_array[made.Columns :]  # the film is square
    assert (below.max(axis=2) > 200).mean() > 0.005  # words


def test_the_same_film_gets_the_same_bytes_and_another_bundle_other_uids(
    answering: Answering, answered: dict[str, Path], tmp_path: Path
) -> None:
    data = answered["film"].read_bytes()
    again = objects(answering, tmp_path, data)
    assert {m.kind: m.data for m in again} == {k: p.read_bytes() for k, p in answered.items() if k != "film"}
    ours = uids.object_uid("1.2.3", "bundle", "report")
    others = {
        uids.object_uid(*p)
        for p in (
            ("1.2.4", "bundle", "report"),
            ("1.2.3", "other", "report"),
            ("1.2.3", "bundle", "heat-map"),
        )
    }
    assert ours not in others
    assert len(others) == 3
    assert all(pydicom.uid.UID(u).is_valid for u in others)


def unreadable() -> dict[str, bytes]:
    whole = bytes_of(film(1))
    frames = film(1, NumberOfFrames=2)
    frames.PixelData = frames.PixelData * 2
    return {
        "truncated": whole[: len(whole) // 2],
        "multi-frame": bytes_of(frames),
        "too-small": bytes_of(film(1, phantom()[:8, :8])),
    }


@pytest.mark.parametrize("reason", ["truncated", "multi-frame", "too-small"])
def test_a_film_that_cannot_be_read_has_a_report_that_says_so(
    answering: Answering, tmp_path: Path, reason: str
) -> None:
    (only,) = objects(answering, tmp_path, unreadable()[reason])
    made = read(only.data)
    assert numbers(made) == {}
    assert ("abstained", coded.YES.value) in said(made)
    assert ("not.answered", reason) in said(made)
    assert comments(made)[1].startswith("Abstained. The film was not answered: ")


def test_a_film_above_the_limit_is_answered_without_being_decoded(
    answering: Answering, opening: Opening, tmp_path: Path
) -> None:
    path = write_film(tmp_path / "sent.dcm", Rows=20_000, Columns=20_000)  # and pixels of 256 x 256
    (only,) = answering.objects(opening(path.read_bytes()), read_source(path), WHEN)
    words = "the header declares 20000 x 20000 px = 400 Mpx; at most 1 Mpx are accepted"
    assert words in comments(read(only.data))[1]


def test_what_is_no_chest_film_has_a_report_without_probabilities_and_no_heat_map(
    answering: Answering, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256), np.uint8)
    (reading,) = answering.reader.read([("film", bytes_of(film(1, noise)))])
    assert [r.code for r in reading.answer.gate.reasons] == [NOT_A_CHEST_FILM]
    (only,) = objects(answering, tmp_path, bytes_of(film(1, noise)))
    made = read(only.data)
    assert numbers(made) == {}
    assert {
        ("abstained", coded.YES.value),
        ("gate.passed", coded.NO.value),
        ("gate.why", NOT_A_CHEST_FILM),
    } <= set(said(made))
    assert not [i for i in said(made) if i[0] in ("called", "likeliest")]
    assert "Abstained. The model was not asked: This does not look like a chest film." in comments(made)


def test_a_stranger_has_its_probabilities_and_the_words_that_they_should_not_be_relied_on(
    answering: Answering, answered
) -> None:
    source = read_source(answered["film"])
    (reading,) = answering.reader.read([("film", answered["film"].read_bytes())])
    gate = Gate(
        False,
        (Remark("outside-the-training-films", "The film is unlike those that the model was trained on."),),
    )
    answer = replace(reading.answer, gate=gate, abstained=True, sets={"90": ("covid", "normal")})
    made = report(Asked(source, answer, answering.reader.bundle, answering.version, "torch", WHEN))
    assert numbers(made)["Probability of covid"] == answer.probabilities["covid"]
    assert ("abstained", coded.YES.value) in said(made)
    assert [v for c, v in said(made) if c == "set.90"] == ["840539006", "17621005"]
    assert "Conformal set, 90 % of films: covid, normal." in comments(made)


def test_a_name_in_another_script_is_carried_on_byte_for_byte(
    answering: Answering, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(answering, "mapper", None)
    sent = film(1, SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName="Yamada^Tarou=山田^太郎")
    first = objects(answering, tmp_path, bytes_of(sent))
    for made in first:
        assert str(read(made.data).PatientName) == "Yamada^Tarou=山田^太郎"
        assert list(read(made.data).SpecificCharacterSet) == ["", "ISO 2022 IR 87"]


REFUSED = {
    "for processing": ({"SOPClassUID": DX_FOR_PROCESSING, "Modality": "DX"}, 0x0122, "DX for processing"),
    "by intent": ({"SOPClassUID": DX, "Modality": "DX", "PresentationIntentType": "FOR PROCESSING"}, 0x0122, "DX for processing"),
    "ct": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "Modality": "CT"}, 0x0122, "expected CR, DX for presentation"),
    "our own heat map": ({"SOPClassUID": SECONDARY_CAPTURE, "Modality": "OT"}, 0xA900, "Modality is OT; expected CR or DX"),
    "no study": ({"StudyInstanceUID": ""}, 0xA900, "Study Instance UID is missing"),
    "a name for a modality": ({"Modality": "Doe^Jane"}, 0xA900, "Modality is none"),
}  # fmt: skip


@pytest.mark.parametrize(("tags", "status", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_film_is_refused_by_name(
    tmp_path: Path, tags: dict[str, str], status: int, words: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        refused = refusal(read_source(write_film(tmp_path / "sent.dcm", **tags)))
    assert refused is not None
    assert refused.status == status
    assert refused.words.startswith(words)
    assert len(refused.words) <= 64


@pytest.mark.parametrize(
    "tags", [{}, {"SOPClassUID": DX, "Modality": "DX"}, {"SOPClassUID": SECONDARY_CAPTURE, "Modality": "CR"}]
)
def test_cr_dx_and_secondary_capture_of_one_are_films(tmp_path: Path, tags: dict[str, str]) -> None:
    assert refusal(read_source(write_film(tmp_path / "sent.dcm", **tags))) is None


def test_the_highest_part_lies_where_the_map_is_high_on_the_film_itself() -> None:
    values = np.zeros((40, 40), np.float32)
    values[10:20, 20:30] = 1.0
    mapped: Any = SimpleNamespace(values=values)
    for name, inside in (("baseline", (50, 100, 200, 300)), ("centre-crop", (55, 100, 200, 290))):
        pipeline = preset(name, size_px=40).certain
        steps = pipeline.draw(0, "", 0, "test", 200, 400, None)
        part = highest_part(mapped, pipeline, steps, (200, 400))
        assert part.shape == (200, 400)
        expected = np.zeros((200, 400), bool)
        expected[inside[0] : inside[1], inside[2] : inside[3]] = True
        assert (part == expected).mean() > 0.995


def real_films() -> list[Path]:
    return (
        sorted(Path(os.environ["HILUM_FILMS"], "dicom").glob("*.dcm"))
        if os.environ.get("HILUM_FILMS")
        else []
    )


@pytest.mark.slow
@pytest.mark.skipif(not real_films(), reason="HILUM_FILMS names no folder with DICOM films")
@pytest.mark.parametrize("path", real_films(), ids=lambda p: p.stem)
def test_the_answers_of_real_films_have_no_fault_that_the_film_did_not_bring(
    answering: Answering, tmp_path: Path, path: Path
) -> None:
    def faults(of: Path) -> set[str]:
        done = subprocess.run(
            [needed_program("dciodvfy", "dicom3tools"), str(of)], capture_output=True, text=True, check=False
        )
        return {line for line in done.stderr.splitlines() if line.startswith("Error")}

    brought = faults(path)
    for made in answering.objects(answering.opener("film", path.read_bytes()), read_source(path), WHEN):
        (tmp_path / "made.dcm").write_bytes(made.data)
        assert faults(tmp_path / "made.dcm") <= brought
        assert text(read(made.data), "StudyInstanceUID") == read_source(path).study_uid
