"""Several findings of a film, of several readers -> one class, and a column for each finding.

Convention: a finding's value is ``1`` positive, ``0`` negative, ``-1`` uncertain, or empty where nobody says; a finding has one name in all
sets (`finding_name`), and a column ``finding_<name>`` in the manifest. A film has the class of its positive findings that a mapping
names; findings that are not mapped make no difference. What leads to no class or to two is a reason, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from hilum.core.errors import InputError
from hilum.core.tables import known
from hilum.sources.listing import FINDINGS_DISAGREE, NOT_IN_STUDY, UNCERTAIN_FINDING

Uncertain = Literal["positive", "negative", "ignore"]
Readers = Literal["majority", "any", "each"]
Findings = Mapping[str, str]

POSITIVE, NEGATIVE, UNCERTAIN, UNKNOWN = "1", "0", "-1", ""
NO_FINDING = "no_finding"
OTHER = "other"
"""In a mapping, every positive finding that the mapping does not name; it counts where no named one is positive."""

_ONE_NAME = {
    "normal": NO_FINDING,
    "no_findings": NO_FINDING,
    "effusion": "pleural_effusion",
    "pulmonary_fibrosis": "fibrosis",
    "infiltrates": "infiltration",
    "covid_19": "covid",
    "other_diseases": "other_disease",
}
_MOST = (POSITIVE, UNCERTAIN, NEGATIVE)
_VALUES = {1.0: POSITIVE, 0.0: NEGATIVE, -1.0: UNCERTAIN}


def finding_name(text: str) -> str:
    """The one name of a finding, however its set spells it.

    >>> finding_name("Pleural_Thickening"), finding_name("Effusion"), finding_name("Nodule/Mass"), finding_name("COVID 19")
    ('pleural_thickening', 'pleural_effusion', 'nodule_mass', 'covid')
    """
    name = re.sub(r"[^a-z0-9]+", "_", text.strip().lower()).strip("_")
    return _ONE_NAME.get(name, name)


def column_of(finding: str) -> str:
    """The column that a manifest has for a finding."""
    return f"finding_{finding}"


def value_of(text: str, where: str) -> str:
    """A value as the sets of CheXpert's labeller write it: ``1.0``, ``0.0``, ``-1.0`` or blank.

    Raises:
        InputError: Another text.

    >>> value_of("1.0", "line 2"), value_of("-1", "line 2"), value_of("", "line 2")
    ('1', '-1', '')
    """
    if not known(text):
        return UNKNOWN
    try:
        return _VALUES[float(text)]
    except (KeyError, ValueError):
        raise InputError(f"{where}: expected a finding to be 1, 0, -1 or blank, got {text!r}") from None


def among(all_findings: Sequence[str], listed: Iterable[str], where: str) -> dict[str, str]:
    """The values of all findings of a set that lists those that are positive; all unknown where it lists none.

    Args:
        all_findings: By their names here.
        listed: As the set spells them.
        where: The row, for the message.

    Raises:
        InputError: One that is not among them.

    >>> among(["mass", "no_finding"], ["Mass"], "line 2")
    {'mass': '1', 'no_finding': '0'}
    """
    positive = {finding_name(x): x for x in listed if known(x)}
    if odd := sorted(positive.keys() - set(all_findings)):
        raise InputError(
            f"{where}: expected findings among {', '.join(all_findings)}, got {positive[odd[0]]!r}"
        )
    if not positive:
        return dict.fromkeys(all_findings, UNKNOWN)
    return {f: POSITIVE if f in positive else NEGATIVE for f in all_findings}


def merged(rows: Sequence[Findings]) -> dict[str, str]:
    """Rows of one film and one reader together: the most that one says, positive before uncertain before negative.

    >>> merged([{"mass": "0", "nodule": "1"}, {"mass": "1", "nodule": ""}])
    {'mass': '1', 'nodule': '1'}
    """
    names = dict.fromkeys(f for row in rows for f in row)
    return {f: _first_of(_MOST, [row.get(f, UNKNOWN) for row in rows]) for f in names}


def voted(readers: Mapping[str, Findings], how: Readers) -> dict[str, str]:
    """What the readers of a film say together.

    ``majority`` (and ``each``): what more than half of those say who say something; where no value has that, the finding is uncertain.
    ``any``: positive where one says so; but that there is no finding only where all say so.

    >>> three = {"R1": {"mass": "1"}, "R2": {"mass": "0"}, "R3": {"mass": "0"}}
    >>> voted(three, "majority"), voted(three, "any")
    ({'mass': '0'}, {'mass': '1'})
    """
    names = dict.fromkeys(f for said in readers.values() for f in said)
    found = {}
    for f in names:
        values = [v for said in readers.values() if (v := said.get(f, UNKNOWN))]
        if how == "any":
            found[f] = _first_of(_MOST[::-1] if f == NO_FINDING else _MOST, values)
        else:
            more = [v for v in (POSITIVE, NEGATIVE) if 2 * values.count(v) > len(values)]
            found[f] = more[0] if more else UNCERTAIN if values else UNKNOWN
    return found


def _first_of(order: Sequence[str], values: Sequence[str]) -> str:
    return next((v for v in order if v in values), UNKNOWN)


def settled(findings: Findings, how: Uncertain) -> dict[str, str]:
    """Findings where what is uncertain counts as ``positive`` or ``negative``; with ``ignore`` it stays uncertain.

    >>> settled({"mass": "-1", "nodule": ""}, "positive"), settled({"mass": "-1"}, "ignore")
    ({'mass': '1', 'nodule': ''}, {'mass': '-1'})
    """
    as_ = {"positive": POSITIVE, "negative": NEGATIVE, "ignore": UNCERTAIN}[how]
    return {f: as_ if v == UNCERTAIN else v for f, v in findings.items()}


def class_of(findings: Findings, classes: Mapping[str, str]) -> str | tuple[str, str]:
    """The class of a film; or reason and one sentence why it has none.

    Args:
        findings: As `settled`.
        classes: Finding -> class.

    >>> class_of({"no_finding": "0", "mass": "1", "hernia": "1"}, {"no_finding": "normal", "mass": "cancer"})
    'cancer'
    >>> class_of({"mass": "1", "nodule": "1"}, {"mass": "cancer", "nodule": "nodule"})
    ('findings disagree', 'mass makes it cancer, nodule makes it nodule')
    >>> class_of({"mass": "-1", "nodule": "1"}, {"mass": "cancer", "nodule": "nodule"})
    ('finding uncertain', 'mass is uncertain, which would make it cancer')
    """
    positive = [f for f, v in findings.items() if v == POSITIVE]
    makes = {f: classes[f] for f in positive if f in classes and f != OTHER}
    rest = [f for f in positive if f not in classes and f != NO_FINDING]
    if not makes and rest and OTHER in classes:
        makes = {rest[0]: classes[OTHER]}
    labels = set(makes.values())
    if len(labels) > 1:
        return FINDINGS_DISAGREE, ", ".join(f"{f} makes it {c}" for f, c in sorted(makes.items()))
    for f, v in findings.items():
        if v == UNCERTAIN and f in classes and classes[f] not in labels:
            return UNCERTAIN_FINDING, f"{f} is uncertain, which would make it {classes[f]}"
    if not labels:
        return NOT_IN_STUDY, f"findings: {', '.join(positive) or 'none that is known'}"
    return labels.pop()


def columns_of(findings: Findings) -> dict[str, str]:
    """A film's columns; what nobody says is empty and left out."""
    return {column_of(f): v for f, v in findings.items() if v}


def readers_of(readers: Mapping[str, Findings]) -> dict[str, str]:
    """A column for each reader: the findings that are positive for that one, or ``nothing``.

    >>> readers_of({"R8": {"mass": "1", "nodule": "1"}, "R9": {"mass": "0"}})
    {'reader_R8': 'mass|nodule', 'reader_R9': 'nothing'}
    """
    return {
        f"reader_{name}": "|".join(f for f, v in said.items() if v == POSITIVE) or "nothing"
        for name, said in sorted(readers.items())
    }


def findings_words(classes: Mapping[str, str]) -> str:
    """A mapping as a note has it.

    >>> findings_words({"no_finding": "normal", "mass": "cancer"})
    'no_finding -> normal, mass -> cancer'
    """
    return ", ".join(f"{finding} -> {label}" for finding, label in classes.items())


def parse_classes(text: str) -> dict[str, str]:
    """Read ``FINDING:CLASS,...``.

    Raises:
        InputError: Another form, or a finding twice.

    >>> parse_classes("No Finding:normal, pneumonia:pneumonia")
    {'No Finding': 'normal', 'pneumonia': 'pneumonia'}
    """
    classes: dict[str, str] = {}
    for pair in filter(None, (p.strip() for p in text.split(","))):
        finding, sign, label = (x.strip() for x in pair.rpartition(":"))
        if not (finding and sign and label):
            raise InputError(
                f"--findings takes NAME=FINDING:CLASS,..., got {pair!r}; for example --findings nih=no_finding:normal,mass:mass"
            )
        if finding in classes:
            raise InputError(f"--findings: {finding!r} is named twice, {text!r}")
        classes[finding] = label
    return classes
