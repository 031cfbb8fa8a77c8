"""What a study of several findings a film cannot have, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hilum.study.factors import FACTOR
from hilum.study.faults import FAULTS, that_set
from hilum.study.probes import SOURCE_RULE
from hilum.study.several_findings import MULTILABEL, FindingsKeys

if TYPE_CHECKING:
    from hilum.study.file import Study


def is_multilabel(study: Study) -> bool:
    """Whether a study asks for several findings a film."""
    return study.data.task == MULTILABEL


def wrong_findings(study: Study) -> Iterator[str]:
    """What a study says that does not go with its task, a sentence each."""
    data = study.data
    if not is_multilabel(study):
        for key in ("findings", "uncertain"):
            if getattr(data, key) != FindingsKeys.model_fields[key].default:
                yield f"data.{key} is for data.task = 'multilabel', got task {data.task!r}; leave one of them out"
        return
    if len(set(data.findings)) != len(data.findings) or len(data.findings) == 1:
        yield f"data.findings must be two or more different names, got {data.findings!r}; of one finding make a study of classes"
    one_class = {
        "data.positive": (data.positive, "every finding is asked for by itself"),
        "data.classes": (data.classes if data.classes != data.findings else [], "name data.findings"),
        "data.merge": (data.merge, "films have findings and no classes"),
        "data.one_per_patient": (data.one_per_patient, "it names classes; the split keeps a patient's films together"),
        "data.subset": (data.subset, "it is drawn by class; name fewer films with data.include"),
        "data.strata": (data.strata != "class", "every finding has its share of every part"),
        "ensemble": (study.ensemble, "an ensemble combines models of one class a film"),
        "search": (study.search, "its trials are of models of one class a film"),
        "sampling": (study.sampling, "it draws by class; weigh findings with class_weights of a loss"),
        "training.balanced_batches": (study.training.balanced_batches, "it balances classes"),
        "contrast": (study.contrast, "it sets classes against each other; ask subgroups, or a study of classes"),
        "explain.methods": (study.explain.methods, "explain the bundle of one finding with `hilum explain` when the run is there"),
        "probes.kinds": (SOURCE_RULE in study.probes.kinds, "the rule of the source gives a class; leave 'source-rule' out"),
    }  # fmt: skip
    for key, (value, why) in one_class.items():
        if value:
            yield f"{key} has no meaning with data.task = 'multilabel': {why}"
    for fault in (
        f for f in study.faults if FAULTS[f].edit.drawing or that_set([f], "softmax_first", "second_softmax")
    ):
        yield f"the fault {fault!r} ({FAULTS[fault].what}) is of scripts with one class a film; leave it out of a multilabel study"
    for family in (f for f in study.compare if FACTOR[f.factor].other_films):
        yield (
            f"compare {family.name!r} is by {family.factor}, whose cells test other films; with data.task = 'multilabel' they are not "
            "compared: compare the runs of a finding with `hilum compare`"
        )
