"""Which films of a run come into a queue, and in which order."""

from __future__ import annotations

import numpy as np

from hilum.core.errors import InputError, require_known
from hilum.core.seeding import generator
from hilum.serve.review.records import Item, QueueAsked
from hilum.serve.review.runs import FinishedRun, Tested
from hilum.stats.answers import NO_ANSWER, Films


def queue_items(run: FinishedRun, asked: QueueAsked) -> list[Item]:
    """The films of a queue.

    A blinded queue is put in an order drawn by its seed, since the order of another one says what the model said.

    Raises:
        InputError: No such model, or no film to look at.
    """
    names = [c.name for c in run.folder.cells]
    require_known(asked.cell, names, f"run {run.name} has no model")
    tested, model = run.tested, names.index(asked.cell)
    chosen = _films(tested, model, asked)[: asked.films]
    if not len(chosen):
        raise InputError(
            f"there is no such film: of the model {asked.cell} none is of the kind {asked.kind!r}"
        )
    if asked.blinded:
        chosen = generator(asked.seed, "review order").permutation(chosen)
    return [_item(run, tested, model, int(k), n) for n, k in enumerate(chosen, 1)]


def _films(tested: Tested, model: int, asked: QueueAsked) -> Films:
    answers = tested.answers
    there = np.flatnonzero(answers.said[model] != NO_ANSWER)
    if asked.kind == "errors":
        return answers.errors(model)
    if asked.kind == "apart":
        return answers.apart(model)
    if asked.kind == "uncertain":
        return there[np.argsort(answers.sure[model][there], kind="stable")]
    return generator(asked.seed, "review films").permutation(there)


def _item(run: FinishedRun, tested: Tested, model: int, k: int, n: int) -> Item:
    classes, answers = run.folder.classes, tested.answers
    votes = [int(v) for v in answers.votes[model, :, k] if v != NO_ANSWER]
    return Item(
        n=n,
        image_id=tested.films[k].image_id,
        label=tested.films[k].label,
        unit=tested.units[k],
        said=classes[int(answers.said[model, k])],
        probabilities={c: round(float(p), 6) for c, p in zip(classes, answers.mean[model, k], strict=True)},
        votes={classes[v]: votes.count(v) for v in sorted(set(votes))},
    )
