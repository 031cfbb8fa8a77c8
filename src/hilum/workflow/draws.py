"""Which films a trial trains, validates and tests on, how often each, and every prepared film that follows.

One drawing (`hilum.workflow.plan.Drawing`) has a split a trial. What departs from the study's plain split (a share of the training
films, a fault of the published scripts) is made from it here; the test part is the same in all of them, so that cells can be compared
film by film. Only a cell without a source tests other films: all of that source's, and no others.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.artifacts.drawn_films import HELD_OUT, DrawnFilm, DrawnFilms, FilmFacts
from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.prepared import PreparedRow, Wanted
from hilum.artifacts.split import AnySplit, Split, UnsafeSplit, read_split
from hilum.augment.sampling import process_counts, sample_counts
from hilum.core.seeding import key_entropy
from hilum.paper.published_draw import draw_as_published
from hilum.splitting.groups import film_groups
from hilum.splitting.part_checks import require_parts
from hilum.stages.split import draw_split
from hilum.study.file import Study
from hilum.workflow.plan import Drawing, Recipe, seed_of


@dataclass(frozen=True)
class Films:
    """The films of a study and what is known of copies among them."""

    study: Study
    manifest: Manifest
    duplicates: Duplicates


def draw(films: Films, drawing: Drawing, trial: int) -> AnySplit:
    """The split of one trial of a drawing.

    Raises:
        InputError: A part has no film, or none of a class; says why.
        LeakageError: The method is ``official``, and a group is in two of the source's parts.
    """
    study, manifest = films.study, films.manifest
    drawn_as = trial if "split" in study.redraw_with_trial else 1

    without = "" if drawing.source_left_out == "none" else drawing.source_left_out
    unseeded = secrets.randbits(62) if drawing.unseeded else None
    split = draw_split(
        manifest, films.duplicates, study.split.method, drawing.seed, trial=drawn_as, fractions=study.split.fractions,
        rest_seed=unseeded, crossing=study.split.crossing, without=without,
    )  # fmt: skip
    parts: dict[str, tuple[str, ...]] = dict(split.parts)
    groups: Mapping[str, str] = split.group_of
    if drawing.overlapping:
        shuffle = key_entropy(drawing.seed, "shuffled again", drawn_as) % 2**62
        groups = film_groups(manifest, films.duplicates)
        again = draw_as_published(manifest, shuffle, groups, unseeded)
        parts |= {"train": again.parts["train"], "valid": again.parts["valid"]}
        if without:
            test = set(parts["test"])
            parts |= {p: tuple(i for i in parts[p] if i not in test) for p in ("train", "valid")}
    if drawing.fraction != 1.0:
        parts["train"] = _share(manifest, parts["train"], drawing)
    if drawing.valid_is_test:
        parts["valid"] = parts["test"]
    options = {**split.header.options, "drawing": drawing.name, "unsafe": list(drawing.faults)}
    header = Header(split.header.kind, split.header.inputs, options, seed=drawing.seed)
    drawn: AnySplit = split
    if drawing.faults:
        drawn = UnsafeSplit(parts, groups, header)
    elif parts != split.parts:
        drawn = Split(parts, groups, header)
    require_parts(drawn, manifest, study.data.classes)
    return drawn


def _share(manifest: Manifest, ids: Iterable[str], drawing: Drawing) -> tuple[str, ...]:
    """A share of each class: a smaller share is part of a larger one."""
    by_class: dict[str, list[str]] = defaultdict(list)
    for i in ids:
        by_class[manifest.by_id[i].label].append(i)
    kept: list[str] = []
    for members in by_class.values():
        order = sorted(members, key=lambda i: key_entropy(drawing.seed, "fraction", i))
        kept += order[: max(1, round(drawing.fraction * len(order)))]
    return tuple(kept)


class Splits:
    """Every split of a run: drawn once, kept in the run's folder, read again when the run goes on.

    Args:
        films: What is divided.
        folder: The run's ``splits`` folder; None to write nothing.
    """

    def __init__(self, films: Films, folder: Path | None) -> None:
        self._films, self._folder = films, folder
        self._drawn: dict[tuple[Drawing, int], AnySplit] = {}

    def of(self, drawing: Drawing, trial: int) -> AnySplit:
        """The split of a trial."""
        key = drawing, trial
        if key not in self._drawn:
            path = self.path(drawing, trial)
            if path is not None and path.is_file():
                split = read_split(path)
            else:
                split = draw(self._films, drawing, trial)
                if path is not None:
                    split.write(path)
            split.check(self._films.manifest)
            self._drawn[key] = split
        return self._drawn[key]

    def path(self, drawing: Drawing, trial: int) -> Path | None:
        """Where the split of a trial lies: the study's plain one in the folder itself."""
        if self._folder is None:
            return None
        name = self.folder_name(drawing)
        return (self._folder / name if name else self._folder) / f"trial-{trial}.json"

    @property
    def plain(self) -> Drawing:
        """The study's own drawing, without anything special."""
        return Drawing(self._films.study.seed)

    def folder_name(self, drawing: Drawing) -> str:
        """Folder of a drawing's splits beneath ``splits``; empty for the study's plain one."""
        return "" if drawing == self.plain else drawing.name


def training_copies(
    study: Study, manifest: Manifest, split: AnySplit, trial: int, seed: int
) -> dict[str, int]:
    """How many copies of each training film the trial learns from.

    A class named in ``[sampling]`` is drawn with replacement, so some of its films may not be there at all.
    """
    by_class: dict[str, list[str]] = defaultdict(list)
    for i in split.parts["train"]:
        by_class[manifest.by_id[i].label].append(i)
    copies: dict[str, int] = {}
    for label, ids in sorted(by_class.items()):
        wanted = study.sampling.get(label)
        if wanted is None:
            copies.update(process_counts(ids))
        else:
            n = wanted if isinstance(wanted, int) else round(wanted * len(ids))
            copies.update(sample_counts(ids, n, seed_of(study, seed, "sampling", trial)))
    return copies


def wanted_of(
    study: Study, manifest: Manifest, split: AnySplit, pipeline: str, seed: int, trial: int
) -> dict[str, list[tuple[str, Wanted]]]:
    """Part -> (film, what is wanted of it) of one trial under a pipeline, in order.

    Films of valid and test are drawn for with the cell's seed, those of train with the trial's.
    """
    found = {}
    for part in HELD_OUT:
        once = Wanted(pipeline, part, seed)
        found[part] = [(i, once) for i in split.parts[part]]
    own = seed_of(study, seed, "augmentation", trial)
    copies = training_copies(study, manifest, split, trial, seed)
    numbered = [Wanted(pipeline, "train", own, c) for c in range(max(copies.values(), default=0))]
    found["train"] = [(i, w) for i, n in sorted(copies.items()) for w in numbered[:n]]
    return found


Kind = tuple[str, Drawing, int]
"""What is drawn alike: pipeline, drawing and trial. Cells that share them train and test on the same prepared films."""


def kinds_of(recipes: Iterable[Recipe], trials: Iterable[int]) -> list[Kind]:
    """Every kind of draw of some cells."""
    pairs = dict.fromkeys((r.pipeline.name, r.drawing) for r in recipes)
    return [(pipeline, drawing, trial) for pipeline, drawing in pairs for trial in trials]


def wanted_by_kind(
    study: Study, manifest: Manifest, splits: Splits, kinds: Iterable[Kind]
) -> dict[Kind, dict[str, list[tuple[str, Wanted]]]]:
    """What is wanted for each kind of draw: `wanted_of`, worked out once."""
    return {
        (pipeline, drawing, n): wanted_of(study, manifest, splits.of(drawing, n), pipeline, drawing.seed, n)
        for pipeline, drawing, n in kinds
    }


def drawn_from(
    parts: Mapping[str, Iterable[tuple[str, Wanted]]],
    rows: Mapping[tuple[str, Wanted], PreparedRow],
    split: AnySplit,
    manifest: Manifest,
    shards: Sequence[str],
) -> DrawnFilms:
    """What a trial draws, once its films are prepared.

    Args:
        parts: Part -> (film, what is wanted of it).
        rows: Every prepared film by (film, what was wanted of it).
        split: Of the trial.
        manifest: The study's films.
        shards: Keys of the shards that hold the prepared films.
    """
    films = {
        part: [DrawnFilm(i, w.copy, rows[i, w].digest, rows[i, w].drawn) for i, w in wanted]
        for part, wanted in parts.items()
    }
    facts = {}
    for i in sorted({f.image_id for of_part in films.values() for f in of_part}):
        film = manifest.by_id[i]
        facts[i] = FilmFacts(film.label, film.patient_id, split.group_of[i])
    header = Header("prepared", inputs={"split": split.digest}, seed=split.header.seed)
    return DrawnFilms(header, films, facts, shards)


def all_wanted(per_trial: Iterable[Mapping[str, list[tuple[str, Wanted]]]]) -> dict[str, list[Wanted]]:
    """Every prepared film of a study: image_id -> what is wanted of it, each once."""
    wanted: dict[str, dict[Wanted, None]] = defaultdict(dict)
    for parts in per_trial:
        for rows in parts.values():
            for image_id, w in rows:
                wanted[image_id][w] = None
    return {i: list(w) for i, w in wanted.items()}
