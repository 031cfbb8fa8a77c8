"""What a bundle says of a film as a DICOM report: Comprehensive 3D SR, TID 1500 Measurement Report, in the film's own study.

One measurement group (TID 1501) holds the probabilities, the operating point and what was called, the gate, the quality and, for a film
without an answer, why. The algorithm (TID 4019) is hilum with the bundle's digest as its version. The report is complete, preliminary and
unverified, and says in its first comment that it is research.

Of a film that was not read, or that is no frontal chest film, nothing is said but that and why: a probability of a disease on a picture of
something else would only mislead whoever reads it. A film that is unlike the training films has its probabilities, with the words that
they should not be relied on.

IHE AI Results: qualitative findings and measurements as its primitives have them, the observer a device, the film in the image library
and in Current Requested Procedure Evidence. Tracking UIDs follow from the film and the bundle, as all UIDs do (`hilum.node.uids`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydicom.sr.coding import Code

from hilum import RESEARCH_NOTICE, __version__
from hilum.artifacts.bundle import Bundle
from hilum.inference.answer import STRANGER
from hilum.inference.said import Answer
from hilum.node import coded, uids
from hilum.node.evidence import evidence
from hilum.node.source import Source

KIND: Final = "report"
SERIES_NUMBER: Final = 8801
DESCRIPTION: Final = "hilum report (research, not for diagnosis)"


@dataclass(frozen=True)
class Asked:
    """A film, its answer and who gave it.

    Attributes:
        source: The film's header.
        answer: What is said of it.
        bundle: Of the model.
        version: The bundle's digest.
        engine: What computed it, in words.
        when: When the film came.
    """

    source: Source
    answer: Answer
    bundle: Bundle
    version: str
    engine: str
    when: datetime

    def object_uid(self, kind: str) -> str:
        """SOP Instance UID of an answer of a kind."""
        return uids.object_uid(self.source.sop_uid, self.version, kind)

    def series_uid(self, kind: str) -> str:
        """Its Series Instance UID."""
        return uids.series_uid(self.source.sop_uid, self.version, kind)


def may_be_asked(answer: Answer) -> bool:
    """Whether the model can be asked about the film at all: it was read, and is a frontal chest film."""
    return not answer.error and all(r.code == STRANGER for r in answer.gate.reasons)


def report(asked: Asked, pictures: Sequence[Any] = (), remarks: Sequence[str] = ()) -> Any:
    """The report of a film, a pydicom data set with file meta information.

    Args:
        asked: The film and its answer.
        pictures: Data sets of heat maps that go with it.
        remarks: More sentences, as why there is no heat map.
    """
    from highdicom.sr import Comprehensive3DSR

    film = evidence(asked.source, asked.source.shape)
    made = Comprehensive3DSR(
        evidence=[film, *pictures],
        content=_content(asked, film, pictures, remarks),
        series_instance_uid=asked.series_uid(KIND),
        series_number=SERIES_NUMBER,
        sop_instance_uid=asked.object_uid(KIND),
        instance_number=1,
        manufacturer="hilum",
        is_complete=True,
        coding_schemes=[_scheme()],
    )
    made.SeriesDescription = DESCRIPTION
    signed(made, asked)
    return made


def signed(made: Any, asked: Asked) -> None:
    """What every answer carries: the film's patient and study, hilum's name and version, and when the film came."""
    asked.source.carry(made)
    made.Manufacturer, made.ManufacturerModelName = "hilum", "hilum node (research software)"
    made.DeviceSerialNumber, made.SoftwareVersions = asked.version[:16], f"{__version__} rules {uids.RULES}"
    day, time = asked.when.strftime("%Y%m%d"), asked.when.strftime("%H%M%S")
    made.ContentDate = made.SeriesDate = made.InstanceCreationDate = day
    made.ContentTime = made.SeriesTime = made.InstanceCreationTime = time
    for equipment in made.get("ContributingEquipmentSequence", []):
        equipment.ContributionDateTime = f"{day}{time}"
    made.file_meta.ImplementationVersionName = f"HILUM_{__version__}"[:16]


def _scheme() -> Any:
    from highdicom.coding_schemes import CodingSchemeIdentificationItem

    item = CodingSchemeIdentificationItem(coded.SCHEME, name=coded.SCHEME_NAME, version=uids.RULES)
    item.CodingSchemeResponsibleOrganization = "hilum"
    return item


def _content(asked: Asked, film: Any, pictures: Sequence[Any], remarks: Sequence[str]) -> Any:
    from highdicom.sr import (
        DeviceObserverIdentifyingAttributes,
        MeasurementReport,
        ObservationContext,
        ObserverContext,
    )
    from pydicom.sr.codedict import codes

    device = DeviceObserverIdentifyingAttributes(
        uid=uids.device_uid(asked.version),
        name="hilum",
        manufacturer_name="hilum",
        model_name=f"hilum {__version__}",
        serial_number=asked.version,
    )
    content = MeasurementReport(
        observation_context=ObservationContext(
            observer_device_context=ObserverContext(codes.DCM.Device, device)
        ),
        procedure_reported=coded.PROCEDURE,
        imaging_measurements=[_group(asked, pictures)],
        title=coded.TITLE,
        referenced_images=[film],
    )
    for words in (*_sentences(asked), *remarks):
        content[0].ContentSequence.append(_comment(words))
    return content


def _comment(words: str) -> Any:
    from highdicom.sr import RelationshipTypeValues, TextContentItem

    return TextContentItem(coded.COMMENT, coded.plain(words, 1000), RelationshipTypeValues.CONTAINS)


def _group(asked: Asked, pictures: Sequence[Any]) -> Any:
    from highdicom.sr import (
        AlgorithmIdentification,
        FindingSite,
        ImageContentItem,
        MeasurementsAndQualitativeEvaluations,
        RelationshipTypeValues,
        SourceImageForMeasurementGroup,
        TrackingIdentifier,
    )

    source = asked.source
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=uids.derived_uid(source.sop_uid, asked.version, "tracking"), identifier="hilum, whole film"
        ),
        algorithm_id=AlgorithmIdentification(
            name=f"hilum {asked.bundle.backbone}",
            version=asked.version,
            parameters=[coded.plain(p, 1000) for p in _parameters(asked)],
            family=coded.FAMILY,
            manufacturer="hilum",
        ),
        finding_sites=[FindingSite(coded.CHEST)],
        measurements=list(_measurements(asked)),
        qualitative_evaluations=list(_evaluations(asked.answer)),
        source_images=[SourceImageForMeasurementGroup(source.sop_class, source.sop_uid)],
    )
    for picture in pictures:
        item = ImageContentItem(
            coded.ILLUSTRATION, picture.SOPClassUID, picture.SOPInstanceUID,
            relationship_type=RelationshipTypeValues.CONTAINS,
        )  # fmt: skip
        group[0].ContentSequence.append(item)
    return group


def _parameters(asked: Asked) -> Iterator[str]:
    point = asked.bundle.operating_point
    yield f"bundle {asked.version}"
    yield f"classes {', '.join(asked.bundle.classes)}; positive {asked.bundle.positive}"
    yield f"operating point {float(point['threshold'])!r} by {point.get('rule', '?')}, chosen on {point.get('chosen_on', '?')}"
    yield f"hilum {__version__}, {asked.engine}, rules {uids.RULES}"


def _measurements(asked: Asked) -> Iterator[Any]:
    from highdicom.sr import CodeContentItem, Measurement, RelationshipTypeValues

    answer = asked.answer
    if not may_be_asked(answer):
        return
    shown = (("P", "Probability", answer.probabilities), ("PC", "Calibrated probability", answer.calibrated))
    for letter, words, values in shown:
        for name, value in values.items():
            of = Measurement(coded.own(f"{letter}.{name}", f"{words} of {name}"), float(value), coded.UNIT)
            item = CodeContentItem(
                coded.FINDING, coded.of_class(name), RelationshipTypeValues.HAS_CONCEPT_MOD
            )
            of[0].ContentSequence = [*of[0].get("ContentSequence", []), item]
            yield of
    if answer.threshold is not None:
        yield Measurement(coded.THRESHOLD, float(answer.threshold), coded.UNIT)


def _evaluations(answer: Answer) -> Iterator[Any]:
    from highdicom.sr import QualitativeEvaluation

    def said(name: Code, value: Code | bool) -> Any:
        return QualitativeEvaluation(
            name, (coded.YES if value else coded.NO) if isinstance(value, bool) else value
        )

    yield said(
        coded.own("abstained", "Abstained: the answer should not be relied on"),
        answer.abstained or bool(answer.error),
    )
    if answer.error:
        yield said(
            coded.own("not.answered", "Why the film has no answer"), coded.own(answer.error, answer.error)
        )
    if answer.gate.passed is not None:
        yield said(coded.own("gate.passed", "Passed by the gate"), answer.gate.passed)
    for remark in answer.gate.reasons:
        yield said(
            coded.own("gate.why", "Why the gate did not pass it"), coded.own(remark.code, remark.words)
        )
    for remark in answer.quality:
        yield said(coded.QUALITY, coded.own(remark.code, remark.words))
    if not may_be_asked(answer):
        return
    if answer.called_positive is not None:
        words = f"Operating point reached: {answer.positive}"
        yield said(coded.own("called", words), answer.called_positive)
        yield said(
            coded.own("likeliest", "Class of the highest probability"), coded.of_class(answer.most_likely)
        )
    for level, names in answer.sets.items():
        for name in names:
            yield said(coded.own(f"set.{level}", f"In the {level} % conformal set"), coded.of_class(name))


def _sentences(asked: Asked) -> Iterator[str]:
    answer = asked.answer
    yield RESEARCH_NOTICE
    if answer.error:
        yield f"Abstained. The film was not answered: {answer.error_words or answer.error}"
    elif not may_be_asked(answer):
        yield "Abstained. The model was not asked: " + " ".join(r.words for r in answer.gate.reasons)
    elif answer.abstained:
        yield "Abstained. The probabilities should not be relied on: " + " ".join(
            r.words for r in answer.gate.reasons
        )
    for remark in answer.quality:
        yield remark.words
    for level, names in answer.sets.items() if may_be_asked(answer) else ():
        yield f"Conformal set, {level} % of films: {', '.join(names) or 'empty'}."
