"""What the trials of a study draw: the split of each, the copies of its training films, and every prepared film that follows.

A seed goes one way: study file -> recipe (`hilum.workflow.plan`) -> `StudyDraws`, which works each draw out once -> the trial's list of
films (`hilum.artifacts.drawn_films`), which says what was drawn for each, down to the crop.

One drawing has a split a trial. What departs from the study's plain split (a share of the training films, a fault of the published
scripts) is made from it here; the test part is the same in all of them, so that cells can be compared film by film. Only a cell without a
source tests other films, all of that source's and no others, and one whose films are drawn one by one fewer of them.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from hilum.artifacts.drawn_films import HELD_OUT, DrawnFilms, DrawnPart, FactsOf
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.prepared import PreparedRows, Wanted
from hilum.artifacts.split import AnySplit, Split, UnsafeSplit, read_split
from hilum.augment.sampling import process_counts, sample_counts
from hilum.core.cycles import no_cycles
from hilum.core.seeding import key_entropy
from hilum.paper.published_draw import draw_as_published
from hilum.splitting.divide import SplitOptions
from hilum.splitting.finding_checks import require_findings
from hilum.splitting.folds import folds
from hilum.splitting.groups import film_groups
from hilum.splitting.one_by_one import drawn_one_by_one
from hilum.splitting.part_checks import require_parts
from hilum.stages.prepare import Chunks, FilmLungs
from hilum.stages.prepare import plan as plan_prepare
from hilum.stages.split import draw_split
from hilum.study.file import Study
from hilum.study.several_findings import MULTILABEL
from hilum.workflow.drawing import Drawing, TrialDraw
from hilum.workflow.plan import Recipe, seed_of
from hilum.workflow.searched import with_folds


class StudyDraws:
    """Everything that a study draws before a film is read, each thing worked out when it is first asked for.

    Args:
        study: The study.
        recipes: What its cells need.
        films: The films that it keeps.
        duplicates: Copies among them.
        lungs: Where their lung masks are, once they are known.

    Attributes:
        recipes: What films are drawn for: cells, and folds of those that are searched by folds.
        plain: The study's own drawing, without anything special.
        drawings: Every drawing, the plain one first.
        trials: The numbers of the trials.
        drawn_splits: Each drawing with each trial that draws a split of it; folds are of the first alone.
    """

    def __init__(
        self,
        study: Study,
        recipes: Sequence[Recipe],
        films: Manifest,
        duplicates: Duplicates,
        lungs: FilmLungs | None = None,
    ) -> None:
        self.films, self.duplicates = films, duplicates
        self.recipes = with_folds(study, recipes)
        self._study, self._lungs = study, lungs
        self.plain = Drawing(study.seed)
        self.drawings = list(dict.fromkeys([self.plain, *(r.drawing for r in self.recipes)]))
        self.trials = range(1, study.grid.trials + 1)
        self.drawn_splits = [
            (d, t) for d in self.drawings for t in (self.trials[:1] if d.fold else self.trials)
        ]
        self._splits: dict[tuple[Drawing, int], AnySplit] = {}
        self._copies: dict[tuple[Drawing, int], dict[str, int]] = {}

    def folder_name(self, drawing: Drawing) -> str:
        """Folder of a drawing's splits beneath ``splits``; empty for the study's plain one."""
        return drawing.fold_name if drawing.whole == self.plain else drawing.name

    @no_cycles()
    def split(self, drawing: Drawing, trial: int) -> AnySplit:
        """The split of a trial.

        Raises:
            InputError: A part has no film, or none of a class; says why.
            LeakageError: The method is ``official``, and a group is in two of the source's parts.
        """
        key = drawing, trial
        if key not in self._splits:
            split = self._draw(drawing, trial)
            split.check(self.films)
            self._splits[key] = split
        return self._splits[key]

    def tested(self, drawing: Drawing) -> set[str]:
        """The test films of all trials of a drawing."""
        return {i for trial in self.trials for i in self.split(drawing, trial).parts["test"]}

    def keep_in(self, folder: Path) -> int:
        """Write every split below a run's ``splits`` folder, and take those that are there: a run that goes on has drawn them.

        Returns:
            How many there are.
        """
        for drawing, trial in self.drawn_splits:
            path = folder / self.folder_name(drawing) / f"trial-{trial}.json"
            if not path.is_file():
                self.split(drawing, trial).write(path)
                continue
            kept, key = read_split(path), (drawing, trial)
            kept.check(self.films)
            if key not in self._splits or kept.digest != self._splits[key].digest:  # nobody seeded it
                self._splits[key] = kept
                self._copies.pop(key, None)
                for follows in ("wanted", "chunks"):
                    self.__dict__.pop(follows, None)
        return len(self.drawn_splits)

    def _fold(self, drawing: Drawing, trial: int) -> Split:
        """Train and validation of a drawing, divided anew: one fold is held back."""
        whole = self.split(drawing.whole, trial)
        films = self.films.only([*whole.parts["train"], *whole.parts["valid"]])
        held = folds(films, whole.group_of, drawing.folds, drawing.seed)[drawing.fold - 1]
        parts = {"train": sorted(films.by_id.keys() - set(held)), "valid": held}
        header = replace(whole.header, options={**whole.header.options, "drawing": drawing.name})
        split = Split(parts, whole.group_of, header)
        require_parts(split, self.films, self._study.data.classes, ("train", "valid"))
        return split

    def _draw(self, drawing: Drawing, trial: int) -> AnySplit:
        if drawing.fold:
            return self._fold(drawing, trial)
        study, films = self._study, self.films
        drawn_as = trial if "split" in study.redraw_with_trial else 1
        without = "" if drawing.source_left_out == "none" else drawing.source_left_out
        unseeded = secrets.randbits(62) if drawing.unseeded else None
        how = SplitOptions(
            study.split.method, drawing.seed, drawn_as, study.split.fractions,
            rest_seed=unseeded, crossing=study.split.crossing, without=without, strata=study.data.stratum_column,
            findings=tuple(study.data.findings),
        )  # fmt: skip
        split = draw_split(films, self.duplicates, how)
        parts: dict[str, tuple[str, ...]] = dict(split.parts)
        groups: Mapping[str, str] = split.group_of
        if drawing.overlapping:
            shuffle = key_entropy(drawing.seed, "shuffled again", drawn_as) % 2**62
            groups = film_groups(films, self.duplicates)
            again = draw_as_published(films, shuffle, groups, unseeded)
            test = set(parts["test"]) if without else set()
            parts |= {p: tuple(i for i in again.parts[p] if i not in test) for p in ("train", "valid")}
        if drawing.one_by_one:
            labels = dict(zip(films.films.ids, films.texts("label"), strict=True))
            parts = drawn_one_by_one(parts, groups, labels, drawing.seed)
        if drawing.fraction != 1.0:
            parts["train"] = self._share(parts["train"], drawing)
        if drawing.valid_is_test:
            parts["valid"] = parts["test"]
        options = {**split.header.options, "drawing": drawing.name, "unsafe": list(drawing.faults)}
        header = Header(split.header.kind, split.header.inputs, options, seed=drawing.seed)
        drawn: AnySplit = split
        if drawing.faults:
            drawn = UnsafeSplit(parts, groups, header)
        elif parts != split.parts:
            drawn = Split(parts, groups, header)
        if study.data.findings:
            require_findings(drawn, films, study.data.findings)
        else:
            require_parts(drawn, films, study.data.classes)
        return drawn

    def _by_class(self, ids: Iterable[str]) -> dict[str, list[str]]:
        """Films by class; of several findings a film, all together."""
        by_class: dict[str, list[str]] = defaultdict(list)
        ids = list(ids)
        for i, label in zip(ids, self.films.texts_of("label", ids), strict=True):
            by_class["" if self._study.data.findings else label].append(i)
        return by_class

    def _share(self, ids: Iterable[str], drawing: Drawing) -> tuple[str, ...]:
        """A share of each class: a smaller share is part of a larger one."""
        kept: list[str] = []
        for members in self._by_class(ids).values():
            order = sorted(members, key=lambda i: key_entropy(drawing.seed, "fraction", i))
            kept += order[: max(1, round(drawing.fraction * len(order)))]
        return tuple(kept)

    def copies(self, drawing: Drawing, trial: int) -> dict[str, int]:
        """How many copies of each training film the trial learns from.

        A class named in ``[sampling]`` is drawn with replacement, so some of its films may not be there at all.
        """
        key, study = (drawing, trial), self._study
        if key not in self._copies:
            copies: dict[str, int] = {}
            for label, ids in sorted(self._by_class(self.split(drawing, trial).parts["train"]).items()):
                wanted = study.sampling.get(label)
                if wanted is None:
                    copies.update(process_counts(ids))
                else:
                    n = wanted if isinstance(wanted, int) else round(wanted * len(ids))
                    copies.update(sample_counts(ids, n, seed_of(study, drawing.seed, "sampling", trial)))
            self._copies[key] = copies
        return self._copies[key]

    def parts(self, draw: TrialDraw) -> dict[str, list[tuple[str, Wanted]]]:
        """Part -> (film, its preparation) of one trial, in order.

        Films of valid and test are drawn for with the cell's seed, those of train with the trial's.
        """
        pipeline, drawing, trial = draw
        split, copies = self.split(drawing, trial), self.copies(drawing, trial)
        found = {}
        for part in HELD_OUT:
            once = Wanted(pipeline, part, drawing.seed)
            found[part] = [(i, once) for i in split.parts[part]]
        own = seed_of(self._study, drawing.seed, "augmentation", trial)
        numbered = [Wanted(pipeline, "train", own, c) for c in range(max(copies.values(), default=0))]
        found["train"] = [(i, w) for i, n in sorted(copies.items()) for w in numbered[:n]]
        return found

    @property
    def trial_draws(self) -> list[TrialDraw]:
        """The draws of all trials, each once."""
        drawn = set(self.drawn_splits)
        draws = (r.draw(n) for r in self.recipes for n in self.trials if (r.drawing, n) in drawn)
        return list(dict.fromkeys(draws))

    @cached_property
    @no_cycles()
    def wanted(self) -> dict[str, tuple[Wanted, ...]]:
        """Every prepared film of the study: image_id -> its preparations, each once."""
        wanted: dict[str, dict[Wanted, None]] = defaultdict(dict)
        for draw in self.trial_draws:
            for films in self.parts(draw).values():
                for image_id, w in films:
                    wanted[image_id][w] = None
        alike: dict[tuple[Wanted, ...], tuple[Wanted, ...]] = {}
        return {i: alike.setdefault(tuple(w), tuple(w)) for i, w in wanted.items()}

    @cached_property
    @no_cycles()
    def chunks(self) -> Chunks:
        """The same as work for the stage that prepares films."""
        return plan_prepare(
            self.films.by_id, self.wanted, {r.pipeline.name: r.pipeline for r in self.recipes}, self._lungs
        )

    def drawn(self, draw: TrialDraw, rows: PreparedRows, shards: Sequence[str]) -> DrawnFilms:
        """What a trial draws, once its films are prepared.

        Args:
            draw: Which trial, or trials that draw alike.
            rows: Every prepared film.
            shards: Keys of the shards that hold the prepared films.
        """
        split = self.split(draw.drawing, draw.trial)
        films = {part: DrawnPart(rows, wanted) for part, wanted in self.parts(draw).items()}
        facts = FactsOf({i for part in films.values() for i in part.image_ids}, self.films, split.group_of)
        task = {"task": MULTILABEL} if self._study.data.findings else {}
        header = Header("prepared", inputs={"split": split.digest}, options=task, seed=split.header.seed)
        return DrawnFilms(header, films, facts, shards)
