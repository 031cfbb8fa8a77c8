"""`hilum.explain`, and heat maps with their checks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hilum.api.command import command_of
from hilum.api.view import AnyPath, Figures, FilmRows, Row, Table, Told, View, path_or_none, paths
from hilum.artifacts.explanations import EXPLANATIONS, read_maps
from hilum.artifacts.explanations import Explanations as Artefact
from hilum.artifacts.outputs import check_outputs, folder_output
from hilum.core.errors import require_known
from hilum.core.progress import quieted


class Explanations(View):
    """Heat maps of films (``explanations.json``): a row a map, with the verdict of its checks; a figure a film, by its image id."""

    page_name = "explanations.html"

    @cached_property
    def explanations(self) -> Artefact:
        """The artefact itself."""
        return Artefact.read(self.path)

    def rows(self) -> list[Row]:
        """A row a map: image_id, truth, method, target, verdict, seconds, and each check's number."""
        return [
            {"image_id": f.image_id, "truth": f.label, "method": m.method, "target": m.target, "verdict": m.verdict, "seconds": m.seconds}
            | {c.name: c.value for c in m.checks}
            for f, m in self.explanations.all_maps
        ]  # fmt: skip

    def films(self, *, method: str | None = None, passes: bool | None = None) -> FilmRows:
        """Films with a map of a method that passes its checks, or does not."""
        if method is not None:
            require_known(method, self.explanations.methods, "unknown method")
        of_method = (r for r in self.rows() if method in (None, r["method"]))
        rows = (r for r in of_method if passes in (None, r["verdict"] == "passes"))
        return FilmRows("Films with heat maps", rows)

    def maps(self, image_id: str) -> dict[str, NDArray[np.float32]]:
        """Method -> map of a film, float32 (height, width) of the prepared film, signed where the method is."""
        named = {f.image_id: f.name for f in self.explanations.films if f.maps}
        require_known(image_id, named, "no map of the film")
        return read_maps(self.path.parent, named[image_id])

    def told(self) -> Told:
        from hilum.report.explain_page import HOW_TO_READ

        return Told("Explanations", self.explanations.words, [HOW_TO_READ])

    def table(self) -> Table:
        """Checks by method; the maps where none were checked."""
        from hilum.report.explain_tables import passing_table

        return passing_table(self.explanations) or super().table()

    def drawn(self) -> Figures:
        from hilum.report.overlay import picture_path
        from hilum.report.style import as_figure

        named = {f.image_id: f.name for f in self.explanations.films if f.name}
        found = {i: picture_path(self.path.parent, name) for i, name in named.items()}
        return {i: partial(as_figure, picture) for i, picture in found.items() if picture.is_file()}


def explain(
    bundle: AnyPath,
    films: AnyPath | Sequence[AnyPath],
    *,
    method: Sequence[str] = (),
    target: str | None = None,
    check: Sequence[str] = (),
    seed: int = 0,
    boxes: AnyPath | None = None,
    lungs: str = "own",
    neighbours: int = 5,
    out: AnyPath = "explanations",
    pictures: bool = True,
    quiet: bool = False,
) -> Explanations:
    """Show where a model's answers come from, and check whether the maps can be believed, as `hilum explain` does.

    >>> found = hilum.explain("model", "films/covid/0.png", check=["completeness"], lungs="none", neighbours=0, quiet=True)
    >>> [(row["image_id"], row["method"]) for row in found.rows()], found.figures
    ([('0.png', 'grad-cam')], ('0.png',))
    >>> {method: (map.shape, str(map.dtype)) for method, map in found.maps("0.png").items()}
    {'grad-cam': ((32, 32), 'float32')}

    Args:
        bundle: The bundle's folder, or a `hilum.Model`.
        films: Films, folders of films, or manifests.
        method: Methods with their options, ``NAME[:OPTION=VALUE,...]``; none for Grad-CAM.
        target: The class that is explained; None for that of each film's highest probability.
        check: Checks to make of each map; none for all.
        seed: Of all that is drawn.
        boxes: A csv of what is on the films: the maps are held against it.
        lungs: Lungs for the checks: ``own``, ``network`` or ``none``.
        neighbours: Training films that are named for each film.
        out: Folder for maps, pictures and page.
        pictures: A picture a film; they hold the films.
        quiet: No progress.
    """
    command = command_of(explain, locals())
    model, named, folder = Path(bundle), paths(films), Path(out)
    page = folder_output(folder, "explanations", EXPLANATIONS, "explanations.html")
    check_outputs([page], [model, *named, *paths(boxes)])
    from hilum.models.machine import made_ready  # late: torch
    from hilum.stages.explain import explain_films
    from hilum.stages.explain.asked import LUNGS_FROM, USUAL, Asked, LungsFrom
    from hilum.study.explanations import CHECKS

    require_known(lungs, LUNGS_FROM, "--lungs: unknown choice")
    methods, checks, of = tuple(method) or USUAL, tuple(check) or tuple(CHECKS), cast(LungsFrom, lungs)
    with quieted(quiet):
        asked = Asked(methods, target or "", checks, path_or_none(boxes), of, seed, neighbours, pictures)
        explain_films(model, named, folder, asked, made_ready(), command)
    return Explanations(folder / EXPLANATIONS)
