"""A film as highdicom asks for it, for reports and segmentations: patient and study are put in afterwards, as bytes."""

from __future__ import annotations

from typing import Any

from hilum.node.source import Source


def evidence(source: Source, shape: tuple[int, ...], modality: str = "") -> Any:
    """The film as highdicom asks for it.

    Args:
        source: Its header.
        shape: (rows, columns).
        modality: Of the film; empty for a report, since descriptors of projection films need elements that many films do not have.
    """
    from pydicom.dataset import Dataset

    film = Dataset()
    film.SOPClassUID, film.SOPInstanceUID = source.sop_class, source.sop_uid
    film.SeriesInstanceUID, film.StudyInstanceUID = source.series_uid, source.study_uid
    film.Rows, film.Columns, film.Modality = shape[0], shape[1], modality
    for keyword in (
        "PatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
        "AccessionNumber",
        "StudyID",
        "StudyDate",
        "StudyTime",
    ):
        setattr(film, keyword, "")
    return film
