"""What models said of films, and which films a person should look at: errors, exchanged classes, films on which trials or models differ.

Convention: what a model says of a film is the class of the highest mean probability over the trials that tested it (the first of equal
ones); a film that no trial tested has `NO_ANSWER`. Films of equal rank stand in the order in which they were given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

NO_ANSWER = -1
Films = NDArray[np.intp]
"""Numbers of films, those to look at first first."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What models said.

    Attributes:
        truth: Class numbers, (films,).
        p: Probabilities, float64, (models, trials, films, classes); NaN where a trial did not test a film.
        positive: Number of the class of which spread is told.
    """

    truth: NDArray[np.int64]
    p: NDArray[np.float64]
    positive: int

    @cached_property
    def tested(self) -> NDArray[np.bool_]:
        """Whether a trial tested a film, (models, trials, films)."""
        return ~np.isnan(self.p[..., 0])

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """Mean probabilities over trials, (models, films, classes); NaN where none tested the film."""
        n = self.tested.sum(1)[..., None]
        total = np.nansum(self.p, axis=1)
        mean: NDArray[np.float64] = np.divide(total, n, out=np.full_like(total, np.nan), where=n > 0)
        return mean

    @cached_property
    def votes(self) -> NDArray[np.int64]:
        """What each trial said, (models, trials, films)."""
        return _called(self.p)

    @cached_property
    def said(self) -> NDArray[np.int64]:
        """What each model said, (models, films)."""
        return _called(self.mean)

    @cached_property
    def wrong(self) -> NDArray[np.bool_]:
        """Whether a model said another class than the label, (models, films)."""
        return np.asarray((self.said != NO_ANSWER) & (self.said != self.truth))

    @cached_property
    def sure(self) -> NDArray[np.float64]:
        """Mean probability of what a model said, (models, films); 0 where it said nothing."""
        return np.asarray(np.nan_to_num(self.mean).max(axis=-1))

    @cached_property
    def spread(self) -> NDArray[np.float64]:
        """Standard deviation (ddof 1) over trials of the positive class's probability, (models, films); NaN of fewer than two."""
        n = self.tested.sum(1)
        away = self.p[..., self.positive] - self.mean[:, None, :, self.positive]
        total = np.nansum(away**2, axis=1)
        return np.asarray(np.sqrt(np.divide(total, n - 1, out=np.full_like(total, np.nan), where=n > 1)))

    @cached_property
    def minority(self) -> NDArray[np.float64]:
        """Share of a film's trials that did not say what most of them said, (models, films); 0 of fewer than two."""
        n = self.tested.sum(1)
        most = np.max([(self.votes == k).sum(1) for k in range(self.p.shape[-1])], axis=0)
        return np.asarray(1 - np.divide(most, n, out=np.ones(n.shape), where=n > 0))

    def errors(self, model: int) -> Films:
        """Films of which a model is wrong, the surest first."""
        return _by(np.flatnonzero(self.wrong[model]), -self.sure[model])

    def matrix(self, model: int) -> NDArray[np.int64]:
        """Films by label (rows) and by what a model said (columns)."""
        k = self.p.shape[-1]
        tested = self.said[model] != NO_ANSWER
        return np.bincount(self.truth[tested] * k + self.said[model][tested], minlength=k * k).reshape(k, k)

    def behind(self, model: int, label: int, said: int) -> Films:
        """Films behind a cell of the matrix: errors the surest first, films that are right the least sure first."""
        found = np.flatnonzero((self.truth == label) & (self.said[model] == said))
        return _by(found, self.sure[model] * (1 if label == said else -1))

    def apart(self, model: int) -> Films:
        """Films that a model's trials called differently: the least agreed first, then those of the largest spread."""
        found = np.flatnonzero(self.minority[model] > 0)
        return _by(found, -self.spread[model], -self.minority[model])

    def in_group(self, model: int, members: NDArray[np.bool_]) -> tuple[Films, int]:
        """Errors of a model among some films, the surest first, and how many of these films it was asked of."""
        errors = self.errors(model)
        return errors[members[errors]], int((members & (self.said[model] != NO_ANSWER)).sum())

    def wrong_for_all(self) -> Films:
        """Films that two models or more tested and of which all that did are wrong, those of the highest mean sureness first."""
        n, n_wrong = self._counted
        return _by(np.flatnonzero((n > 1) & (n_wrong == n)), -self.sure.sum(0) / np.maximum(n, 1))

    def wrong_alone(self, model: int) -> Films:
        """Films of which this model is wrong and all others that tested them, at least one, are right; the surest first."""
        n, n_wrong = self._counted
        return _by(np.flatnonzero(self.wrong[model] & (n > 1) & (n_wrong == 1)), -self.sure[model])

    @property
    def _counted(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Models that were asked of each film, and those that are wrong."""
        return (self.said != NO_ANSWER).sum(0), self.wrong.sum(0)


def _called(p: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.where(np.isnan(p[..., 0]), NO_ANSWER, np.nan_to_num(p).argmax(axis=-1))


def _by(films: Films, *keys: NDArray[np.float64]) -> Films:
    """Films in the order of keys, of which the last counts most."""
    return films[np.lexsort([k[films] for k in keys])]


def in_turn(
    lists: Sequence[Films], most: int, taken: Iterable[int] = (), deep: int | None = None
) -> list[int]:
    """At most so many films: of each list the first, then of each the second and so on, each film once, after those already taken.

    Args:
        lists: Of films, in order of rank.
        most: Films, those taken among them.
        taken: Taken before.
        deep: How far down a list to go; None for to its end.

    >>> in_turn([np.array([4, 2, 7]), np.array([4, 9])], 3)
    [4, 2, 9]
    """
    found = dict.fromkeys(taken)
    depth = max((len(x) for x in lists), default=0)
    for rank in range(depth if deep is None else min(depth, deep)):
        for films in lists:
            if len(found) >= most:
                return list(found)
            if rank < len(films):
                found[int(films[rank])] = None
    return list(found)
