"""Films as an archive sends them: whole CR, DX and secondary capture objects with an invented patient, clean under dciodvfy."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dicom_films import bytes_of, film_of
from hilum.core.seeding import generator
from hilum.synthetic.phantom import draw

PATIENT = {
    "PatientName": "Invented^Patient", "PatientID": "INVENTED-1", "PatientBirthDate": "19500102", "PatientSex": "F",
    "StudyDate": "20260102", "StudyTime": "101112", "AccessionNumber": "ACC-77", "StudyID": "S1", "ReferringPhysicianName": "",
}  # fmt: skip
STUDY = "1.2.826.0.1.3680043.8.498.1"


@cache
def phantom(seed: int = 1, side: int = 256) -> NDArray[np.uint8]:
    return draw("covid", generator(11, "covid", seed), side).pixels


def film(number: int = 1, pixels: NDArray[Any] | None = None, **tags: Any) -> Any:
    """A CR film; each number is another one of the same study."""
    of_cr = {
        "Manufacturer": "A maker", "SeriesNumber": 1, "BodyPartExamined": "CHEST", "ViewPosition": "PA", "InstanceNumber": number,
        "ImageType": ["ORIGINAL", "PRIMARY"], "PatientOrientation": ["L", "F"],
    }  # fmt: skip
    uids = {
        "StudyInstanceUID": STUDY,
        "SeriesInstanceUID": f"{STUDY}.1",
        "SOPInstanceUID": f"{STUDY}.1.{number}",
    }
    made = film_of(
        phantom(number) if pixels is None else pixels, bits=8, **{**PATIENT, **of_cr, **uids, **tags}
    )
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    return made


def write_film(path: Path, number: int = 1, pixels: NDArray[Any] | None = None, **tags: Any) -> Path:
    path.write_bytes(bytes_of(film(number, pixels, **tags)))
    return path


@contextmanager
def files_of_at_most(n_bytes: int) -> Iterator[None]:
    """A disk that writes no file further, in this process: what a full one does, without one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
