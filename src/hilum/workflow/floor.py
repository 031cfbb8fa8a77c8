"""A study of its own on phantoms, cold, so that its stages can be held against their floors where no run is at hand.

Weights are random: the time is the same. Everything lies in a folder that is gone afterwards.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hilum.artifacts.run_folder import RunFolder
from hilum.core.engine import Engine
from hilum.models.registry import OF_BENCHMARKS
from hilum.study.file import Study
from hilum.workflow.phantoms import phantom_manifest
from hilum.workflow.run import run_study

_FILM_PX = 299


@contextmanager
def cold_run(n_films: int, size_px: int, engine: Engine) -> Iterator[RunFolder]:
    """A run of a small study on so many phantoms, of films prepared to `size_px`; within the block it is there.

    Raises:
        InputError: There are too few films for every class in every part.
    """
    with tempfile.TemporaryDirectory(prefix="hilum-floor-") as folder:
        root = Path(folder)
        manifest = phantom_manifest(root, n_films, _FILM_PX)
        study = Study.model_validate(
            {
                "name": "floor",
                "data": {"classes": ["bacterial", "covid", "normal", "viral"], "positive": "covid"},
                "grid": {"backbones": list(OF_BENCHMARKS), "pipelines": ["crop"], "trials": 1},
                "weights": dict.fromkeys(OF_BENCHMARKS, "none"),
                "augment": {"size_px": size_px},
                "sampling": {"covid": 2.09},
            }
        )
        report, _ = run_study(study, manifest, root / "workspace", engine, "hilum bench floor")
        yield RunFolder(report.parent)
