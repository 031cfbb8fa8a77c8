"""The film's own header: what decides whether a node takes it, and what its answers carry on (patient, study, accession).

Convention: what is carried on is copied as bytes, with the film's character sets, so that a name in any script, or a value that its maker
wrote wrongly, stands in the answer as it stands in the film. All that hilum adds is ASCII, which every DICOM character set contains.
Nothing here is ever logged: a refusal quotes codes and class names only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hilum.core.digests import sha256_bytes
from hilum.core.errors import FilmError
from hilum.imaging.dicom_elements import number, text
from hilum.imaging.quiet import quietly

CR: Final = "1.2.840.10008.5.1.4.1.1.1"
DX: Final = "1.2.840.10008.5.1.4.1.1.1.1"
DX_FOR_PROCESSING: Final = "1.2.840.10008.5.1.4.1.1.1.1.1"
SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
FILMS: Final = {CR: "CR", DX: "DX", SECONDARY_CAPTURE: "secondary capture"}
"""SOP class -> its name, of films that are taken."""
MODALITIES: Final = ("CR", "DX")

_PATIENT_AND_STUDY: Final = (
    "SpecificCharacterSet", "TimezoneOffsetFromUTC", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
    "PatientAge", "PatientSize", "PatientWeight", "StudyInstanceUID", "StudyDate", "StudyTime", "AccessionNumber", "StudyID",
    "StudyDescription", "ReferringPhysicianName",
)  # fmt: skip
_MUST_STAND: Final = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber", "StudyID",
    "ReferringPhysicianName",
)  # fmt: skip
"""Of type 2: they stand in every object, empty where the film has none."""
_ASKED: Final = (
    *_PATIENT_AND_STUDY, "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Modality", "PresentationIntentType", "Rows", "Columns",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Source:
    """What a film's header says of it.

    Attributes:
        sop_class, sop_uid, series_uid, study_uid: UIDs.
        modality: CR, DX, or whatever it says.
        intent: Presentation Intent Type; empty for none.
        shape: (rows, columns); (0, 0) where the header does not say.
        carried: Patient, study and character sets as they stand in the film, to be copied; about a patient.
    """

    sop_class: str
    sop_uid: str
    series_uid: str
    study_uid: str
    modality: str
    intent: str
    shape: tuple[int, int]
    carried: Any

    def carry(self, into: Any) -> None:
        """Put patient and study into an answer."""
        for keyword in _PATIENT_AND_STUDY:
            if keyword in into:
                delattr(into, keyword)
        for tag, element in self.carried.items():
            into[tag] = element
        for keyword in _MUST_STAND:
            if keyword not in into:
                setattr(into, keyword, None)


@dataclass(frozen=True)
class Refusal:
    """Why a film is not taken.

    Attributes:
        status: Of the C-STORE response (PS3.4 B.2.3).
        words: At most 64 characters, for its Error Comment; they quote nothing of a patient.
    """

    status: int
    words: str


NOT_SUPPORTED, MISMATCH, NOT_UNDERSTOOD, NO_ROOM = 0x0122, 0xA900, 0xC000, 0xA700


def read_source(path: Path) -> Source:
    """Read a film's header; its pixels stay on the disk.

    Raises:
        FilmError: "corrupt": it is no DICOM data set.
    """
    import pydicom

    try:
        with quietly():
            # only what is asked for is kept: a hostile header of millions of elements must not fill the memory
            header = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=list(_ASKED))
            carried = _carried(header)
            return Source(
                sop_class=text(header, "SOPClassUID"),
                sop_uid=text(header, "SOPInstanceUID"),
                series_uid=text(header, "SeriesInstanceUID"),
                study_uid=text(header, "StudyInstanceUID"),
                modality=text(header, "Modality").upper(),
                intent=text(header, "PresentationIntentType").upper(),
                shape=(_size(header, "Rows"), _size(header, "Columns")),
                carried=carried,
            )
    except FilmError:
        raise
    except OSError:
        raise
    except Exception as e:  # pydicom raises whatever it meets
        raise FilmError("corrupt", f"the data set cannot be read ({type(e).__name__})") from None


def picture_sha256(path: Path) -> str:
    """Digest of a film's picture as it is encoded: two files of it may differ in their headers.

    Raises:
        FilmError: "corrupt": it is no DICOM data set.
    """
    import pydicom

    try:
        with quietly():
            film = pydicom.dcmread(path, force=True, specific_tags=["PixelData"])
            element = film.get_item("PixelData") if "PixelData" in film else None
    except OSError:
        raise
    except Exception as e:
        raise FilmError("corrupt", f"the data set cannot be read ({type(e).__name__})") from None
    return sha256_bytes(element.value or b"") if element is not None else sha256_bytes(b"")


def refusal(source: Source) -> Refusal | None:
    """Why a film is not one that the node answers; None where it is."""
    if source.sop_class == DX_FOR_PROCESSING or source.intent == "FOR PROCESSING":
        return Refusal(NOT_SUPPORTED, "DX for processing; send the film for presentation")
    if source.sop_class not in FILMS:
        return Refusal(NOT_SUPPORTED, "expected CR, DX for presentation, or a secondary capture")
    if source.modality not in MODALITIES:
        word = source.modality if source.modality.isalnum() and len(source.modality) <= 16 else "none"
        return Refusal(MISMATCH, f"Modality is {word}; expected CR or DX")
    for uid, name in ((source.sop_uid, "SOP"), (source.series_uid, "Series"), (source.study_uid, "Study")):
        if not _is_uid(uid):
            return Refusal(MISMATCH, f"{name} Instance UID is missing or no UID")
    return None


def _is_uid(word: str) -> bool:
    return 0 < len(word) <= 64 and all(part.isdigit() for part in word.split("."))


def _size(header: Any, keyword: str) -> int:
    try:
        return int(number(header, keyword) or 0)
    except FilmError:
        return 0


def _carried(header: Any) -> Any:
    """Patient and study as bytes, in explicit little endian, which for text is the same as any other."""
    from pydicom.datadict import dictionary_VR, tag_for_keyword
    from pydicom.dataelem import RawDataElement
    from pydicom.dataset import Dataset
    from pydicom.tag import Tag

    out = Dataset()
    for keyword in _PATIENT_AND_STUDY:
        tag = Tag(tag_for_keyword(keyword) or 0)
        if tag not in header:
            continue
        element = header.get_item(tag)
        if isinstance(element, RawDataElement):
            value = element.value or b""
            element = RawDataElement(tag, dictionary_VR(tag), len(value), value, 0, False, True)
        out[tag] = element
    return out
