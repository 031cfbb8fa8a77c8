"""What a run is asked to do, and what follows from it, worked out once for all checks and for the plan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.prepared import Wanted
from hilum.core.engine import Engine
from hilum.core.errors import InputError
from hilum.stages.duplicates import exact_duplicates
from hilum.study.file import Study
from hilum.workflow.classes import with_classes
from hilum.workflow.draws import Films, Splits, all_wanted, kinds_of, wanted_by_kind
from hilum.workflow.plan import Drawing, Recipe, recipes
from hilum.workflow.state import study_films
from hilum.workflow.workspace import Workspace


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        text: One sentence, with what to do.
        code: Exit code of the command that it stops; 0 for a note.
    """

    text: str
    code: int = InputError.exit_code


class Asked:
    """A study, the films it is for, and where it is to run.

    What cannot be worked out raises the error that says why, each time it is asked for.

    Args:
        study: As read.
        manifest: The whole manifest.
        workspace: The workspace.
        engine: Where tasks run.
    """

    def __init__(self, study: Study, manifest: Manifest, workspace: Workspace, engine: Engine) -> None:
        self.as_read, self.manifest = study, manifest
        self.workspace, self.engine = workspace, engine

    @cached_property
    def study(self) -> Study:
        """The study with its classes as the manifest spells them."""
        return with_classes(self.as_read, self.manifest)

    @cached_property
    def recipes(self) -> list[Recipe]:
        """What every cell needs."""
        return recipes(self.as_read)

    @cached_property
    def films(self) -> Manifest:
        """The films that the study keeps."""
        return study_films(self.study, self.manifest)

    @cached_property
    def trials(self) -> range:
        """The numbers of the trials."""
        return range(1, self.as_read.grid.trials + 1)

    @cached_property
    def duplicates_path(self) -> Path:
        """Where the copies among the films are, once they were looked for."""
        return self.workspace.duplicates_of(self.films)

    @cached_property
    def splits(self) -> Splits:
        """The splits: the run's own where copies were looked for before, else those of equal films alone, which are nearly the same."""
        known = self.study.data.near_duplicates and self.duplicates_path.is_file()
        copies = Duplicates.read(self.duplicates_path) if known else exact_duplicates(self.films)
        return Splits(Films(self.study, self.films, copies), None)

    @cached_property
    def drawings(self) -> list[Drawing]:
        """Every drawing of the study, the plain one first."""
        return list(dict.fromkeys([self.splits.plain, *(r.drawing for r in self.recipes)]))

    @cached_property
    def wanted(self) -> dict[str, list[Wanted]]:
        """Every prepared film that some trial wants."""
        kinds = kinds_of(self.recipes, self.trials)
        return all_wanted(wanted_by_kind(self.study, self.films, self.splits, kinds).values())
