"""What is known about a study's films, in words: one fact a function, for the model card and the checklists.

Convention: as in `hilum.report.study_facts`. Counts are of the study's films (manifest.csv of the run); parts are those of trial 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.split import PARTS
from hilum.report import numbers
from hilum.report.study_facts import NOT_REPORTED, by_authors, reported
from hilum.study.faults import that_set
from hilum.study.film_filter import filter_words

_OF_PEOPLE = {"age group": "age_group", "sex": "sex", "view": "view"}


def sources(folder: RunFolder) -> str:
    """Films by source and class."""
    by_source: dict[str, Counter[str]] = {}
    films = folder.manifest
    for source, label in zip(films.texts("source"), films.texts("label"), strict=True):
        by_source.setdefault(source, Counter())[label] += 1
    return "; ".join(
        f"{s}: {_tally((c, n[c]) for c in folder.classes if n[c])}" for s, n in sorted(by_source.items())
    )


def parts(folder: RunFolder) -> str:
    """Films of each part by class, in trial 1."""
    found = []
    for part in PARTS:
        ids = folder.splits[1].parts[part]
        n = Counter(folder.manifest.texts_of("label", ids))
        found.append(f"{part} {numbers.count(len(ids))} ({_tally((c, n[c]) for c in folder.classes)})")
    return "trial 1: " + "; ".join(found)


def _tally(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{what} {numbers.count(n)}" for what, n in counts)


def patients(folder: RunFolder) -> str:
    """How many patients are known."""
    known = [p for p in folder.manifest.texts("patient_id") if p]
    without = len(folder.manifest) - len(known)
    if not known:
        return "patient ids are not known"
    text = f"{numbers.count(len(set(known)))} known patients with {numbers.count(len(known))} films"
    return text + (f"; {numbers.counted(without, 'film')} without a patient id" if without else "")


def characteristics(folder: RunFolder) -> str:
    """Age group, sex and view of the films, as far as the manifest has them."""
    found = []
    for name, column in _OF_PEOPLE.items():
        n = Counter(v or "unknown" for v in folder.manifest.texts(column))
        known = set(n) != {"unknown"}
        found.append(f"{name}: {_tally(n.most_common())}" if known else f"{name} {NOT_REPORTED}")
    return "; ".join(found)


def exclusions(folder: RunFolder) -> str:
    """What was left out, by reason: by ingest, and by the study."""
    n = Counter(e.reason for e in folder.exclusions)
    if folder.flow is not None:
        n = Counter({reason: k for step in folder.flow.steps for reason, k in step.left_out.items()})
    return _tally(n.most_common()) or (
        "nothing" if folder.flow is not None else "no record of films that were left out"
    )


def flow_words(folder: RunFolder) -> str:
    """The flow in a sentence."""
    if folder.flow is None:
        return "no record of films that were left out"
    found = []
    for step in folder.flow.steps:
        reasons = ", ".join(f"{reason} {n}" for reason, n in step.left_out.items())
        found.append(f"{step.name} {step.films}" + (f" (left out: {reasons})" if reasons else ""))
    return "; ".join(found)


def selection(folder: RunFolder) -> str:
    """What the study keeps of the manifest."""
    data = folder.record.table("data")
    found = []
    for key, words in (("include", "kept where"), ("exclude", "left out where")):
        found += [f"{words} {filter_words(rule)}" for rule in data.get(key) or ()]
    if data.get("one_per_patient"):
        found.append(f"one film a patient of {', '.join(data['one_per_patient'])}")
    if data.get("subset"):
        found.append(f"a subset of {data['subset']['films']} films drawn by class ({data['subset']['name']})")
    return "; ".join(found) or (NOT_REPORTED if not data else "every film of the study’s classes")


def duplicates(folder: RunFolder) -> str:
    """How copies were kept in one part."""
    if folder.copies is None:
        return NOT_REPORTED
    n = sum(folder.copies.n_pairs.values())
    if not n:
        return "no copies were found"
    groups = numbers.counted(len(folder.copies.groups), "group")
    return f"{numbers.counted(n, 'pair')} of copies in {groups}, each kept in one part"


def split_method(folder: RunFolder) -> str:
    """How films were divided."""
    table = folder.record.table("split")
    header = folder.splits[1].header
    method = table.get("method") or header.options.get("method")
    official = header.options.get("official") or {}
    words = {
        "official": f"the source’s own parts; validation {official.get('validation', '')}",
        "set1": "80 % train and 20 % test by class, a tenth of train for validation",
        "set2": "half of each class is test, drawn once; of the others 80 % train and 20 % validation",
        "fractions": "shares " + ", ".join(f"{p} {s:g}" for p, s in (table.get("fractions") or {}).items()),
    }
    again = "redrawn each trial" if "split" in folder.record.redraw_with_trial else "the same in every trial"
    return f"{method}: {words.get(str(method), 'see the study file')}; {again}; stratified by class"


def disjoint_at(folder: RunFolder) -> str:
    """At which level parts are disjoint."""
    broken = {s for c in folder.cells for s in that_set(c.switches, "overlapping", "valid_is_test")}
    if broken:
        return f"NOT disjoint where a fault was switched on on purpose ({', '.join(sorted(broken))})"
    if "" in folder.manifest.texts("patient_id"):
        return "patient where known, else confirmed copies, else film; films without a patient id may share a patient"
    return "patient, and confirmed copies"


def external(folder: RunFolder) -> str:
    """Whether films from elsewhere were tested on."""
    left_out = sorted({s for c in folder.cells if (s := c.factors.get("source_left_out", "none")) != "none"})
    if left_out:
        return f"cells trained without {' or '.join(left_out)} test all films of that source, and only those"
    test, train = (
        set(folder.manifest.texts_of("source", folder.splits[1].parts[p])) for p in ("test", "train")
    )
    new = sorted(test - train)
    if new:
        return f"trial 1: test films of {', '.join(new)} are from a source that no training film is from"
    return "none: every source of a test film has training films too"


def apart(folder: RunFolder, contrasts: Sequence[str]) -> str:
    """The contrasts that have films, and the study's subgroups."""
    named = [*contrasts, *(q.subgroup for q in folder.questions if q.subgroup)]
    return ", ".join(named) or (
        "no contrast has films" if folder.questions else "none: the study names no contrast or subgroup"
    )


def labels(folder: RunFolder) -> str:
    """Where the classes of the films come from."""
    if folder.record.synthetic:
        return "the class that each synthetic film was drawn as"
    return "the label that each film has in the manifest, as its source’s layout or table gives it"


def people(folder: RunFolder) -> str:
    """Ethics and consent, as the people behind the study reported them."""
    if folder.record.synthetic:
        return "every film was drawn by a program; they are of nobody"
    return f"ethics and consent: {by_authors(reported(folder).get('ethics', ''))}"


def trained_on(folder: RunFolder) -> str:
    """Age groups, sexes and views among the training films of trial 1, as far as the manifest has them."""
    films = folder.manifest.films_of(folder.splits[1].parts["train"])
    found = []
    for name, column in _OF_PEOPLE.items():
        values = {v or "unknown" for v in films.texts(column)}
        if values != {"unknown"}:
            found.append(f"{name} {', '.join(sorted(values))}")
    return "; ".join(found) or "age, sex and view not recorded"
