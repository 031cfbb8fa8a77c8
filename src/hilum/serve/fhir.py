"""An answer as FHIR R4: a Bundle with a DiagnosticReport a film and an Observation for each thing that is said of it.

Nothing in it names a patient: the caller knows whose film it was, and adds `subject`. A report of research software is ``preliminary``.
Codes are LOINC's where there are any (24627-2 chest X-ray study); what is the model's own has hilum's code system.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from hilum import RESEARCH_NOTICE, __version__
from hilum.inference.reader import Reading
from hilum.inference.said import Answer
from hilum.serve.bundles import Served

FHIR: Final = "application/fhir+json"
SYSTEM: Final = "urn:hilum:codes"
_STUDY = {"system": "http://loinc.org", "code": "30745-4", "display": "Chest X-ray Study observation"}
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"


def report_bundle(request_id: str, served: Served, films: Sequence[Reading]) -> dict[str, Any]:
    """The answer of a request."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    entries: list[dict[str, Any]] = []
    for k, film in enumerate(films):
        of_film = f"{request_id}/{k}/{film.answer.sha256}"
        observations = [
            _entry(f"{of_film}/{code}", _observation(code, display, value, now, served))
            for code, display, value in _said(film.answer)
        ]
        report = {
            "resourceType": "DiagnosticReport",
            "status": "preliminary",
            "code": {"coding": [_STUDY]},
            "issued": now,
            "identifier": [{"system": "urn:hilum:film-sha256", "value": film.answer.sha256}],
            "conclusion": f"{RESEARCH_NOTICE} {_conclusion(film.answer)}",
            "result": [{"reference": e["fullUrl"]} for e in observations],
        }
        entries += [_entry(of_film, report), *observations]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": now,
        "identifier": {"system": "urn:hilum:request", "value": request_id},
        "entry": entries,
    }


def _entry(name: str, resource: dict[str, Any]) -> dict[str, Any]:
    found = str(uuid5(NAMESPACE_URL, f"urn:hilum:{name}"))
    return {"fullUrl": f"urn:uuid:{found}", "resource": {**resource, "id": found}}


def _observation(code: str, display: str, value: dict[str, Any], now: str, served: Served) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "preliminary",
        "code": {"coding": [{"system": SYSTEM, "code": code, "display": display}]},
        "effectiveDateTime": now,
        "device": {"display": f"hilum {__version__}, bundle {served.reader.version}"},
        "note": [{"text": RESEARCH_NOTICE}],
        **value,
    }


def _said(a: Answer) -> list[tuple[str, str, dict[str, Any]]]:
    """Code, display and value of everything that is said of a film."""
    if a.error:
        absent = {
            "dataAbsentReason": {"coding": [{"system": _ABSENT, "code": "error"}], "text": a.error_words}
        }
        return [("answer", "Answer of the model", absent)]
    found = [
        (f"probability-{k}", f"Probability of {c}", _quantity(p))
        for k, (c, p) in enumerate(a.probabilities.items())
    ]
    found += [
        (f"calibrated-{k}", f"Calibrated probability of {c}", _quantity(p))
        for k, (c, p) in enumerate(a.calibrated.items())
    ]
    called = [("operating-point", a.positive, a.threshold, a.called_positive)]
    if a.findings:
        called = [
            (f"operating-point-{k}", f, s.threshold, s.present) for k, (f, s) in enumerate(a.findings.items())
        ]
    found += [
        (
            code,
            f"Operating point: probability of {name} at least {threshold:.6g}",
            {"valueBoolean": bool(reached)},
        )
        for code, name, threshold, reached in called
    ]
    found += [
        (f"set-{level}", f"Conformal set, {level} per cent", {"valueString": ", ".join(s) or "no class"})
        for level, s in a.sets.items()
    ]
    found.append(("gate", "The film is one for this model", {"valueBoolean": bool(a.gate.passed)}))
    found += [(r.code, "Why it is none", {"valueString": r.words}) for r in a.gate.reasons]
    found += [(r.code, "Quality of the film", {"valueString": r.words}) for r in a.quality]
    return found


def _quantity(value: float) -> dict[str, Any]:
    return {
        "valueQuantity": {
            "value": round(value, 6),
            "unit": "1",
            "system": "http://unitsofmeasure.org",
            "code": "1",
        }
    }


def _conclusion(a: Answer) -> str:
    if a.error:
        return f"No answer: {a.error_words}."
    if a.findings:
        there = [
            f"{f} (probability {s.probability:.3f}, threshold {s.threshold:.3f})"
            for f, s in a.findings.items()
            if s.present
        ]
        words = f"Findings that reach their operating points: {', '.join(there) or 'none'}."
    else:
        reaches = "reaches" if a.called_positive else "does not reach"
        p = a.probabilities[a.positive]
        words = (
            f"{a.positive} {reaches} the operating point (probability {p:.3f}, threshold {a.threshold:.3f})."
        )
    if not a.abstained:
        return words
    return f"The answer should not be relied on: {' '.join(r.words for r in a.gate.reasons)} {words}"
