"""The error gallery: one page of a run's test films, to go through with a radiologist, who may type comments and other labels.

Convention: films are pictures of patients, so this page is none of the report's and is written only where it is asked for. Each film is
embedded once, however many lists it stands in. Comments stay in the browser until they are exported, as a csv that `hilum ingest
--labels` takes. The page asks nothing of anybody (its content security policy forbids it).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from hilum.report.gallery_lists import FilmList
from hilum.report.gallery_maps import HeatMap
from hilum.report.page import embedded, from_template, json_inside

PATIENTS = "This page holds films of patients: do not pass it on, and do not put it where others can open it."

CANNOT_TELL, UNUSABLE = "cannot tell", "not a usable film"
"""What a reader may say of a film beside a class: the first leaves its label as it is, the second leaves the film out at `hilum ingest`."""


@dataclass(frozen=True)
class GalleryFilm:
    """A film that is shown.

    Attributes:
        image_id: Its id.
        label: Its label in the run's manifest.
        facts: Group by group what it is, such as ``("age group", "child")``.
        doubts: What speaks against its label, a sentence each.
        models: Of each model what it said of the film: the class's number, its mean probability, the spread over trials (-1 for none);
            None where no trial tested it. Probabilities are whole thousandths here and in `trials`.
        trials: Of each model, of each trial: the class's number; whether the operating point is reached (1, 0, or -1 for unknown); the
            classes of its 90 % set, as bits (-1 for none); whether it is a stranger (as the operating point); then each class's
            probability; None where the trial did not test it.
        picture: A JPEG; empty where there is none.
        why_none: Why, in words.
        maps: Heat maps of it, where the run has explanations.
    """

    image_id: str
    label: str
    facts: Sequence[tuple[str, str]]
    doubts: Sequence[str]
    models: Sequence[Sequence[int] | None]
    trials: Sequence[Sequence[Sequence[int] | None]]
    picture: bytes = b""
    why_none: str = ""
    maps: Sequence[HeatMap] = ()

    @property
    def uri(self) -> Markup:
        """The picture as a data URI."""
        return embedded(self.picture, "image/jpeg")


@dataclass(frozen=True)
class Gallery:
    """Everything that the page says.

    Attributes:
        title: Of the study.
        run: Name of the run's folder.
        digest: Of the run's results; comments are kept in the browser under it.
        classes: In the order of their numbers.
        positive: The class whose probability the spread is of.
        models: Name of each model, and whether an unsafe fault was on in it.
        films: Those that are shown.
        shared: Lists across models, of positions in `films`.
        lists: Of each model its lists, likewise.
        matrices: Of each model how many films are behind each cell.
        where: Number of a film among all tested -> its position in `films`.
        notes: What a reader must know, a sentence each.
        unsafe: What breaks the validity of the run's numbers, a sentence each.
        synthetic: Whether its films are synthetic.
    """

    title: str
    run: str
    digest: str
    classes: Sequence[str]
    positive: str
    models: Sequence[tuple[str, bool]]
    films: Sequence[GalleryFilm]
    shared: Sequence[FilmList]
    lists: Sequence[Sequence[FilmList]]
    matrices: Sequence[Sequence[Sequence[int]]]
    where: Mapping[int, int]
    notes: Sequence[str] = ()
    unsafe: Sequence[str] = ()
    synthetic: bool = False

    @property
    def data(self) -> Markup:
        """What the page's script shows, as JSON."""
        value = {
            "run": self.run,
            "key": f"hilum-gallery-{self.digest[:16]}",
            "classes": list(self.classes),
            "positive": self.positive,
            "unusable": UNUSABLE,
            "models": [{"name": n, "unsafe": u} for n, u in self.models],
            "matrices": self.matrices,
            "shared": [self._shown(x) for x in self.shared],
            "lists": [[self._shown(x) for x in own] for own in self.lists],
            "films": [
                {"id": f.image_id, "label": f.label, "models": f.models, "trials": f.trials}
                for f in self.films
            ],
        }
        return json_inside(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False))

    def _shown(self, films: FilmList) -> dict[str, Any]:
        at = [self.where[int(k)] for k in films.films if int(k) in self.where]
        said = {"key": films.key, "title": films.title, "words": films.words}
        return {**said, "n": len(films.films), "films": at}


def render_gallery(gallery: Gallery) -> str:
    """The page as html."""
    script, style = from_template("gallery.js"), from_template("gallery.css")
    return from_template(
        "gallery.html",
        gallery=gallery,
        patients=PATIENTS,
        others=(CANNOT_TELL, UNUSABLE),
        script=Markup(script),
        style=Markup(style),
        policy=(
            f"default-src 'none'; img-src data:; style-src 'sha256-{_hash(style)}'; script-src 'sha256-{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'"
        ),
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
