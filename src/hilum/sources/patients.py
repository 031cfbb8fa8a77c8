"""Patient ids that are hardly one person's: what anonymisers write for everyone, and one id on most films of a source or class.

Such an id is kept, for films that may be one person's must stay together, and said with the number of its films. Where the source is
declared to have no patient ids, it counts as none.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from hilum.sources.listing import Candidate

_FEWEST_OF_A_DUMMY = 2
_FEWEST_OF_MOST = 6
_DUMMY_NUMBER = re.compile(r"0+|9{3,}|1{3,}|0*12345+6?7?8?9?0?")
_DUMMY = re.compile(
    r"an+on[a-z]*\d*|x+|de?identified|deid|removed|redacted|deleted|masked|hidden|private|confidential|"
    r"dummy|test(patient)?|patient(id|name|x+|0+)?|no(name|id|patient|patientid)|nonegiven|unnamed|johndoe|janedoe|default|phantom|id|pid|tbd"
)


@dataclass(frozen=True, slots=True)
class OneIdOnMany:
    """An id that is hardly one person's.

    Attributes:
        patient: The id, without the source's name.
        films: Films that have it.
        films_of_source: Films of its source.
        classes: Class -> films that have the id.
        dummy: Whether anonymisers are known to write it.
    """

    source: str
    patient: str
    films: int
    films_of_source: int
    classes: dict[str, int]
    dummy: bool

    def sentence(self) -> str:
        """What is odd about it."""
        of = ", ".join(f"{label} {n}" for label, n in self.classes.items())
        why = (
            "which is what anonymisers write"
            if self.dummy
            else "which is more than one person is likely to have"
        )
        return f"patient id {self.patient!r} is on {self.films} of {self.films_of_source} films ({of}), {why}"


def is_dummy(patient: str) -> bool:
    """Whether an id is one that anonymisers write for everyone.

    >>> [p for p in ("ANONYMOUS", "anon-1", "000000", "xxx", "De-Identified", "P0", "person1", "10", "Noah") if is_dummy(p)]
    ['ANONYMOUS', 'anon-1', '000000', 'xxx', 'De-Identified']
    """
    plain = unicodedata.normalize("NFKD", patient)  # "Anónimo"
    bare = re.sub(r"[^a-z0-9]", "", plain.lower())
    return bool(_DUMMY.fullmatch(bare) or _DUMMY_NUMBER.fullmatch(bare))


def _is_number(patient: str) -> bool:
    return re.sub(r"[^A-Za-z0-9]", "", patient).isdigit()


def one_id_on_many(films: Iterable[tuple[str, str, str]]) -> list[OneIdOnMany]:
    """Ids that are hardly one person's: a known dummy on two films or more (a number such as 0 only on more than twice as many as is
    usual in its source), or an id on six or more that are over half of its source's films or of the films of one of its classes.

    Args:
        films: Source, patient (with or without the source's name), class.
    """
    of_id: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    of_source: dict[str, Counter[str]] = defaultdict(Counter)
    for source, patient, label in films:
        of_source[source][label] += 1
        if bare := patient.removeprefix(f"{source}:"):
            of_id[source, bare][label] += 1
    found = []
    for (source, patient), classes in sorted(of_id.items()):
        n, total, dummy = classes.total(), of_source[source].total(), is_dummy(patient)
        most = 2 * n > total or any(
            2 * k > of_source[source][label] for label, k in classes.items() if k >= _FEWEST_OF_MOST
        )
        if dummy and _is_number(patient):
            others = [c.total() for (s, p), c in of_id.items() if s == source and p != patient]
            dummy = not others or n > 2 * median(others)
        if (dummy and n >= _FEWEST_OF_A_DUMMY) or (most and n >= _FEWEST_OF_MOST):
            found.append(OneIdOnMany(source, patient, n, total, dict(sorted(classes.items())), dummy))
    return found


def without_dummies(
    films: Sequence[Candidate], declared: Collection[str]
) -> tuple[list[Candidate], list[OneIdOnMany], list[OneIdOnMany]]:
    """Take ids that are hardly one person's from films of sources that are declared to have none.

    Returns:
        The films, the ids that were taken away, and those that are kept.
    """
    odd = one_id_on_many((c.source, c.patient, c.label) for c in films)
    taken = [o for o in odd if o.source in declared]
    gone = {(o.source, o.patient) for o in taken}
    kept = [
        replace(c, patient="") if (c.source, c.patient.removeprefix(f"{c.source}:")) in gone else c
        for c in films
    ]
    return kept, taken, [o for o in odd if o.source not in declared]
