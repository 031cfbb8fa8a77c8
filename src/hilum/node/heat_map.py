"""A heat map as a picture that any viewer shows: RGB secondary capture, uncompressed, explicit little endian, in the film's own study.

The film as the model saw it, with the map laid over, enlarged so that the words below can be read; below it, burned in: the research
notice, the method and class, whether the map passed its checks, and whether the answer abstained. The words stand in Image Comments and
Derivation Description too. Its Modality is OT, so that no node takes it for a film. It has no scale in mm: what the model saw is cropped
and resized.
"""

from __future__ import annotations

import textwrap
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hilum import RESEARCH_NOTICE, __version__
from hilum.explain.colours import film_with_map
from hilum.explain.mapped import MappedFilm
from hilum.node import coded
from hilum.node.report import Asked, signed
from hilum.node.source import SECONDARY_CAPTURE

KIND: Final = "heat-map"
SERIES_NUMBER: Final = 8802
DESCRIPTION: Final = "hilum heat map (research, not for diagnosis)"
SIDE_PX: Final = 896
"""Least width of the picture."""
_LETTER_PX, _MARGIN_PX = 18, 12


def words_of(asked: Asked, mapped: MappedFilm) -> tuple[str, ...]:
    """What is said of a map, a sentence each."""
    of = mapped.of
    said = [
        RESEARCH_NOTICE,
        f"{of.method}, class {of.target}: where the model's answer comes from, not where disease is.",
        f"The map {of.verdict}."
        if of.verdict.startswith(("passes", "does not"))
        else f"The map is {of.verdict}.",
    ]
    if asked.answer.abstained:
        said.append("Abstained: " + " ".join(r.words for r in asked.answer.gate.reasons))
    said.append(f"hilum {__version__}, bundle {asked.version[:12]}")
    return tuple(coded.plain(words, 300) for words in said)


def picture(mapped: MappedFilm, words: tuple[str, ...]) -> NDArray[np.uint8]:
    """The film with its map and the words below it: uint8 (height, width, 3)."""
    laid = film_with_map(mapped.film, mapped.values, mapped.signed)
    times = max(1, -(-SIDE_PX // laid.shape[1]))
    large = Image.fromarray(laid).resize(
        (laid.shape[1] * times, laid.shape[0] * times), Image.Resampling.BILINEAR
    )
    font = ImageFont.load_default(_LETTER_PX)
    a_line = max(20, int((large.width - 2 * _MARGIN_PX) / font.getlength("n")))
    lines = [line for sentence in words for line in textwrap.wrap(sentence, a_line)]
    step = _LETTER_PX + 6
    page = Image.new("RGB", (large.width, large.height + len(lines) * step + 2 * _MARGIN_PX))
    page.paste(large, (0, 0))
    pen = ImageDraw.Draw(page)
    for k, line in enumerate(lines):
        colour = (255, 210, 90) if k == 0 else (235, 235, 235)
        pen.text((_MARGIN_PX, large.height + _MARGIN_PX + k * step), line, fill=colour, font=font)
    return np.asarray(page, np.uint8)


def heat_map(asked: Asked, mapped: MappedFilm) -> Any:
    """The heat map's data set, with file meta information."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID, ExplicitVRLittleEndian

    words = words_of(asked, mapped)
    pixels = picture(mapped, words)
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = UID(SECONDARY_CAPTURE)
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = UID(asked.object_uid(KIND))
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    made.SeriesInstanceUID, made.SeriesNumber = asked.series_uid(KIND), SERIES_NUMBER
    made.SeriesDescription, made.Modality, made.ConversionType = DESCRIPTION, "OT", "WSD"
    made.InstanceNumber, made.PatientOrientation, made.BodyPartExamined = 1, None, "CHEST"
    made.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    made.BurnedInAnnotation = "NO"  # nothing that tells who the patient is
    made.ImageComments = " ".join(words)[:1000]
    made.DerivationDescription = f"Heat map over the film as the model saw it. {RESEARCH_NOTICE}"
    made.SourceImageSequence = [_reference(asked)]
    signed(made, asked)
    made.DateOfSecondaryCapture, made.TimeOfSecondaryCapture = made.ContentDate, made.ContentTime
    made.Rows, made.Columns = pixels.shape[:2]
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, "RGB", 0
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    data = pixels.tobytes()
    made.PixelData = data + b"\0" * (len(data) % 2)
    made["PixelData"].VR = "OB"
    return made


def _reference(asked: Asked) -> Any:
    from pydicom.dataset import Dataset
    from pydicom.sr.coding import Code

    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = asked.source.sop_class, asked.source.sop_uid
    purpose = Code("121322", "DCM", "Source image for image processing operation")
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = (
        purpose.value,
        purpose.scheme_designator,
        purpose.meaning,
    )
    item.PurposeOfReferenceCodeSequence = [code]
    return item
