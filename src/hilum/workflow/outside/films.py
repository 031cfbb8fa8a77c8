"""Which films of a manifest a model may be asked of: of its classes, and none that it, or anything it was compared by, has seen.

A film is left out, in this order, where its label is none of the model's classes; where it is a copy (equal in bytes or pixels, or near)
of a film that a model was trained or validated on, or of a test film of its run; and where another film of its patient or of its copies is
one of the run's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hilum.artifacts.duplicates import Duplicates
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.core.engine import Engine
from hilum.core.errors import InputError, nearest, require_known
from hilum.core.names import spelled
from hilum.splitting.groups import film_groups
from hilum.stages.duplicates import known_duplicates
from hilum.workflow.outside.origin import Origin
from hilum.workflow.workspace import Workspace

TRAINED_ON = "copies of films that the models were trained or validated on"
TESTED_ON = "copies of test films of the models’ run"
SAME_PATIENT = "of a patient, or a group of copies, of the models’ run"


@dataclass(frozen=True)
class Chosen:
    """The films of a manifest that are asked of.

    Attributes:
        given: The manifest as it was given.
        kept: Its films that are asked of, their labels as the model's classes spell them.
        labels: Label -> class, where they differ.
        dropped: Reason -> films left out.
        group_of: Film that is kept -> its group.
        copies: Copies among the films that are kept.
    """

    given: Manifest
    kept: Manifest
    labels: Mapping[str, str]
    dropped: Mapping[str, int]
    group_of: Mapping[str, str]
    copies: Duplicates

    @property
    def left_out_words(self) -> str:
        """What was left out, in words."""
        return "; ".join(f"{n} {why}" for why, n in self.dropped.items()) or "none"


def chosen(
    given: Manifest,
    asked: Mapping[str, str],
    origin: Origin,
    workspace: Workspace,
    engine: Engine,
    unusable: Mapping[str, str] | None = None,
) -> Chosen:
    """Choose the films of a manifest that the models may be asked of.

    Args:
        given: The manifest.
        asked: Label of the manifest -> class of the model.
        origin: The models.
        workspace: Where copies are known, or kept once they are found.
        engine: Where they are looked for.
        unusable: Film -> why it cannot be asked of, where its lungs are wanted and were not found.

    Raises:
        InputError: A label or class that there is not, or no film is left.
    """
    classes = origin.record.classes
    label_of = matched(given.count_by("label"), asked, classes)
    dropped = {
        f"of {label!r}, which is no class of the models": n
        for label, n in given.count_by("label").items()
        if label not in label_of
    }
    asked_of = [replace(f, label=label_of[f.label]) for f in given.films if f.label in label_of]
    if not asked_of:
        raise InputError(
            f"no film is of a class of the models ({', '.join(classes)}); the manifest has the labels "
            f"{', '.join(given.count_by('label'))}. Say which is which with --map-label LABEL=CLASS"
        )
    both, new_id = _together(
        origin.trained.manifest if origin.trained else Manifest([], Header("manifest")), given, asked_of
    )
    copies = known_duplicates(both, engine, workspace.duplicates_of(both), workspace.duplicates)
    groups = film_groups(both, copies)
    why = _why_not(list(new_id.values()), groups, copies, origin)
    kept: list[FilmRow] = []
    for f in asked_of:
        reason = why.get(new_id[f.image_id]) or (unusable or {}).get(f.image_id, "")
        if reason:
            dropped[reason] = dropped.get(reason, 0) + 1
        else:
            kept.append(f)
    if not kept:
        raise InputError(
            f"no film of the manifest is left: {'; '.join(f'{n} {w}' for w, n in dropped.items())}"
        )
    films = Manifest(kept, given.header, given.provenance)
    ids = {new_id[f.image_id]: f.image_id for f in kept}
    spelt = {old: new for old, new in label_of.items() if old != new}
    group_of = {f.image_id: groups[new_id[f.image_id]] for f in kept}
    return Chosen(given, films, spelt, dropped, group_of, _among(films, copies, ids))


def _together(own: Manifest, given: Manifest, asked_of: Sequence[FilmRow]) -> tuple[Manifest, dict[str, str]]:
    """The films of a run and those that are asked of in one manifest; and what each of these is called there."""
    new_id = {
        f.image_id: f"{f.image_id} (outside)" if f.image_id in own.by_id else f.image_id for f in asked_of
    }
    without_ids = {s for m in (own, given) for s in m.header.options.get("no_patient_ids", [])}
    films = [*own.films, *(replace(f, image_id=new_id[f.image_id]) for f in asked_of)]
    return Manifest(films, Header("manifest", options={"no_patient_ids": sorted(without_ids)})), new_id


def _among(films: Manifest, copies: Duplicates, ids: Mapping[str, str]) -> Duplicates:
    """The copies among the films that are kept; `ids` has what they are called where all copies were looked for -> their own id."""
    pairs = [
        p._replace(first=ids[p.first], second=ids[p.second])
        for p in copies.pairs
        if p.first in ids and p.second in ids
    ]
    sha = {own: copies.films[new] for new, own in ids.items()}
    header = Header("duplicates", inputs={"manifest": films.digest}, options=copies.header.options)
    return Duplicates(pairs, sha, header)


def matched(labels: Mapping[str, int], asked: Mapping[str, str], classes: tuple[str, ...]) -> dict[str, str]:
    """Label -> class: as asked, else by name without regard to case.

    Raises:
        InputError: A label that no film has, or a class that the model does not have.

    >>> matched({"COVID": 3, "tb": 2, "other": 1}, {"tb": "covid"}, ("covid", "normal"))
    {'COVID': 'covid', 'tb': 'covid'}
    """
    wanted = {}
    for old, new in asked.items():
        require_known(old, labels, "--map-label: no film of the manifest has the label")
        found = spelled(new, classes)
        if found is None:
            raise InputError(
                f"--map-label {old}={new}: {new!r} is no class of the models; {nearest(new, classes)}"
            )
        wanted[old] = found
    return {label: c for label in labels if (c := wanted.get(label) or spelled(label, classes))}


def _why_not(
    ids: list[str], group_of: Mapping[str, str], copies: Duplicates, origin: Origin
) -> dict[str, str]:
    """Film -> why it is not asked of; films that are asked of are not there."""
    parts = origin.parts
    learned, tested = parts["train"] | parts["valid"], parts["test"]
    copied = {i: set(group) for group in copies.groups for i in group}
    seen = {group_of[i] for i in learned | tested}
    found = {}
    for i in ids:
        if copied.get(i, set()) & learned:
            found[i] = TRAINED_ON
        elif copied.get(i, set()) & tested:
            found[i] = TESTED_ON
        elif group_of[i] in seen:
            found[i] = SAME_PATIENT
    return found
