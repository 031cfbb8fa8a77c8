"""DICOM to film: stored values -> rescale -> VOI -> photometric -> 8 bits, in that order (PS3.4 N.2).

What is decided where the standard leaves a choice, or files contradict it, is ``docs/explanation/films.md``. In short:

- Accepted are projection films (CR, DX, RG, or no Modality at all) of one frame; a CT or MR slice is refused.
- Rescale: the Modality LUT Sequence, else Rescale Slope and Intercept, else nothing.
- VOI: the first item of the VOI LUT Sequence, else the first window (LINEAR, LINEAR_EXACT or SIGMOID), else the range that the stored
  bits can hold, after the rescale: never what occurs in the film.
- MONOCHROME1, or Presentation LUT Shape INVERSE, inverts: once, because a correct MONOCHROME1 film carries both.
- Colour becomes luma, without rescale and VOI, which the standard defines for grey only.

The chain from stored value to grey is a function of the value alone, so it is worked out once for each value between the least and the
greatest stored one, and the film is looked up in that table. pydicom and its decoders
are the extra ``hilum[dicom]``, imported on first use.
"""

from __future__ import annotations

import io
import math
import warnings
import zlib
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import FilmError
from hilum.imaging.dicom_elements import lookup_table, number, numbers, shown, text, values
from hilum.imaging.dicom_pixels import PixelLayout, layout_of, stored_values
from hilum.imaging.film import MAX_PIXELS, corrupt, unsupported
from hilum.imaging.intensity import Window, WindowFunction, from_range, from_unit, look_up, luma

MODALITIES: Final = frozenset({"CR", "DX", "RG"})
FACTS: Final = {
    "patient_id": "PatientID",
    "study_uid": "StudyInstanceUID",
    "age": "PatientAge",
    "sex": "PatientSex",
    "modality": "Modality",
    "photometric": "PhotometricInterpretation",
}
"""Our word -> DICOM keyword."""

_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
_MAX_INFLATED: Final = 3 * MAX_PIXELS  # bytes: the largest film in 16 bits of grey or 8 of colour


def decode_dicom(data: bytes) -> tuple[NDArray[np.uint8], str, dict[str, str]]:
    """Decode one DICOM film, with or without the 128-byte preamble.

    Returns:
        Pixels; the photometric interpretation; and what of `FACTS` the header has, with `view` (`_view`) and
            `pixel_spacing` (`_spacing`).

    Raises:
        FilmError: For what can be told: "missing DICOM plugin", "not a chest film modality", "multi-frame", "not an image", "too large",
            "too small", "unsupported"; "corrupt" for an element, which is named.
        Exception: Whatever pydicom raises for damaged data; `hilum.imaging.decode.decode` turns it into a FilmError.
    """
    try:
        import pydicom  # noqa: F401
    except ImportError:
        raise FilmError(
            "missing DICOM plugin", "DICOM needs pydicom; install it with: pip install 'hilum[dicom]'"
        ) from None
    header = _header(data)
    _check_is_film(header)
    facts = {ours: word for ours, theirs in FACTS.items() if (word := _fact(header, theirs))}
    if view := _view(header):
        facts["view"] = view
    if spacing := _spacing(header):
        facts["pixel_spacing"] = spacing
    layout = layout_of(header)
    stored = stored_values(header, layout)
    if not layout.grey:
        pixels = luma(stored) if stored.ndim == 3 else stored
    else:
        low = int(stored.min())
        table = _grey_of_values(header, layout, low, int(stored.max()))
        pixels = table[stored.astype(np.int32) - low]
    return pixels, layout.photometric, facts


def _header(data: bytes) -> Any:
    """The data set, with the transfer syntax in its file meta information."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    _check_inflated(data)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        header = pydicom.dcmread(io.BytesIO(data), force=data[128:132] != b"DICM")
    # pydicom leaves out an element of undefined length that ends with the file, and says so in a warning
    if "PixelData" not in header and any("End of file" in str(w.message) for w in heard):
        raise FilmError("truncated", "the DICOM file ends within its pixel data")
    if not header.file_meta.get("TransferSyntaxUID"):
        # a file without meta information is little endian, and pydicom has seen which sort
        implicit = header.original_encoding[0]
        header.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    return header


def _check_inflated(data: bytes) -> None:
    """Refuse a deflated data set, by the file's meta information, that ends early or becomes larger than a film."""
    from pydicom.filereader import _read_file_meta_info, read_preamble

    if data[128:132] != b"DICM" or _DEFLATED.encode() not in data:
        return
    file = io.BytesIO(data)
    read_preamble(file, force=False)
    if _read_file_meta_info(file).get("TransferSyntaxUID") != _DEFLATED:
        return
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    inflate.decompress(data[file.tell() :], _MAX_INFLATED)
    if inflate.unconsumed_tail:
        raise FilmError(
            "too large", f"the deflated data set is more than {_MAX_INFLATED / 1e6:.0f} MB; no film is"
        )
    if not inflate.eof:
        raise FilmError("truncated", "the deflated data set ends early")


def _check_is_film(header: Any) -> None:
    modality = text(header, "Modality").upper()
    if modality and modality not in MODALITIES:
        raise FilmError(
            "not a chest film modality",
            f"Modality is {shown(modality)}; a chest film is one of {', '.join(sorted(MODALITIES))}",
        )
    if "PixelData" not in header:
        if "FloatPixelData" in header or "DoubleFloatPixelData" in header:
            raise unsupported("float pixel data; a film has integers of 8 to 16 bits")
        raise FilmError("not an image", "the DICOM file has no Pixel Data")


def _fact(header: Any, keyword: str) -> str:
    """A fact as text; one that cannot be read is unknown, which costs no film."""
    try:
        return text(header, keyword)
    except FilmError:
        return ""


def _view(header: Any) -> str:
    """The view: View Position; else what View Code Sequence means (PS3.3 C.8.11.5); else lateral where the rows of the picture run
    from front to back or back to front (Patient Orientation, PS3.3 C.7.6.1.1.1).
    """
    if word := _fact(header, "ViewPosition"):
        return word
    try:
        items = values(header, "ViewCodeSequence")
    except FilmError:
        items = ()
    if items and (meaning := _fact(items[0], "CodeMeaning")):
        return meaning
    return "LATERAL" if _fact(header, "PatientOrientation") in {"A", "P"} else ""


def _spacing(header: Any) -> str:
    """Millimetres from row to row and from column to column, with a blank between: Pixel Spacing, else Imager Pixel Spacing, which is at
    the detector (PS3.3 C.8.11.4); empty where there is neither."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        try:
            found = numbers(header, keyword)
        except FilmError:
            continue
        if len(found) == 2 and all(mm is not None and 0 < mm < math.inf for mm in found):
            return f"{found[0]:g} {found[1]:g}"
    return ""


def _grey_of_values(header: Any, layout: PixelLayout, low: int, high: int) -> NDArray[np.uint8]:
    """The grey of each stored value `low` .. `high`: rescale, VOI, photometric."""
    little = header.file_meta.TransferSyntaxUID != _BIG_ENDIAN
    domain = np.arange(low, high + 1)
    if header.get("ModalityLUTSequence"):
        item = header.ModalityLUTSequence[0]
        first, entries, bits = lookup_table(item, layout.span, signed=layout.signed, little_endian=little)
        rescaled = look_up(domain, first, entries)
        least, most = 0.0, float((1 << bits) - 1)
    else:
        slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept")
        slope, intercept = 1.0 if slope is None else slope, intercept or 0.0
        rescaled = domain.astype(np.float64) * slope + intercept
        least, most = sorted(end * slope + intercept for end in layout.span)
    if not np.isfinite([least, most]).all():
        raise corrupt("Rescale Slope and Intercept give values that are not finite")
    if header.get("VOILUTSequence"):
        item = header.VOILUTSequence[0]
        first, entries, bits = lookup_table(item, (least, most), signed=least < 0, little_endian=little)
        grey = from_unit(look_up(rescaled, first, entries) / ((1 << bits) - 1))
    elif (window := _window(header)) is not None:
        grey = from_unit(window.apply(rescaled))
    else:
        grey = from_range(rescaled, least, most)
    inverse = text(header, "PresentationLUTShape") == "INVERSE"
    return 255 - grey if inverse or layout.photometric == "MONOCHROME1" else grey


def _window(header: Any) -> Window | None:
    """The first window that has both a center and a width."""
    centers, widths = numbers(header, "WindowCenter"), numbers(header, "WindowWidth")
    for center, width in zip(centers, widths, strict=False):
        if center is not None and width is not None:
            function = text(header, "VOILUTFunction").upper() or "LINEAR"
            return Window(center, width, cast(WindowFunction, function))
    return None
