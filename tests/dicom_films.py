"""DICOM films made from numbers, for the tests: any bits, byte order and transfer syntax, and look-up tables."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian


def ramp(top: int = 4095, rows: int = 20, columns: int = 30) -> NDArray[np.int64]:
    return np.rint(np.linspace(0, top, rows * columns)).astype(np.int64).reshape(rows, columns)


def film_of(
    stored: NDArray[Any],
    bits: int = 12,
    signed: bool = False,
    syntax: str = ExplicitVRLittleEndian,
    **tags: Any,
) -> Any:
    """A CR film as a pydicom data set; a tag given as None is left out."""
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = syntax
    film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID = "1.2.3"
    film.Modality = "CR"
    film.Rows, film.Columns = stored.shape[:2]
    film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
    film.BitsAllocated = 8 if bits <= 8 else 16
    film.BitsStored, film.HighBit, film.PixelRepresentation = bits, bits - 1, int(signed)
    for keyword, value in tags.items():
        if value is None:
            delattr(film, keyword)
        else:
            setattr(film, keyword, value)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    words = stored.astype(np.int64) & ((1 << film.BitsAllocated) - 1)
    film.PixelData = words.astype(f"{order}u{film.BitsAllocated // 8}").tobytes()
    film["PixelData"].VR = "OW" if film.BitsAllocated > 8 else "OB"
    return film


def packed(film: Any, stream: bytes, syntax: str) -> Any:
    """The film with its one frame as a compressed stream."""
    film.PixelData = encapsulate([stream])
    film["PixelData"].VR, film["PixelData"].is_undefined_length = "OB", True
    film.file_meta.TransferSyntaxUID = syntax
    return film


def look_up_table(first: int, entries: Any, bits: int, vr: str = "US", order: str = "<") -> Any:
    """A Modality LUT or VOI LUT Sequence of one item, its entries as words of VR OW."""
    item = Dataset()
    item.add_new("LUTDescriptor", vr, [len(entries) % 65536, first, bits])
    item.add_new("LUTData", "OW", np.asarray(entries).astype(f"{order}u2").tobytes())
    return Sequence([item])


def bytes_of(film: Any) -> bytes:
    out = io.BytesIO()
    film.save_as(out, enforce_file_format=True)
    return out.getvalue()


__all__ = ["bytes_of", "film_of", "look_up_table", "packed", "pydicom", "ramp"]
