"""The DICOM decoder against dcmtk (OFFIS), which nobody here wrote: `dcmj2pnm` renders the same films.

dcmtk cuts fractions of a grey off where hilum rounds, so the two may differ by 1; it also rounds rescaled
values to whole numbers before it windows them, so with a fractional slope and few values they may differ by
2.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from hilum.augment.stretch import Stretch
from hilum.imaging.decode import decode_file
from needs import needed_module, needed_program

pydicom = needed_module("pydicom", "pip install 'hilum[dicom]'")
for _program in ("dcmj2pnm", "dcmconv", "dcmcjpeg", "dcmcrle", "dcmcjpls"):
    needed_program(_program, "dcmtk")

DEPTHS = [(8, False), (8, True), (10, False), (12, False), (12, True), (14, True), (16, False), (16, True)]


def gradient(bits: int, signed: bool) -> NDArray[np.int64]:
    """Stored values, shape (64, 80), over four fifths of what the bits can hold, with noise."""
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    y, x = np.mgrid[:64, :80]
    ramp = low + (high - low) * (0.1 + 0.8 * (0.6 * x / 79 + 0.4 * y / 63))
    noise = np.random.default_rng(bits).normal(0, 0.01 * (high - low), ramp.shape)
    return np.clip(np.rint(ramp + noise), low, high).astype(np.int64)


def write(path: Path, stored: NDArray[np.int64], bits: int = 12, signed: bool = False, **tags: Any) -> Path:
    """Write an uncompressed CR film."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID = generate_uid()
    film.StudyInstanceUID, film.SeriesInstanceUID = generate_uid(), generate_uid()
    film.Modality, film.PatientID, film.PhotometricInterpretation = "CR", "P1", "MONOCHROME2"
    film.Rows, film.Columns = stored.shape
    film.SamplesPerPixel, film.BitsAllocated = 1, 8 if bits <= 8 else 16
    film.BitsStored, film.HighBit, film.PixelRepresentation = bits, bits - 1, int(signed)
    for keyword, value in tags.items():
        setattr(film, keyword, value)
    words = stored & ((1 << film.BitsAllocated) - 1)
    film.PixelData = words.astype(f"<u{film.BitsAllocated // 8}").tobytes()
    film["PixelData"].VR = "OB" if bits <= 8 else "OW"
    film.save_as(path, enforce_file_format=True)
    return path


def dcmtk(path: Path, *options: str) -> NDArray[np.int64]:
    """The greys that dcmtk renders."""
    out = path.with_suffix(".pgm")
    subprocess.run(["dcmj2pnm", "+op", *options, str(path), str(out)], check=True, capture_output=True)
    return np.asarray(Image.open(out)).astype(np.int64)


def difference(path: Path, *options: str) -> int:
    return int(np.abs(decode_file(path).pixels.astype(np.int64) - dcmtk(path, *options)).max())


@pytest.mark.parametrize(("bits", "signed"), DEPTHS)
def test_a_film_without_voi_shows_the_range_that_its_bits_hold(
    tmp_path: Path, bits: int, signed: bool
) -> None:
    path = write(tmp_path / "a.dcm", gradient(bits, signed), bits, signed)

    assert difference(path, "-W") <= 1


@pytest.mark.parametrize(("bits", "signed"), DEPTHS)
def test_the_step_stretch_shows_the_range_that_occurs(tmp_path: Path, bits: int, signed: bool) -> None:
    path = write(tmp_path / "a.dcm", gradient(bits, signed), bits, signed)

    stretched = Stretch().apply(decode_file(path).pixels, {}).astype(np.int64)

    assert (
        np.abs(stretched - dcmtk(path, "+Wm")).max() <= 2
    )  # 8 bits twice, and dcmtk cuts where hilum rounds


@pytest.mark.parametrize(("bits", "signed"), DEPTHS)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_linear_window(tmp_path: Path, bits: int, signed: bool, photometric: str) -> None:
    middle, width = (0 if signed else 1 << bits - 1), 1 << bits - 1
    path = write(
        tmp_path / "a.dcm",
        gradient(bits, signed),
        bits,
        signed,
        WindowCenter=[str(middle), "3"],
        WindowWidth=[str(width), "7"],
        PhotometricInterpretation=photometric,
    )

    assert difference(path, "+Wi", "1") <= 1


@pytest.mark.parametrize(("bits", "signed"), DEPTHS)
def test_a_sigmoid_window(tmp_path: Path, bits: int, signed: bool) -> None:
    path = write(
        tmp_path / "a.dcm",
        gradient(bits, signed),
        bits,
        signed,
        WindowCenter=str(0 if signed else 1 << bits - 1),
        WindowWidth=str(1 << bits - 1),
        VOILUTFunction="SIGMOID",
    )

    assert difference(path, "+Wi", "1", "+Wfs") <= 1


@pytest.mark.parametrize(("bits", "signed"), DEPTHS)
@pytest.mark.parametrize(("slope", "intercept"), [(2.0, -1024.0), (-3.0, 7.0), (0.5, -100.0)])
def test_the_rescale_comes_before_the_window(
    tmp_path: Path, bits: int, signed: bool, slope: float, intercept: float
) -> None:
    stored = gradient(bits, signed)
    middle = slope * float(np.median(stored)) + intercept
    path = write(
        tmp_path / "a.dcm",
        stored,
        bits,
        signed,
        RescaleSlope=f"{slope}",
        RescaleIntercept=f"{intercept}",
        WindowCenter=f"{middle:.1f}",
        WindowWidth=f"{abs(slope) * (1 << bits - 1):.1f}",
    )

    # a fractional slope: dcmtk rounds to whole numbers, of which a window 64 wide has few
    assert difference(path, "+Wi", "1") <= (4 if abs(slope) < 1 and bits == 8 else 1)


@pytest.mark.parametrize(
    ("photometric", "shape"),
    [("MONOCHROME1", "INVERSE"), ("MONOCHROME2", "IDENTITY"), ("MONOCHROME2", "INVERSE")],
)
def test_presentation_lut_shape_inverts_once(tmp_path: Path, photometric: str, shape: str) -> None:
    path = write(
        tmp_path / "a.dcm",
        gradient(12, False),
        WindowCenter="2048",
        WindowWidth="4096",
        PhotometricInterpretation=photometric,
        PresentationLUTShape=shape,
    )

    assert difference(path, "+Wi", "1") <= 1


def lut(first: int, table: NDArray[Any], bits: int, signed: bool) -> Any:
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if signed else "US", [len(table) % 65536, first, bits])
    item.add_new("LUTData", "US", [int(v) for v in table])
    return Sequence([item])


@pytest.mark.parametrize(("bits", "signed"), [(8, False), (12, False), (12, True), (16, False)])
def test_a_voi_lut(tmp_path: Path, bits: int, signed: bool) -> None:
    stored = gradient(bits, signed)
    # a 16-bit film runs past both ends of its table, which then repeats its outer entries
    first = -(1 << bits - 1) if signed else 30_000 if bits == 16 else 0
    n = min(1 << bits, 4096)
    table = np.rint(4095 * np.sqrt(np.linspace(0, 1, n)))
    path = write(tmp_path / "a.dcm", stored, bits, signed, VOILUTSequence=lut(first, table, 12, signed))

    assert difference(path, "+Wl", "1") <= 1


def test_a_modality_lut_then_a_window(tmp_path: Path) -> None:
    table = np.rint(4095 * np.linspace(0, 1, 4096) ** 2)
    sequence = lut(0, table, 12, False)
    sequence[0].ModalityLUTType = "US"
    path = write(
        tmp_path / "a.dcm",
        gradient(12, False),
        ModalityLUTSequence=sequence,
        WindowCenter="1500",
        WindowWidth="2500",
    )

    assert difference(path, "+Wi", "1") <= 1


def test_bits_above_the_stored_ones_are_cut_off(tmp_path: Path) -> None:
    stored = gradient(12, False)
    with_overlay = stored | (0xA000 * (np.indices(stored.shape).sum(axis=0) % 2))
    path = write(tmp_path / "a.dcm", with_overlay, 12, WindowCenter="2048", WindowWidth="4096")

    assert difference(path, "+Wi", "1", "-O") <= 1


@pytest.mark.parametrize(
    "command",
    [
        ["dcmconv", "+td"],
        ["dcmconv", "+tb"],
        ["dcmcrle"],
        ["dcmcjpeg", "+e1"],
        ["dcmcjpeg", "+el"],
        ["dcmcjpls"],
    ],
)
@pytest.mark.parametrize(
    ("bits", "high", "signed"), [(12, 15, False), (12, 13, True), (10, 15, True), (7, 7, False)]
)
def test_high_bit_in_every_transfer_syntax(
    tmp_path: Path, command: list[str], bits: int, high: int, signed: bool
) -> None:
    shift, ground = high + 1 - bits, gradient(bits, signed)
    below, above = (1 << shift) - 1, 0xFFFF & ~((2 << high) - 1)
    overlay = (below | above) * (np.indices(ground.shape).sum(axis=0) % 2)
    words = ((ground & ((1 << bits) - 1)) << shift) | (overlay & (0xFFFF if high > 7 else 0xFF))
    plain = write(
        tmp_path / "plain.dcm", words, bits, signed, HighBit=high, BitsAllocated=16 if high > 7 else 8
    )
    packed = tmp_path / "packed.dcm"
    subprocess.run([*command, str(plain), str(packed)], check=True, capture_output=True)
    usual = write(tmp_path / "usual.dcm", ground, bits, signed)

    np.testing.assert_array_equal(decode_file(packed).pixels, decode_file(usual).pixels)
    assert np.ptp(decode_file(usual).pixels) > 150


@pytest.mark.parametrize(("bits", "signed"), [(8, False), (12, False), (12, True), (16, False)])
@pytest.mark.parametrize("command", [["dcmcrle"], ["dcmcjpeg", "+e1"], ["dcmcjpeg", "+el"], ["dcmcjpls"]])
def test_a_lossless_copy_gives_the_same_film(
    tmp_path: Path, command: list[str], bits: int, signed: bool
) -> None:
    plain = write(tmp_path / "plain.dcm", gradient(bits, signed), bits, signed)
    packed = tmp_path / "packed.dcm"
    subprocess.run([*command, str(plain), str(packed)], check=True, capture_output=True)

    assert pydicom.dcmread(packed).file_meta.TransferSyntaxUID.is_compressed
    np.testing.assert_array_equal(decode_file(packed).pixels, decode_file(plain).pixels)


@pytest.mark.parametrize(
    ("pack", "unpack", "bits"),
    [
        (["dcmcjpeg", "+eb"], "dcmdjpeg", 8),
        (["dcmcjpeg", "+ee"], "dcmdjpeg", 8),
        (["dcmcjpls", "+en"], "dcmdjpls", 12),
    ],
)
def test_a_lossy_copy_gives_what_dcmtk_gives(tmp_path: Path, pack: list[str], unpack: str, bits: int) -> None:
    window = {"WindowCenter": str(1 << bits - 1), "WindowWidth": str(1 << bits)}
    plain = write(tmp_path / "plain.dcm", gradient(bits, False), bits, **window)
    packed, unpacked = tmp_path / "packed.dcm", tmp_path / "unpacked.dcm"
    subprocess.run([*pack, str(plain), str(packed)], check=True, capture_output=True)
    subprocess.run([unpack, str(packed), str(unpacked)], check=True, capture_output=True)

    assert pydicom.dcmread(packed).file_meta.TransferSyntaxUID.is_compressed
    ours = decode_file(packed).pixels.astype(np.int64)
    assert np.abs(ours - dcmtk(unpacked, "+Wi", "1")).max() <= 2  # two JPEG libraries, and the rounding
