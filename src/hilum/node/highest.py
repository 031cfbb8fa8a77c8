"""The highest part of a heat map as a DICOM segmentation on the film itself, for viewers that lay one over the other.

Convention: a pixel of the film belongs to it where the map, at the place that the preparation moved the pixel to, reaches half of its
99.5th percentile, where the colours of the picture end too. What the preparation cut off the film is never in it. Of a map with a sign
only what speaks for the class counts. It says where the model's answer comes from and is of the type Saliency (130404, DCM): no finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hilum import __version__
from hilum.augment.pipeline import DrawnStep, Pipeline
from hilum.explain.colours import PERCENTILE
from hilum.explain.mapped import MappedFilm
from hilum.node import coded, uids
from hilum.node.evidence import evidence
from hilum.node.report import Asked, signed

KIND: Final = "segmentation"
SERIES_NUMBER: Final = 8803
DESCRIPTION: Final = "hilum saliency (research, not for diagnosis)"
SHARE: Final = 0.5
"""Of the map's 99.5th percentile."""
_ROWS: Final = 256
"""Of a film that are moved at once, so that memory does not grow with it."""


def highest_part(
    mapped: MappedFilm, pipeline: Pipeline, steps: Sequence[DrawnStep], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Where on the decoded film the map is highest: bool (height, width).

    Args:
        mapped: The map, in the prepared film.
        pipeline: The preparation.
        steps: What it did to this film.
        shape: (height, width) of the decoded film.
    """
    high = mapped.values >= SHARE * float(np.percentile(np.maximum(mapped.values, 0), PERCENTILE))
    high &= mapped.values > 0
    height, width = int(shape[0]), int(shape[1])
    found = np.zeros((height, width), bool)
    done = list(pipeline.done(steps, height, width))
    for top in range(0, height, _ROWS):
        rows = np.arange(top, min(top + _ROWS, height))
        places = np.stack(np.meshgrid(np.arange(width) + 0.5, rows + 0.5), -1).reshape(-1, 2)
        inside = np.ones(len(places), bool)
        for operation, drawn, before_height, before_width in done:
            places = operation.move(places, drawn, before_height, before_width)
            after = operation.size_after(drawn, before_height, before_width)
            inside &= ((places >= 0) & (places < (after[1], after[0]))).all(axis=1)
        at = np.clip(np.floor(places).astype(int), 0, (high.shape[1] - 1, high.shape[0] - 1))
        found[rows] = (inside & high[at[:, 1], at[:, 0]]).reshape(len(rows), width)
    return found


def segmentation(asked: Asked, part: NDArray[np.bool_]) -> Any:
    """The segmentation's data set, with file meta information.

    Args:
        asked: The film and its answer.
        part: Of `highest_part`.
    """
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import (
        SegmentAlgorithmTypeValues,
        Segmentation,
        SegmentationTypeValues,
        SegmentDescription,
    )
    from pydicom.sr.coding import Code

    source = asked.source
    film = evidence(source, part.shape, source.modality)
    segment = SegmentDescription(
        segment_number=1,
        segment_label=coded.plain(f"Saliency for {asked.answer.most_likely}", 64),
        segmented_property_category=Code("309825002", "SCT", "Spatial and Relational Concept"),
        segmented_property_type=coded.SALIENCY,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=f"hilum {asked.bundle.backbone}", version=asked.version, family=coded.FAMILY
        ),
        tracking_uid=uids.derived_uid(source.sop_uid, asked.version, "tracking", KIND),
        tracking_id="hilum, highest part of the heat map",
    )
    made = Segmentation(
        source_images=[film], pixel_array=part[None].astype(np.uint8), segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[segment], series_instance_uid=asked.series_uid(KIND), series_number=SERIES_NUMBER,
        sop_instance_uid=asked.object_uid(KIND), instance_number=1, manufacturer="hilum", manufacturer_model_name="hilum node",
        software_versions=__version__, device_serial_number=asked.version[:16], content_label="SALIENCY",
        content_description="Highest part of a heat map. Research, not for diagnosis.", omit_empty_frames=False,
    )  # fmt: skip
    made.SeriesDescription, made.PatientOrientation = DESCRIPTION, None
    dimensions = uids.derived_uid(source.sop_uid, asked.version, "dimensions", KIND)  # highdicom draws one
    for item in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions
    signed(made, asked)
    return made
