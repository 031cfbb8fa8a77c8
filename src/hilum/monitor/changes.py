"""A record of each change of a model at work: what was modified, by what protocol it was made and checked, and what it means.

The order is that of FDA's guidance on predetermined change control plans (Marketing Submission Recommendations for a Predetermined Change
Control Plan for AI-Enabled Device Software Functions, December 2024): description of modifications, modification protocol, impact
assessment. A record holds what hilum knows; what only people know (why, who, what was accepted) is theirs to say, and where they say
nothing the record says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hilum import RESEARCH_NOTICE, __version__
from hilum.artifacts.bundle import REFERENCE, Bundle, bundle_version
from hilum.artifacts.header import Header, write_json
from hilum.artifacts.json_parts import members
from hilum.core.errors import InputError
from hilum.core.files import write_text
from hilum.monitor.status import MonitorStatus

_FIELDS: Final = (
    "classes", "positive", "backbone", "network", "head", "weights", "state_sha256", "precision", "batch", "preparation", "operating_point",
    "calibration", "conformal", "gate", "lungs", "training",
)  # fmt: skip
_IMPACT: Final = {
    "classes": "The answers are of other classes: whatever reads them has to be changed too.",
    "positive": "Sensitivity and specificity are about another class: figures of before and after cannot be compared.",
    "preparation": "Films are prepared in another way: heat maps and drift are not comparable with those of before.",
    "operating_point": "The threshold is another: calls change for films between the two thresholds.",
    "calibration": "Calibrated probabilities change.",
    "conformal": "Sets of classes change.",
    "gate": "Other films are passed by the gate.",
    "backbone": "The network is another kind: heat maps and seconds a film change.",
    "precision": "Scores are computed in another precision.",
}
_DATA: Final = ("study", "trial", "n_train", "n_valid")
_UNSAID: Final = "not said"


@dataclass(frozen=True)
class Side:
    """A bundle of a change: where it lay, its version, and what it was made from."""

    folder: str
    version: str
    made_from: Mapping[str, str]


At = tuple[Bundle, Side]
"""A bundle, and what it was made from."""


def change_record(
    old: At | None, new: Path, why: str, into: Path, *, who: str = "", evidence: Sequence[str] = (),
    status: MonitorStatus | None = None,
) -> Path:  # fmt: skip
    """Write the record of a swap, ``<time>--<old>--<new>.json`` and ``.md``; gives the second.

    Args:
        old: The bundle at work, as `at_work` saw it when it was loaded; None where there was none.
        new: The one that takes its place.
        why: The reason, in the words of whoever swaps.
        into: Folder of the records.
        who: Who swaps.
        evidence: What was checked beforehand, a sentence or a path each: a report, a run in shadow.
        status: How the old one stood (`hilum.monitor.watch.Watch.status`).

    Raises:
        InputError: No bundle, or both are one.
    """
    after, after_side = at_work(new)
    before, before_side = old if old is not None else (None, None)
    if before_side is not None and before_side.version == after_side.version:
        raise InputError(
            f"{new}: it is the bundle that is at work already, {after_side.version[:16]}; nothing changes"
        )
    differs = _differences(before, after)
    now = datetime.now(UTC)
    value: dict[str, Any] = {
        "header": Header(
            "change", inputs={"old": before_side.version if before_side else "", "new": after_side.version}
        ),
        "notice": RESEARCH_NOTICE,
        "at": now.isoformat(timespec="seconds"),
        "who": who or _UNSAID,
        "modification": {
            "why": why or _UNSAID,
            "old": before_side and asdict(before_side),
            "new": asdict(after_side),
            "differs": differs,
        },
        "protocol": _protocol(after, new, evidence, before_side),
        "impact": _impact(differs, status),
    }
    version = before_side.version[:8] if before_side else "none"
    name = f"{now:%Y%m%dT%H%M%S%f}--{version}--{after_side.version[:8]}"
    write_json(into / f"{name}.json", value)
    write_text(into / f"{name}.md", _markdown(value))
    return into / f"{name}.md"


def at_work(folder: Path) -> At:
    """A bundle as a record of its change will tell of it; its folder may hold another one by then."""
    bundle, header, _ = Bundle.described(folder)
    return bundle, Side(folder.resolve().name, bundle_version(folder), dict(header.inputs))


def _differences(before: Bundle | None, after: Bundle) -> dict[str, dict[str, Any]]:
    """Field -> what it was and what it is, of the fields that are not the same."""
    new = members(after)
    if before is None:
        return {}
    old = members(before)
    return {k: {"old": old[k], "new": new[k]} for k in _FIELDS if old[k] != new[k]}


def _protocol(bundle: Bundle, folder: Path, evidence: Sequence[str], before: Side | None) -> dict[str, Any]:
    of = bundle.training
    return {
        "data_management": {k: of[k] for k in _DATA if k in of},
        "re_training": {k: v for k, v in of.items() if k not in _DATA},
        "performance_evaluation": {
            "chosen_on_validation": {
                "operating_point": bundle.operating_point,
                "calibration": bundle.calibration,
                "gate": {k: v for k, v in bundle.gate.items() if k != "sha256"},
            },
            "evidence": list(evidence) or [_UNSAID],
        },
        "update_procedure": {
            "checked": [
                "weights and gate have the digests that bundle.json names, else the bundle is refused",
                "the bundle may be used alone: no fault that breaks validity, no probe",
            ],
            "drift_reference": "there" if (folder / REFERENCE).is_file() else "none: drift is not looked for",
            "rollback": "swap back to " + (before.version if before else "nothing: this is the first bundle"),
        },
    }


def _impact(differs: Mapping[str, Any], status: MonitorStatus | None) -> dict[str, Any]:
    words = [_IMPACT[k] for k in differs if k in _IMPACT] or [
        "No field but weights and training differs." if differs else "First bundle."
    ]
    value: dict[str, Any] = {"what_changes_for_users": words}
    if status is not None:
        value["how_the_old_one_stood"] = {
            "films": dict(status.films), "alarms": [c.statistic for c in status.alarms],
            "rates": [asdict(r) for r in status.rates], "last": status.last,
        }  # fmt: skip
    value["not_assessed_by_hilum"] = (
        "benefit and risk for patients; groups of patients; the work around the answer"
    )
    return value


def _markdown(value: Mapping[str, Any]) -> str:
    modification, protocol, impact = value["modification"], value["protocol"], value["impact"]
    old = modification["old"]
    lines = [
        f"# Change of {value['at']}", "", value["notice"], "", f"By {value['who']}. hilum {__version__}.", "", "## 1. Modification", "",
        f"Why: {modification['why']}", "", f"- old: {_named(old)}", f"- new: {_named(modification['new'])}", "",
    ]  # fmt: skip
    if modification["differs"]:
        lines += ["| what | old | new |", "|---|---|---|"]
        lines += [
            f"| {k} | {_short(v['old'])} | {_short(v['new'])} |" for k, v in modification["differs"].items()
        ]
    else:
        lines.append("Nothing to compare with.")
    evaluation, update = protocol["performance_evaluation"], protocol["update_procedure"]
    lines += [
        "", "## 2. Protocol", "", f"- data management: {_short(protocol['data_management'])}",
        f"- re-training: {_short(protocol['re_training'])}",
        f"- performance evaluation, chosen on validation: {_short(evaluation['chosen_on_validation'])}",
        *(f"- performance evaluation: {line}" for line in evaluation["evidence"]),
        *(f"- update procedure: {line}" for line in update["checked"]), f"- update procedure, drift reference: {update['drift_reference']}",
        f"- update procedure, rollback: {update['rollback']}",
        "", "## 3. Impact", "", *(f"- {line}" for line in impact["what_changes_for_users"]),
    ]  # fmt: skip
    if stood := impact.get("how_the_old_one_stood"):
        lines += [f"- how the old one stood: {_short(stood)}"]
    lines += [f"- not assessed by hilum: {impact['not_assessed_by_hilum']}", ""]
    return "\n".join(lines)


def _named(side: Mapping[str, Any] | None) -> str:
    return "none" if side is None else f"{side['folder']}, {side['version']}"


def _short(value: Any) -> str:
    """A value in a cell of a table, at most 300 signs; a bar and a line end would break the table."""
    text = str(value).replace("|", "/").replace("\n", " ")
    return text if len(text) <= 300 else text[:297] + "..."
