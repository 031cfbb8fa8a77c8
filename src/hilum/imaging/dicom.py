"""DICOM to film: stored values -> rescale -> VOI -> photometric -> 8 bits, in that order (PS3.4 N.2).

What this module fixes where the standard leaves a choice or files contradict it:

- Accepted are projection films (CR, DX, RG, or no Modality at all) of one frame; a CT or MR slice is refused.
- Rescale: the Modality LUT Sequence, else Rescale Slope and Intercept, else nothing.
- VOI: the first item of the VOI LUT Sequence, else the first window (LINEAR, LINEAR_EXACT or SIGMOID), else
  the full range of the rescaled values that occur, pixel padding left out.
- MONOCHROME1, or Presentation LUT Shape INVERSE, inverts: once, because a correct MONOCHROME1 film carries
  both.
- Colour becomes luma, without rescale and VOI, which the standard defines for grey only.

The chain from stored value to grey is a function of the value alone, so it is worked out once for each value
between the least and the greatest stored one, and the film is looked up in that table. It does not draw
overlays, and of the header it keeps seven facts. pydicom and its decoders are the extra ``hilum[dicom]``,
imported on first use.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import FilmError
from hilum.imaging.film import DecodedFilm, check_size
from hilum.imaging.intensity import Window, from_range, from_unit, look_up, luma

MODALITIES = frozenset({"CR", "DX", "RG"})
FACTS = {
    "patient_id": "PatientID",
    "study_uid": "StudyInstanceUID",
    "view": "ViewPosition",
    "age": "PatientAge",
    "sex": "PatientSex",
    "modality": "Modality",
    "photometric": "PhotometricInterpretation",
}
"""Our word -> DICOM keyword."""

_JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
_JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_PLUGINS = {
    "1.2.840.10008.1.2.4.80": ("pyjpegls", "gdcm"),  # JPEG-LS: the stricter decoder of damaged data first
    "1.2.840.10008.1.2.4.81": ("pyjpegls", "gdcm"),
    "1.2.840.10008.1.2.4.90": ("pylibjpeg", "gdcm"),  # JPEG 2000: openjpeg, through pylibjpeg
    "1.2.840.10008.1.2.4.91": ("pylibjpeg", "gdcm"),
}
"""Transfer syntax -> pydicom's decoding plugins in our order; for the others pydicom's own order."""


def decode_dicom(data: bytes) -> DecodedFilm:
    """Decode one DICOM film.

    Args:
        data: A whole file, with or without the 128-byte preamble.

    Returns:
        The film; `mode` is its photometric interpretation, `facts` what of `FACTS` the header has.

    Raises:
        FilmError: For what can be told: "missing DICOM plugin", "not a chest film modality", "multi-frame",
            "not an image", "too large", "too small", "unsupported".
        Exception: Whatever pydicom raises for damaged data; `hilum.imaging.decode.decode` turns it into a
            FilmError.
    """
    try:
        import pydicom
    except ImportError:
        raise FilmError(
            "missing DICOM plugin", "DICOM needs pydicom; install it with: pip install 'hilum[dicom]'"
        ) from None
    if _DEFLATED in data[:2048]:
        raise FilmError(
            "unsupported", "Deflated Explicit VR Little Endian is not read: its size has no bound"
        )
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        header = pydicom.dcmread(io.BytesIO(data), force=data[128:132] != b"DICM")
    # pydicom leaves out an element of undefined length that ends with the file, and says so in a warning
    if "PixelData" not in header and any("End of file" in str(w.message) for w in heard):
        raise FilmError("truncated", "the DICOM file ends within its pixel data")
    _check_header(header)
    facts = {ours: text for ours, theirs in FACTS.items() if (text := _text(header, theirs))}
    mode = facts.get("photometric", "MONOCHROME2")
    stored = _stored_values(header)
    if stored.ndim == 3:
        pixels = luma(stored)
    else:
        low = int(stored.min())
        table = _grey_of_values(header, stored, low, int(stored.max()))
        pixels = table[stored.astype(np.int32) - low]
    return DecodedFilm(pixels, "dicom", pixels.shape[1], pixels.shape[0], mode, facts)


def _text(header: Any, keyword: str) -> str:
    """The first value of an element as text, or "" when absent."""
    value = header.get(keyword)
    if value is not None and not isinstance(value, str) and hasattr(value, "__getitem__"):
        value = value[0] if len(value) else None
    return "" if value is None else str(value).strip()


def _shown(code: str) -> str:
    """A code for a message. In a damaged file it may have run into the patient's name: then not shown."""
    return repr(code) if len(code) <= 16 and code.replace("_", "").replace(" ", "").isalnum() else "no code"


def _number(header: Any, keyword: str) -> float | None:
    """The first value of an element as a number, or None when absent or empty."""
    text = _text(header, keyword)
    return float(text) if text else None


def _check_header(header: Any) -> None:
    """Refuse by the header alone: kind, frames, size, bits, colour."""
    modality = _text(header, "Modality").upper()
    if modality and modality not in MODALITIES:
        raise FilmError(
            "not a chest film modality",
            f"Modality is {_shown(modality)}; a chest film is one of {', '.join(sorted(MODALITIES))}",
        )
    frames = _number(header, "NumberOfFrames")
    if frames is not None and frames > 1:
        raise FilmError("multi-frame", f"Number of Frames is {frames:.0f}; a film has one")
    if "PixelData" not in header:
        if "FloatPixelData" in header or "DoubleFloatPixelData" in header:
            raise FilmError("unsupported", "float pixel data; a film has integers of 8 to 16 bits")
        raise FilmError("not an image", "the DICOM file has no Pixel Data")
    check_size(int(header.Columns), int(header.Rows))
    photometric = _text(header, "PhotometricInterpretation")
    known = ("", "MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
    if photometric not in known:
        raise FilmError("unsupported", f"Photometric Interpretation {_shown(photometric)}")
    allocated, stored = int(header.BitsAllocated), int(header.BitsStored)
    grey = photometric in ("", "MONOCHROME1", "MONOCHROME2")
    if allocated not in ((8, 16) if grey else (8,)) or not 1 < stored <= allocated:
        raise FilmError(
            "unsupported",
            f"{stored} bits stored in {allocated} allocated; a film has 2 to 16 in 8 or 16, colour 8 in 8",
        )


def _stored_values(header: Any) -> NDArray[Any]:
    """Stored values, (height, width), or (height, width, 3) RGB; bits outside Bits Stored are cut off."""
    from pydicom.pixels.decoders.base import get_decoder

    syntax = header.file_meta.get("TransferSyntaxUID") if hasattr(header, "file_meta") else None
    if syntax is None:  # a file without meta information is little endian, and pydicom has seen which sort
        from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

        syntax = ImplicitVRLittleEndian if header.original_encoding[0] else ExplicitVRLittleEndian
        header.file_meta.TransferSyntaxUID = syntax
    n_samples = int(header.get("SamplesPerPixel", 1))
    shape = (int(header.Rows), int(header.Columns))
    if syntax == _JPEG_BASELINE and n_samples == 1:
        return _baseline_frame(header, shape)
    if syntax == _JPEG_EXTENDED and int(header.BitsStored) > 8:
        raise FilmError("unsupported", f"{syntax.name} of more than 8 bits; uncompress it first")
    if syntax.is_compressed:
        available = get_decoder(syntax).available_plugins
        if not available:
            raise FilmError(
                "missing DICOM plugin",
                f"no decoder for {syntax.name}; install them with: pip install 'hilum[dicom]'",
            )
        preferred = [p for p in _PLUGINS.get(syntax, ()) if p in available]
        header.pixel_array_options(decoding_plugin=preferred[0] if preferred else "")
        _hush_gdcm()
    values: NDArray[Any] = header.pixel_array
    if values.shape[:2] != shape:
        raise FilmError("corrupt", f"the header says {shape}, the pixel data are {values.shape}")
    if values.ndim == 3:
        return values
    stored, high_bit = int(header.BitsStored), int(header.get("HighBit", int(header.BitsStored) - 1))
    shift = 0 if syntax.is_compressed else max(high_bit + 1 - stored, 0)
    return _cut_bits(values, stored, shift, signed=int(header.PixelRepresentation) == 1)


def _cut_bits(values: NDArray[Any], stored: int, shift: int, signed: bool) -> NDArray[Any]:
    """Keep the `stored` bits above `shift`, sign-extended when signed; old files hide overlays in others."""
    wide = (values.astype(np.int32) >> shift) & ((1 << stored) - 1)
    if signed:
        sign = 1 << (stored - 1)
        wide = (wide ^ sign) - sign
    return wide


def _baseline_frame(header: Any, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The one frame of a grey JPEG-baseline film, by the strict JPEG decoder that JPEG files take."""
    import simplejpeg
    from pydicom.encaps import generate_frames

    frame = next(generate_frames(header.PixelData, number_of_frames=1))
    height, width, _, _ = simplejpeg.decode_jpeg_header(frame)
    if (height, width) != shape:
        raise FilmError("corrupt", f"the header says {shape}, the JPEG stream is {(height, width)}")
    grey: NDArray[np.uint8] = simplejpeg.decode_jpeg(frame, colorspace="GRAY", strict=True)[:, :, 0]
    return grey


def _hush_gdcm() -> None:
    """GDCM writes to the process's stderr by itself; what it says comes back as an exception anyway."""
    try:
        import gdcm
    except ImportError:
        return
    for off in (gdcm.Trace.WarningOff, gdcm.Trace.ErrorOff, gdcm.Trace.DebugOff):
        off()


def _grey_of_values(header: Any, stored: NDArray[Any], low: int, high: int) -> NDArray[np.uint8]:
    """The grey of each stored value `low` .. `high`: rescale, VOI, photometric."""
    domain = np.arange(low, high + 1)
    if header.get("ModalityLUTSequence"):
        first, entries, _ = _lookup_table(header.ModalityLUTSequence[0])
        rescaled = look_up(domain, first, entries)
    else:
        slope, intercept = _number(header, "RescaleSlope"), _number(header, "RescaleIntercept")
        rescaled = domain.astype(np.float64) * (1.0 if slope is None else slope) + (
            0.0 if intercept is None else intercept
        )
    if not np.isfinite(rescaled).all():
        raise FilmError("corrupt", "the rescale gives values that are not finite")
    if header.get("VOILUTSequence"):
        first, entries, bits = _lookup_table(header.VOILUTSequence[0])
        grey = from_unit(look_up(rescaled, first, entries) / ((1 << bits) - 1))
    elif (window := _window(header)) is not None:
        grey = from_unit(window.apply(rescaled))
    else:
        seen = rescaled[_occurring(header, stored, low, high)]
        grey = from_range(rescaled, float(seen.min()), float(seen.max()))
    inverse = _text(header, "PresentationLUTShape") == "INVERSE"
    return 255 - grey if inverse or _text(header, "PhotometricInterpretation") == "MONOCHROME1" else grey


def _lookup_table(item: Any) -> tuple[int, NDArray[np.uint16], int]:
    """First value mapped, entries, and bits an entry, of an item with LUT Descriptor and LUT Data."""
    n_entries, first, bits = (int(v) for v in item.LUTDescriptor)
    n_entries = n_entries or 65536  # 16 bits cannot say 65536
    held = item.LUTData
    if isinstance(held, bytes):
        entries = np.frombuffer(held, "<u2" if len(held) >= 2 * n_entries else np.uint8).astype(np.uint16)
    else:
        entries = np.atleast_1d(np.array(held, np.int64)).astype(np.uint16)
    if len(entries) < n_entries or not 1 <= bits <= 16:
        declared = f"{n_entries} entries of {bits} bits"
        raise FilmError("corrupt", f"a look-up table of {declared} holds {len(entries)} entries")
    return first, entries[:n_entries], bits


def _window(header: Any) -> Window | None:
    center, width = _number(header, "WindowCenter"), _number(header, "WindowWidth")
    if center is None or width is None:
        return None
    return Window(center, width, _text(header, "VOILUTFunction") or "LINEAR")  # type: ignore[arg-type]


def _occurring(header: Any, stored: NDArray[Any], low: int, high: int) -> NDArray[np.bool_]:
    """Which values of `low` .. `high` occur in the film other than as padding (PS3.3 C.7.5.1.1.2)."""
    occurs = np.bincount((stored - low).ravel(), minlength=high - low + 1) > 0
    padding = _number(header, "PixelPaddingValue")
    if padding is None:
        return occurs
    limit = _number(header, "PixelPaddingRangeLimit")
    ends = np.array([padding, padding if limit is None else limit], np.int64)
    signed = int(header.PixelRepresentation) == 1
    first, last = np.sort(_cut_bits(ends, int(header.BitsStored), 0, signed)) - low
    kept = occurs.copy()
    kept[max(int(first), 0) : max(int(last) + 1, 0)] = False
    return kept if kept.any() else occurs
