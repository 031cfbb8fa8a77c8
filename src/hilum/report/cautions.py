"""What a reader must know before believing a study's numbers: few events, class equals source, random weights, patients not known.

Convention: each caution is one or two sentences with the counts that it rests on, found from the run's artefacts; `hilum.report.caution`
has its title, how grave it is and what to do. They do not change any number. The limit for few events is 100 films of the positive class
(Collins, Ogundimu & Altman 2016, Stat. Med. 35:214), of patients or groups where those are fewer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from hilum.artifacts.drawn_films import DrawnFilms, drawn_path
from hilum.artifacts.film_rows import Films
from hilum.artifacts.flow import WITH_LUNGS
from hilum.artifacts.masks import NETWORK, SOURCE, STAND_IN
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import PREDICTED_PARTS, RunFolder
from hilum.artifacts.search import searches_of
from hilum.artifacts.trial_files import EnsembleFacts
from hilum.augment.operations import OPERATIONS
from hilum.report.caution import Caution, by_severity, caution
from hilum.report.learned import learning_cautions
from hilum.report.numbers import counted, listed, percent
from hilum.report.run_words import backbone_label

FEW_EVENTS = 100
FEW_TRIALS = 3
NEARLY_ALL = 0.95  # of a class's films from one source: the source all but says the class
PROVENANCE = {"edited": "was changed after hilum wrote it", "unknown": "was not written by hilum"}


def cautions(folder: RunFolder) -> list[Caution]:
    """Every caution of a run, the gravest first."""
    test = folder.manifest.films_of(folder.splits[1].parts["test"])
    found = {
        "random-weights": _random_weights(folder),
        "chosen-twice-on-validation": _chosen_twice(folder),
        "fitted-on-training-films": _fitted_on_training(folder),
        "films-altered-by-chance": _altered_by_chance(folder),
        "lungs-not-found": _lungs_not_found(folder),
        "lungs-stood-in": _lungs_stood_in(folder),
        "lungs-by-two-makers": _lungs_by_two_makers(folder),
        "class-follows-source": _class_tells(folder, test, "source", "the source"),
        "class-follows-age": _class_tells(folder, test, "age_group", "the age group"),
        "few-events": _few_events(folder, test),
        "few-films-of-a-class": _few_films_of_a_class(folder, test),
        "one-trial": _one_trial(folder),
        "few-trials": _few_trials(folder),
        "searched-on-validation": _searched_on_validation(folder),
        "patients-unknown": _patients_unknown(folder),
        "not-by-hilum": not_by_hilum(folder.manifest.provenance, "manifest.csv", "labels and patient ids"),
    }
    known = [caution(code, text) for code, text in found.items() if text]
    run = [caution("from-the-run", f"{str(text).rstrip('.')}.") for text in folder.record.warnings]
    return by_severity([*learning_cautions(folder), *known, *run])


def not_by_hilum(provenance: str, name: str, what: str) -> str:
    """That a file is taken as it stands; empty where hilum wrote it."""
    return (
        ""
        if provenance == "hilum"
        else f"{name} {PROVENANCE[provenance]}; its {what} are taken as they stand."
    )


def _random_weights(folder: RunFolder) -> str:
    names = sorted({backbone_label(c) for c in folder.cells if not c.pretrained and not c.finetuned})
    if not names:
        return ""
    return (
        f"Frozen as drawn: {listed(names)}. A frozen backbone with random weights has learned nothing; its rows "
        "say “(random weights)” in every table and show what the head alone can do, not what the pretrained network would."
    )


def _chosen_twice(folder: RunFolder) -> str:
    """Ensembles whose weights were fitted on the films on which their members chose an epoch."""
    table = folder.record.table("training")
    chosen = bool(table.get("best_epoch") or table.get("early_stopping"))
    names = [c.backbone for c in _fitted_ensembles(folder, "valid")] if chosen else []
    if not names:
        return ""
    return (
        f"The members of {listed(names)} kept an epoch by their loss on validation films, and the ensembles' weights are fitted on the "
        "same films: a member that chose luckily counts too much, and what is chosen of the ensemble on validation is a little too hopeful."
    )


def _fitted_on_training(folder: RunFolder) -> str:
    """Ensembles whose weights were fitted on what members say of films that they were trained on."""
    names = [c.backbone for c in _fitted_ensembles(folder, "train")]
    if not names:
        return ""
    return (
        f"The weights of {listed(names)} are fitted on what members say of their own training films, of which they are surer, and more "
        "often right, than of any other: a member that learned its films by heart counts too much."
    )


def _fitted_ensembles(folder: RunFolder, part: str) -> list[RunCell]:
    """Ensembles whose weights were fitted on a part in trial 1."""
    facts = {c: EnsembleFacts.known(folder.folder(c, 1)) for c in folder.cells if c.members}
    return [c for c, f in facts.items() if f.fitted_on == part]


def _altered_by_chance(folder: RunFolder) -> str:
    """Pipelines under which films that are judged were altered by chance, with their number in trial 1.

    A step alters a film by chance where it has a probability below 1 or drew something. Films of valid and test are drawn for with the
    study's seed in every trial. A pipeline without a list of draws is left out.
    """
    words = []
    for splits, name in sorted({(c.splits, c.prepared_as) for c in folder.cells}):
        path = drawn_path(folder.path, splits, name, 1)
        steps = folder.record.pipelines.get(name, {}).get("steps")
        if steps is None or not path.is_file():
            continue
        said, drawn = [], DrawnFilms.read(path).parts
        for part in PREDICTED_PARTS:
            films = drawn[part]
            altered = [f for f in films if any(_by_chance(steps[d["step"]], d["drawn"]) for d in f.drawn)]
            said += [f"{len(altered)} of {len(films)} {part} films"] if altered else []
        if said:
            words.append(f"{name} ({splits}): {listed(said)}" if splits else f"{name}: {listed(said)}")
    if not words:
        return ""
    return (
        f"A random step acted on films that models are judged by, in trial 1: {'; '.join(words)}. The figures are then of altered films, "
        "and another seed alters others."
    )


def _by_chance(step: Mapping[str, Any], drawn: Any) -> bool:
    """Whether a step that acted left it to chance that it did, or what; what follows from the film is none."""
    return step.get("probability", 1.0) != 1.0 or (bool(drawn) and not OPERATIONS[step["op"]].by_film)


def _lungs_not_found(folder: RunFolder) -> str:
    """Films that are in no part because their lungs were not found, by class: where one class loses more, what is left is a choice."""
    steps = folder.flow.steps if folder.flow else ()
    for before, step in pairwise(steps):
        if step.name == WITH_LUNGS:
            lost = [
                f"{n - step.by_class.get(label, 0)} of {n} {label}"
                for label, n in before.by_class.items()
                if n > step.by_class.get(label, 0)
            ]
            return (
                f"{before.films - step.films} of {before.films} films have no usable lung mask and are in no part of any cell: "
                f"{listed(lost)}. Lungs that disease hides are missed more often, so the films that are left may be the easier ones."
            )
    return ""


def _lungs_stood_in(folder: RunFolder) -> str:
    """Films whose lungs were not found, where only probes read lungs, by class."""
    films = folder.record.lungs_from.get(STAND_IN, {})
    if not films:
        return ""
    of = folder.manifest.count_by("label")
    return (
        f"{counted(sum(films.values()), 'film')} of {len(folder.manifest)} had no usable lung mask: "
        f"{listed([f'{n} of {of[label]} {label}' for label, n in sorted(films.items())])}. Only probes read lungs, so no film left the "
        "study; for these, probes take for lung what is lung on at least half of the other films."
    )


def _lungs_by_two_makers(folder: RunFolder) -> str:
    """Masks that came with films of one source beside a network's of another, whose outlines tell the sources apart."""
    own, found = (sum(folder.record.lungs_from.get(maker, {}).values()) for maker in (SOURCE, NETWORK))
    if not own or not found:
        return ""
    return (
        f"The lung masks of {counted(own, 'film')} came with them, those of {found} are the network's. Makers draw lungs each in their own "
        "way, so what is seen of an outline may tell sources apart, and with them classes."
    )


def _class_tells(folder: RunFolder, test: Films, column: str, what: str) -> str:
    """Whether a column of the manifest says the class, and what a rule that sees nothing else would reach."""
    by_value: dict[str, Counter[str]] = defaultdict(Counter)
    by_class: dict[str, Counter[str]] = defaultdict(Counter)
    for value, label in zip(test.texts(column), test.texts("label"), strict=True):
        if value:
            by_value[value][label] += 1
            by_class[label][value] += 1
    tied = {c: n.most_common(1)[0] for c, n in sorted(by_class.items())}
    tied = {c: (v, k) for c, (v, k) in tied.items() if k >= NEARLY_ALL * by_class[c].total()}
    if len(by_value) < 2 or not tied:
        return ""
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
    return f"{text}. High figures may come from that and not from disease."


def _few_events(folder: RunFolder, test: Films) -> str:
    films = [i for i, c in zip(test.ids, test.texts("label"), strict=True) if c == folder.positive]
    groups = {folder.splits[1].group_of[i] for i in films}
    if len(groups) >= FEW_EVENTS:
        return ""
    return (
        f"The test part has {counted(len(films), 'film')} of class {folder.positive}, in {counted(len(groups), 'group')}; below "
        f"{FEW_EVENTS} a sensitivity is known only roughly."
    )


def _few_films_of_a_class(folder: RunFolder, test: Films) -> str:
    n_films = Counter(test.texts("label"))
    rare = [
        f"{n_films[c]} of {c}" for c in folder.classes if c != folder.positive and n_films[c] < FEW_EVENTS
    ]
    if not rare:
        return ""
    return f"Test films of these classes number under {FEW_EVENTS}: {listed(rare)}."


def _one_trial(folder: RunFolder) -> str:
    if folder.n_trials != 1:
        return ""
    return (
        "Each cell was trained once: how much training varies is unknown, standard errors are not estimable, and the intervals hold for "
        "these trained heads only."
    )


def _few_trials(folder: RunFolder) -> str:
    n = folder.n_trials
    if not 1 < n < FEW_TRIALS:
        return ""
    return (
        f"With {n} trials a standard error has {n - 1} degree of freedom: it is itself very uncertain, and an interval that resamples "
        "trials may be as wide as 0 to 1."
    )


def _searched_on_validation(folder: RunFolder) -> str:
    """Cells whose values were chosen on films that operating points and temperatures are chosen on too."""
    found = searches_of(folder.path, [c.name for c in folder.cells])
    if not found:
        return ""
    of = next(iter(found.values()))
    films = (
        "the validation films" if of.chosen_on == "valid" else "folds of the films of train and validation"
    )
    return (
        f"{listed([_label(n) for n in of.ranges])} of {counted(len(found), 'cell')} were chosen by {counted(len(of.tried), 'trial')} each "
        f"on {films} of trial 1. Operating points and temperatures are chosen on validation films too, so what is said of validation films "
        "flatters these cells; no test film took part."
    )


def _label(name: str) -> str:
    return name.replace("_", " ")


def _patients_unknown(folder: RunFolder) -> str:
    without = folder.manifest.count_by("patient_id").get("", 0)
    declared = folder.record.no_patient_ids
    where = f" (declared for {listed(sorted(declared))})" if declared else ""
    if not without:
        return ""
    return (
        f"{without} of {len(folder.manifest)} films have no patient id{where}. Several films of one patient may then be in different "
        "parts unless they were found to be copies, which makes results look better and intervals narrower than they are."
    )
