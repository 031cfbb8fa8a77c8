"""The step that explains some test films of a run: which they are, and where their maps go.

It makes no difference to a result, so it is in no key: its maps are found again by what they depend on, in ``explanations/<cell>/``. It
opens test films, and where it does they count as looked at.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import zip_longest

import numpy as np

from hilum.artifacts.explanations import FOLDER
from hilum.artifacts.predictions import Predictions
from hilum.artifacts.run_folder import RunFolder
from hilum.core.errors import InputError, require_known
from hilum.study.probes import NO_PROBE
from hilum.workflow.plan import PlannedCell
from hilum.workflow.state import Run

TRIAL = 1


def cells_explained(run: Run) -> list[PlannedCell]:
    """The cells that the study wants explained: those it names, else its first that may be used alone.

    Raises:
        InputError: A name that is no model's cell, or a cell that is unsafe.
    """
    models = {r.cell.name: r.cell for r in run.planned if r.cell.probe == NO_PROBE}
    for name in run.as_read.explain.cells:
        require_known(name, models, "explain.cells: the study has no cell")
        if models[name].unsafe:
            why = f"is trained with {', '.join(models[name].unsafe)} and may not be used alone"
            raise InputError(f"explain.cells names {name}, which {why}")
    safe = [c for c in models.values() if not c.unsafe]
    named = [models[n] for n in run.as_read.explain.cells] or safe[:1]
    if not named:
        raise InputError(
            "explain.methods: every cell of the study is unsafe, and such a model may not be used alone"
        )
    asked = {r.cell.name for r in run.recipes}
    return [c for c in named if c.name in asked]


def explain_run(run: Run) -> None:
    """Explain the chosen test films of trial 1 of each cell."""
    from hilum.stages.explain import explain_rows  # late: captum, which few runs need
    from hilum.stages.explain.asked import Asked

    table, folder = run.study.explain, RunFolder(run.folder)
    asked = Asked(tuple(table.methods), seed=run.study.seed, pictures=table.show_films)
    for cell in cells_explained(run):
        of = folder.cell_named[cell.name]
        films = chosen_films(folder.predictions(of, TRIAL), table.films)
        rows = [folder.manifest.by_id[i] for i in films]
        with run.stage(f"explain {cell.name}") as line:
            bundle = folder.folder(of, TRIAL) / "bundle"
            done, opened = explain_rows(
                bundle, rows, run.folder / FOLDER / cell.name, asked, run.settled.device
            )
            line.done, line.found = opened, len(done.films) - opened


def chosen_films(predictions: Predictions, n: int) -> list[str]:
    """Test films to explain: of each class in turn the most confident that is called right, then the most confident that is not, and so on.

    Confidence is the highest probability; films of equal confidence come by their ids.
    """
    test = predictions.of_part("test")
    order = np.lexsort((np.array(test.image_ids), -test.probabilities.max(1)))
    queues: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for k in order:
        said = test.classes[int(test.probabilities[k].argmax())]
        queues[test.y_true[k], said == test.y_true[k]].append(test.image_ids[k])
    turns = [queues[c, right] for right in (True, False) for c in test.classes]
    inturn = [i for turn in zip_longest(*turns) for i in turn if i is not None]
    return inturn[:n]
