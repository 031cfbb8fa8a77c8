"""Pixel Data to stored values: whatever the transfer syntax, the bits that High Bit and Bits Stored name (PS3.5 8.1.1).

Of each word the bits High Bit ... High Bit - Bits Stored + 1 count, sign included; what old files keep in the others (overlays) is cut
off. A compressed stream holds either whole words, of which the same holds, or only the stored bits: its own precision says which. Grey and
colour JPEG of 8 bits go through `jpeg`, as JPEG files do, so that both give the same film.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hilum.core.errors import FilmError
from hilum.imaging import jpeg
from hilum.imaging.dicom_elements import named, number, shown, text, whole
from hilum.imaging.film import check_size, corrupt, unsupported

_JPEG_OF_8_BITS: Final = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")  # baseline, extended
_RLE: Final = "1.2.840.10008.1.2.5"
_PLUGINS: Final = {
    "1.2.840.10008.1.2.4.80": ("pyjpegls", "gdcm"),  # JPEG-LS: the stricter decoder of damaged data first
    "1.2.840.10008.1.2.4.81": ("pyjpegls", "gdcm"),
    "1.2.840.10008.1.2.4.90": ("pylibjpeg", "gdcm"),  # JPEG 2000: openjpeg, through pylibjpeg
    "1.2.840.10008.1.2.4.91": ("pylibjpeg", "gdcm"),
}
"""Transfer syntax -> pydicom's decoding plugins in our order; for the others pydicom's own order."""
_GREY: Final = ("MONOCHROME1", "MONOCHROME2")
_COLOUR: Final = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_SIZE_OF_J2K: Final = b"\xff\x4f\xff\x51"  # SOC, SIZ


class PixelLayout(NamedTuple):
    """What the header says of Pixel Data: rows and columns, Photometric Interpretation, bits, whether Pixel Representation is 1."""

    shape: tuple[int, int]
    photometric: str
    allocated: int
    stored: int
    high: int
    signed: bool
    planar: int = 0

    @property
    def grey(self) -> bool:
        """Whether a pixel is one sample."""
        return self.photometric in _GREY

    @property
    def span(self) -> tuple[int, int]:
        """Least and greatest stored value that the bits can hold."""
        half = 1 << self.stored - 1
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)


def layout_of(header: Any) -> PixelLayout:
    """Read what decides about Pixel Data; what old files leave out follows from the rest.

    Samples per Pixel follows from Photometric Interpretation, and that from it: one sample is MONOCHROME2, three are RGB. Planar
    Configuration is then 0, High Bit is Bits Stored - 1. The others have to be there.

    Raises:
        FilmError: "multi-frame", "too large", "too small", "unsupported"; "corrupt" for an element that is missing or contradicts another.
    """
    frames = number(header, "NumberOfFrames")
    if frames is not None and frames > 1:
        raise FilmError("multi-frame", f"Number of Frames is {frames:.0f}; a film has one")
    shape = (whole(header, "Rows"), whole(header, "Columns"))
    check_size(shape[1], shape[0])
    photometric = text(header, "PhotometricInterpretation").upper()
    n_samples = whole(header, "SamplesPerPixel", 3 if photometric in _COLOUR else 1)
    photometric = photometric or ("MONOCHROME2" if n_samples == 1 else "RGB")
    if photometric not in _GREY + _COLOUR:
        raise unsupported(f"Photometric Interpretation {shown(photometric)}")
    if n_samples != (1 if photometric in _GREY else 3):
        raise corrupt(f"{named('SamplesPerPixel')} is {n_samples}, and the film is {photometric}")
    allocated, stored = whole(header, "BitsAllocated"), whole(header, "BitsStored")
    high = whole(header, "HighBit", stored - 1)
    if allocated not in ((8, 16) if n_samples == 1 else (8,)) or not 1 < stored <= allocated:
        raise unsupported(
            f"{stored} bits stored in {allocated} allocated; a film has 2 to 16 in 8 or 16, colour 8 in 8"
        )
    if not stored - 1 <= high < allocated:
        raise corrupt(f"{named('HighBit')} is {high}, with {stored} bits stored in {allocated} allocated")
    representation = whole(header, "PixelRepresentation")
    if representation not in (0, 1):
        raise corrupt(f"{named('PixelRepresentation')} is {representation}, not 0 or 1")
    planar = whole(header, "PlanarConfiguration", 0) if n_samples == 3 else 0
    return PixelLayout(shape, photometric, allocated, stored, high, representation == 1, planar)


def stored_values(header: Any, layout: PixelLayout) -> NDArray[Any]:
    """Stored values, int32 (height, width); or of colour, RGB (height, width, 3) or its luma (height, width).

    Raises:
        FilmError: "unsupported", "missing DICOM plugin", "truncated" or "corrupt".
        Exception: Whatever pydicom and its decoders raise for damaged data.
    """
    from pydicom.pixels.decoders.base import get_decoder

    syntax = header.file_meta.TransferSyntaxUID
    if syntax in _JPEG_OF_8_BITS:
        return _jpeg_frame(header, layout)
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise unsupported(f"no decoder reads the transfer syntax {syntax.name}") from None
    available = decoder.available_plugins
    if syntax.is_compressed and not available:
        raise FilmError(
            "missing DICOM plugin",
            f"no decoder for {syntax.name}; install them with: pip install 'hilum[dicom]'",
        )
    preferred = [p for p in _PLUGINS.get(syntax, ()) if p in available]
    options: dict[str, Any] = {  # which go before what the data set says, or does not say
        "rows": layout.shape[0],
        "columns": layout.shape[1],
        "number_of_frames": 1,
        "allow_excess_frames": False,
        "samples_per_pixel": 1 if layout.grey else 3,
        "photometric_interpretation": layout.photometric,
        "planar_configuration": layout.planar,
        "bits_allocated": layout.allocated,
        "pixel_representation": 0,  # whole words; `cut_bits` minds the sign
    }
    precision = layout.allocated
    if syntax.is_compressed:
        _hush_gdcm()
        if syntax != _RLE:
            precision = _precision(header) or layout.stored
            options["pixel_representation"] = int(layout.signed)
    options["bits_stored"] = min(precision, layout.allocated)
    header.NumberOfFrames = "1"  # `layout_of` has seen to it; pydicom would fall over other ways to write one
    # whole words, because pydicom takes High Bit for Bits Stored - 1
    values, _ = decoder.as_array(header, decoding_plugin=preferred[0] if preferred else "", **options)
    if values.shape[:2] != layout.shape:
        raise corrupt(f"the header says {layout.shape}, the pixel data are {values.shape}")
    if values.ndim == 3:
        return np.asarray(values)
    shift = layout.high + 1 - layout.stored if precision > layout.high else 0
    return cut_bits(values, layout, shift)


def cut_bits(values: NDArray[Any], layout: PixelLayout, shift: int = 0) -> NDArray[np.int32]:
    """Keep the stored bits above `shift`, sign-extended when signed."""
    wide = (values.astype(np.int32) >> shift) & ((1 << layout.stored) - 1)
    if layout.signed:
        sign = 1 << (layout.stored - 1)
        wide = (wide ^ sign) - sign
    return wide


def _frame(header: Any) -> bytes:
    from pydicom.encaps import generate_frames

    return bytes(next(generate_frames(header.PixelData, number_of_frames=1)))


def _jpeg_frame(header: Any, layout: PixelLayout) -> NDArray[Any]:
    """The one frame of a film in JPEG of 8 bits, by the strict decoder that JPEG files take."""
    frame = _frame(header)
    if not layout.grey:
        frame = jpeg.with_colours(frame, rgb=layout.photometric == "RGB")
    grey, found = jpeg.read(frame)
    if (found.height_px, found.width_px) != layout.shape:
        at = (found.height_px, found.width_px)
        raise corrupt(f"the header says {layout.shape}, the JPEG stream is {at}")
    return grey if not layout.grey else cut_bits(grey, layout)


def _precision(header: Any) -> int:
    """Bits a sample of a compressed stream, by its own header; 0 when it does not say."""
    frame = _frame(header)
    at = -1 if frame.startswith(b"\xff\xd8") else frame.find(_SIZE_OF_J2K, 0, 4096)
    if at >= 0:
        return (frame[at + 42] & 0x7F) + 1 if len(frame) > at + 42 else 0  # Ssiz of the first component
    try:
        return jpeg.header(frame).precision
    except FilmError:
        return 0


def _hush_gdcm() -> None:
    """GDCM writes to the process's stderr by itself; what it says comes back as an exception anyway."""
    try:
        import gdcm
    except ImportError:
        return
    for off in (gdcm.Trace.WarningOff, gdcm.Trace.ErrorOff, gdcm.Trace.DebugOff):
        off()
