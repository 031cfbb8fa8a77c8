"""Pipelines: what each does to a film, in words and on films.

Convention: every step acts in the films shown here, drawn with the study's seed; in the study each acts with the probability that its
pipeline names.
"""

from __future__ import annotations

from collections.abc import Mapping

from hilum.artifacts.run_folder import RunFolder
from hilum.augment.operation import Film
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import digest
from hilum.core.errors import FilmError
from hilum.imaging.as_ingested import film_as_ingested
from hilum.report.boxed_film import box_panel, box_table, followed_box
from hilum.report.evaluated import Evaluated
from hilum.report.page import Picture, Section
from hilum.report.panel import on_purpose, panel, panel_rows
from hilum.report.pipeline_words import steps_words
from hilum.report.table import Column, Table, text_cell


def section(evaluated: Evaluated) -> Section:
    """The steps in a table, a film of each class under each pipeline, and a box followed through them."""
    folder = evaluated.folder
    pipelines = {n: Pipeline.from_dict(on_purpose(p)) for n, p in folder.record.pipelines.items()}
    if not pipelines:
        said = "The run does not record its pipelines, so no panel is shown."
        return Section("augmentation", "Pipelines", (said,), folded=True)
    films, remarks = _films(folder)
    items: list[Table | Picture] = [pipeline_table(folder)]
    if films:
        items.append(panel_picture(evaluated, films, pipelines))
        shown = dict(films).get(folder.positive, films[0][1])
        items += counterpart_pictures(evaluated, shown, pipelines)
    return Section("augmentation", "Pipelines", remarks, [*items, *_box(evaluated, pipelines)], folded=True)


def pipeline_table(folder: RunFolder) -> Table:
    """A row a pipeline: version, gate, steps."""
    body = [
        [
            text_cell(name, strong=True),
            text_cell(str(p.get("version", ""))),
            text_cell(str(p.get("gate", "exact"))),
            text_cell(steps_words(p)),
        ]
        for name, p in folder.record.pipelines.items()
    ]
    columns = [
        *(Column(c, numeric=False) for c in ("Pipeline", "Version", "Gate")),
        Column("Steps", numeric=False, prose=True),
    ]
    return Table(
        "pipelines",
        "Pipelines",
        "What each pipeline does to a film, in order.",
        columns,
        body,
        notes=(
            "p is the probability that a step acts on a film of the parts that stand behind the semicolon. percentage_area is "
            "Augmentor’s term and scales each side: 0.9 keeps 81 % of the area.",
        ),
        sortable=False,
    )


def _films(folder: RunFolder) -> tuple[list[tuple[str, Film]], list[str]]:
    """A training film of each class, the first in the order of a digest, so that it is any film and always the same; a sentence for each
    class whose film cannot be read."""
    films, remarks = [], []
    train = folder.splits[1].parts["train"]
    labels = folder.manifest.texts_of("label", train)
    for label in folder.classes:
        of_class = [i for i, of in zip(train, labels, strict=True) if of == label]
        if not of_class:
            continue
        film = folder.manifest.by_id[min(of_class, key=lambda i: digest([folder.record.seed, i]))]
        try:
            films.append((label, film_as_ingested(film.image_id, film.path, film.sha256).pixels))
        except (FilmError, OSError) as e:
            why = getattr(e, "reason", "no such file")
            remarks.append(f"The panel lacks {label}: its film could not be read ({why}).")
    return films, remarks


def panel_picture(
    evaluated: Evaluated, films: list[tuple[str, Film]], pipelines: Mapping[str, Pipeline]
) -> Picture:
    """Training films under each pipeline."""
    rows = panel_rows(films, list(pipelines.values()), evaluated.folder.record.seed or 0, evaluated.lungs)
    return evaluated.picture(
        panel(list(pipelines), rows),
        "augmentation-panel",
        "A training film of each class under each pipeline, with what was drawn beneath"
        f"{evaluated.beside.place('augmentation-panel')}. Drawn on purpose: every step acts here; in the study each acts with the "
        "probability that its pipeline names.",
        "Films under each pipeline.",
        raster=True,
    )


def counterpart_pictures(
    evaluated: Evaluated, film: Film, pipelines: Mapping[str, Pipeline]
) -> list[Picture]:
    """Augmentor's operations beside torchvision's; none where no pipeline has one that torchvision has too."""
    ops = {s.op for p in pipelines.values() for s in p.steps}
    if evaluated.counterparts is None or not ops & {"random_distortion", "zoom_random"}:
        return []
    cells = evaluated.counterparts(film, pipelines, evaluated.folder.record.seed or 0)
    picture = evaluated.picture(
        panel([title for title, _ in cells], [("", [cell for _, cell in cells])]),
        "augmentor-torchvision",
        f"Distortion and zoom as torchvision has them and as Augmentor has them{evaluated.beside.place('augmentor-torchvision')}: a "
        "perspective distortion moves the whole film where the elastic one bends it in places, "
        "and a centre crop always keeps the middle where the zoom goes anywhere.",
        "One film under two operations of each library.",
        raster=True,
    )
    return [picture]


def _box(evaluated: Evaluated, pipelines: Mapping[str, Pipeline]) -> list[Table | Picture]:
    """A box followed through the pipelines, and the shares that are left of it."""
    films, source = followed_box(evaluated.folder, pipelines, evaluated.lungs)
    picture = evaluated.picture(
        box_panel(films),
        "box-panel",
        f"A film with a box around a sign, followed through each pipeline{evaluated.beside.place('box-panel')}: {source}. Every step acts "
        "here; the outline is moved by the draws that moved the film, and beneath it stands the share of the box’s area inside the film.",
        "Films with a box; the shares are in the table beside.",
        raster=True,
    )
    return [picture, box_table(films)]
