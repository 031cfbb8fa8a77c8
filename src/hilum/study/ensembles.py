"""Ensembles as data: a table ``[[ensemble]]`` of a study file each. What a kind computes is `hilum.ensembles`.

An ensemble is a cell of the study whose backbone is ``ensemble/NAME``; trial i of it combines trial i of its members.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import Field, TypeAdapter

from hilum.core.keys import ALWAYS, ByKind, Key
from hilum.study.tables import StrictTable

ENSEMBLE: Final = "ensemble/"
"""How the level of the factor backbone begins that is an ensemble."""
SEVERAL: Final = "several"
"""Level of a factor in which the members differ."""


class EnsembleTable(StrictTable):
    """What every kind has.

    Attributes:
        name: The cell's backbone is ``ensemble/NAME``.
        of: Its members: names of cells, or of backbones for all their cells; every model that may be used alone where none is named.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    of: list[str] = Field(default_factory=list)


class FittedTable(EnsembleTable):
    """What every kind has whose weights are fitted on validation films.

    Attributes:
        folds: The ensemble's own answers of validation films, of which its operating point and temperature are chosen, come from weights
            that were fitted without the film's patient, in so many folds; fewer where a class has fewer patients.
    """

    folds: Annotated[int, Field(ge=2)] = 5


class MeanEnsemble(EnsembleTable):
    """The mean of the members' probabilities; nothing is fitted."""

    kind: Literal["mean"]


class WeightedEnsemble(FittedTable):
    """A weighted mean of the members' probabilities, whose weights (none below 0, sum 1) have the least log loss."""

    kind: Literal["weighted"]


class StackedEnsemble(FittedTable):
    """Multinomial logistic regression on the logarithms of the members' probabilities.

    Attributes:
        l2: Half of it times the sum of squared weights is added to the sum of log losses: scikit-learn's ``1 / C``.
    """

    kind: Literal["stacked"]
    l2: Annotated[float, Field(gt=0)] = 1.0


class FlannelEnsemble(FittedTable):
    """FLANNEL's neural weighing module (`hilum.ensembles.flannel`); the defaults are as described, with the optimiser of its scripts.

    Attributes:
        fit_on: The part whose films the weights are fitted on. ``train``: as in its scripts, on the members' answers of films that they
            were trained on themselves.
        gamma: Of the focal loss.
        class_weight: ``none``, or as in its scripts ``1000/count`` of the class among the films that it is fitted on.
        summed: Losses of a batch are added up, as in its scripts, instead of averaged.
        second_softmax: What comes out is taken for logits, by the loss and afterwards, as in its scripts.
        activation: Of the weights of members: ``softmax``, or ``tanh`` as in the model that its scripts name when told nothing else.
        keep: Weights of the ``last`` epoch, or, as in its scripts, of that with the ``best`` accuracy on validation films among the first,
            third, fifth and so on.
        epochs: Of the fit.
        batch: Films a step.
        learning_rate: Adam's.
        weight_decay: Adam's.
    """

    kind: Literal["flannel"]
    fit_on: Literal["valid", "train"] = "valid"
    gamma: Annotated[float, Field(ge=0)] = 2.0
    class_weight: Literal["none", "1000/count"] = "none"
    summed: bool = False
    second_softmax: bool = False
    activation: Literal["softmax", "tanh"] = "softmax"
    keep: Literal["last", "best"] = "last"
    epochs: Annotated[int, Field(ge=1)] = 40
    batch: Annotated[int, Field(ge=1)] = 20
    learning_rate: Annotated[float, Field(gt=0)] = 1e-5
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4


Ensemble = Annotated[
    MeanEnsemble | WeightedEnsemble | StackedEnsemble | FlannelEnsemble, Field(discriminator="kind")
]
"""The kinds that a study file may name: a new one is an entry here, in `ENSEMBLE_KEY` and in `hilum.ensembles.KINDS`."""

_NAMED = Key(name=ALWAYS, of=[])
ENSEMBLE_KEY: Final = ByKind(
    {
        "mean": _NAMED,
        "weighted": _NAMED.and_(folds=5),
        "stacked": _NAMED.and_(folds=5, l2=1.0),
        "flannel": _NAMED.and_(
            folds=5, fit_on="valid", gamma=2.0, class_weight="none", summed=False, second_softmax=False, activation="softmax",
            keep="last", epochs=40, batch=20, learning_rate=1e-5, weight_decay=1e-4,
        ),
    }
)  # fmt: skip
"""What the results of an ensemble depend on of its table."""

_READ: TypeAdapter[Ensemble] = TypeAdapter(Ensemble)
KIND_NAMES: Final = tuple(
    get_args(m.model_fields["kind"].annotation)[0] for m in get_args(get_args(Ensemble)[0])
)


def recorded_ensemble(table: Mapping[str, Any]) -> Ensemble:
    """The table of an ensemble, from its bundle's record.

    >>> recorded_ensemble({"kind": "stacked", "name": "s", "of": []}).l2
    1.0
    """
    return _READ.validate_python(table)


def learns(table: Ensemble) -> bool:
    """Whether weights are fitted."""
    return isinstance(table, FittedTable)


def fit_part(table: Ensemble) -> str:
    """The part whose films the weights are fitted on; empty where nothing is fitted."""
    return table.fit_on if isinstance(table, FlannelEnsemble) else "valid" if learns(table) else ""


def wrong_ensembles(tables: Sequence[Ensemble]) -> Iterator[str]:
    """What cannot be of a study's ensembles, looked at without its cells."""
    names = [t.name for t in tables]
    for twice in dict.fromkeys(n for n in names if names.count(n) > 1):
        yield f"two ensembles are called {twice!r}; give one another name"
    for t in tables:
        where = f"the ensemble {t.name!r}"
        if len(set(t.of)) != len(t.of):
            yield f"{where} names a member twice: {t.of!r}"
        if not isinstance(t, FlannelEnsemble):
            continue
        if t.activation == "tanh" and not t.second_softmax:
            yield (
                f"{where}: activation 'tanh' gives weights that may be below 0, and so no probabilities; set second_softmax = true, as its "
                "scripts do"
            )
        if t.keep == "best" and t.fit_on == "valid":
            yield (
                f"{where}: keep = 'best' chooses the epoch on the films that the weights are fitted on; set fit_on = 'train', or "
                "keep = 'last'"
            )
