"""What a reader must know before believing a number: few events, class equals source, random weights,
synthetic films.

Convention: each caution is one or two sentences with the counts that it rests on, found from the run's
artefacts. They do not change any number. The limit for few events is 100 films of the positive class
(Collins, Ogundimu & Altman 2016, Stat. Med. 35:214), of patients or groups where those are fewer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.run_folder import RunFolder
from hilum.report.altered_films import altered_films
from hilum.report.caution import Caution
from hilum.report.numbers import counted, percent
from hilum.report.run_words import backbone_label
from hilum.report.slow_learners import learning_cautions

FEW_EVENTS = 100
FEW_TRIALS = 3
NEARLY_ALL = 0.95  # of a class's films from one source: the source all but says the class


def cautions(folder: RunFolder) -> list[Caution]:
    """Every caution of a run, the gravest first."""
    test = [folder.manifest.by_id[i] for i in folder.splits[1].parts["test"]]
    found = [
        *_random_weights(folder),
        *learning_cautions(folder),
        *_altered_by_chance(folder),
        *_class_tells(folder, test, "source", "the source"),
        *_class_tells(folder, test, "age_group", "the age group"),
        *_few_events(folder, test),
        *_few_trials(folder),
        *_no_patient_ids(folder),
        *_provenance(folder),
    ]
    return [*found, *(Caution("From the run", str(text)) for text in folder.record.warnings)]


def _random_weights(folder: RunFolder) -> list[Caution]:
    names = sorted({backbone_label(c) for c in folder.cells if not c.pretrained and not c.finetuned})
    if not names:
        return []
    text = (
        f"Frozen as drawn: {_and(names)}. A frozen backbone with random weights has learned nothing; its rows "
        "say “(random weights)” in every table and show what the head alone can do, not what the pretrained network would."
    )
    return [Caution("Random weights", text)]


def _altered_by_chance(folder: RunFolder) -> list[Caution]:
    """Pipelines under which films that are judged were altered by chance, with their number in trial 1."""
    words = []
    for pipeline, counts in altered_films(folder).items():
        said = [f"{n} of {of} {part} films" for part, (n, of) in counts.items() if n]
        if said:
            words.append(f"{pipeline}: {_and(said)}")
    if not words:
        return []
    return [
        Caution(
            "Films altered by chance",
            f"A random step acted on films that models are judged by, in trial 1: {'; '.join(words)}. The figures are then of altered "
            "films, and another seed alters others.",
            "films-altered-by-chance",
            "Leave `parts` out of the step (of a preset: in a pipeline of the study's own), so that it acts on training "
            "films only, unless films come altered in use too.",
        )
    ]


def _class_tells(folder: RunFolder, test: Sequence[FilmRow], column: str, what: str) -> list[Caution]:
    """Whether a column of the manifest says the class, and what a rule that sees nothing else would reach."""
    by_value: dict[str, Counter[str]] = defaultdict(Counter)
    by_class: dict[str, Counter[str]] = defaultdict(Counter)
    for f in test:
        value = str(getattr(f, column))
        if value:
            by_value[value][f.label] += 1
            by_class[f.label][value] += 1
    tied = {c: n.most_common(1)[0] for c, n in sorted(by_class.items())}
    tied = {c: (v, k) for c, (v, k) in tied.items() if k >= NEARLY_ALL * by_class[c].total()}
    if len(by_value) < 2 or not tied:
        return []
    by = "from" if column == "source" else "of age group"
    facts = [
        f"{'every' if k == by_class[c].total() else percent(k / by_class[c].total()) + ' of'} {c} "
        f"{'film is' if k == by_class[c].total() else 'films are'} {by} {v}"
        for c, (v, k) in tied.items()
    ]
    # the rule that sees the column only and answers with the class that is most common there
    rule = {value: min(n, key=lambda c, n=n: (-n[c], c)) for value, n in by_value.items()}  # type: ignore[misc]
    n_films = sum(n.total() for n in by_value.values())
    right = sum(n[rule[value]] for value, n in by_value.items())
    of_class = by_class[folder.positive].total()
    caught = sum(n[folder.positive] for value, n in by_value.items() if rule[value] == folder.positive)
    spared = sum(n.total() for n in by_value.values() if not n[folder.positive])
    text = (
        f"In the test part {', '.join(facts)}. A rule that sees only {what} names the right class of "
        f"{percent(right / n_films)} of the films"
    )
    if caught:
        text += f" and finds {percent(caught / of_class)} of {folder.positive}"
    elif spared:
        text += f" and rules {folder.positive} out for {percent(spared / (n_films - of_class))} of the others"
    text += ". High figures may come from that and not from disease: " + (
        "see “Contrasts and subgroups”."
        if folder.questions
        else "a [[contrast]] of the study would ask films that are more alike."
    )
    return [Caution(f"Class and {what.removeprefix('the ')} go together", text)]


def _few_events(folder: RunFolder, test: Sequence[FilmRow]) -> list[Caution]:
    group_of = folder.splits[1].group_of
    films = [f for f in test if f.label == folder.positive]
    groups = {group_of[f.image_id] for f in films}
    found = []
    if len(groups) < FEW_EVENTS:
        found.append(
            Caution(
                "Few events",
                f"The test part has {counted(len(films), 'film')} of class {folder.positive}, in "
                f"{counted(len(groups), 'group')}; below "
                f"{FEW_EVENTS} a sensitivity is known only roughly. Read the intervals, not the means.",
            )
        )
    rare = {
        c: n
        for c in folder.classes
        if c != folder.positive and (n := sum(f.label == c for f in test)) < FEW_EVENTS
    }
    if rare:
        words = _and([f"{n} of {c}" for c, n in rare.items()])
        found.append(
            Caution(
                "Few films of a class", f"Test films of these classes number under {FEW_EVENTS}: {words}."
            )
        )
    return found


def _few_trials(folder: RunFolder) -> list[Caution]:
    n = folder.n_trials
    if n == 1:
        return [
            Caution(
                "One trial",
                "Each cell was trained once: how much training varies is unknown, standard errors are "
                "not estimable, and the intervals hold for these trained heads only.",
            )
        ]
    if n < FEW_TRIALS:
        return [
            Caution(
                "Few trials",
                f"With {n} trials a standard error has {n - 1} degree of freedom: it is itself very "
                "uncertain, and an interval that resamples trials may be as wide as 0 to 1.",
            )
        ]
    return []


def _no_patient_ids(folder: RunFolder) -> list[Caution]:
    sources = sorted(folder.record.no_patient_ids)
    without = sum(not f.patient_id for f in folder.manifest.films)
    if not without:
        return []
    where = f" (declared for {_and(sources)})" if sources else ""
    return [
        Caution(
            "Patients not known",
            f"{without} of {len(folder.manifest)} films have no patient id{where}. Several films of one "
            "patient may then be in different parts unless they were found to be copies, which makes "
            "results look better and intervals narrower than they are.",
        )
    ]


def _provenance(folder: RunFolder) -> list[Caution]:
    if folder.manifest.provenance == "hilum":
        return []
    why = {"edited": "was changed after hilum wrote it", "unknown": "was not written by hilum"}[
        folder.manifest.provenance
    ]
    return [Caution("Manifest", f"manifest.csv {why}; its labels and patient ids are taken as they stand.")]


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
