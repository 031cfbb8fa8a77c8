"""From an opened film to the DICOM objects that answer it, for the node and for ``hilum predict --sr``.

Only `Reader` says what is said of a film and only `Mapper` draws maps, so that the node, the service and the commands agree. A film that
cannot be read has a report that says so. A film that is not a frontal chest film has no heat map, which would say where something is;
one that is unlike the training films has one, with the words that it abstained.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from hilum.core.errors import FilmError
from hilum.explain.mapped import FAITHFUL, MappedFilm, Mapper
from hilum.imaging.film import DecodedFilm
from hilum.imaging.quiet import quietly
from hilum.inference.engines import EngineName
from hilum.inference.opened import Opened
from hilum.inference.reader import Reader, Reading
from hilum.node.heat_map import heat_map
from hilum.node.highest import highest_part, segmentation
from hilum.node.made import Made
from hilum.node.report import Asked, may_be_asked, report
from hilum.node.source import Source
from hilum.study.several_findings import ONE_FINDING, require_one_class

NO_MAP: Final = "none"


class Answering:
    """A bundle that answers with DICOM objects.

    Args:
        bundle: Its folder.
        engine: What computes its network.
        device: ``cpu`` or ``cuda``.
        heat_map: Method of the map, or ``none``.
        segmentation: Also make a segmentation of the map's highest part.
        kept: Folder where graphs of ONNX are kept from one start to the next.

    Raises:
        InputError, DigestError, UnsafeError: As `Reader`.

    Attributes:
        opener: What opens films for it, in whatever process; with their pixels where a map is made of them.
    """

    def __init__(
        self,
        bundle: Path,
        engine: EngineName = "torch",
        device: str = "cpu",
        heat_map: str = NO_MAP,
        segmentation: bool = False,
        kept: Path | None = None,
    ) -> None:
        self.reader = Reader(bundle, engine, device, kept)
        require_one_class(self.reader.bundle.task, f"{bundle}: a DICOM report", ONE_FINDING)
        self.method, self.segmentation = heat_map, segmentation
        self.mapper = None if heat_map == NO_MAP else Mapper(bundle, device)
        self.opener = replace(self.reader.opener, pixels=self.reader.opener.pixels or self.mapper is not None)

    @property
    def version(self) -> str:
        """The bundle's digest."""
        return self.reader.version

    def objects(
        self, film: Opened, source: Source, when: datetime, read: Callable[[Reading], None] | None = None
    ) -> list[Made]:
        """The objects that answer a film, its report first.

        Args:
            film: As `opener` opened it, or why it could not be.
            source: Its header.
            when: When it came, which is the date of the objects.
            read: Told what was read, before maps are made.
        """
        reading = self.reader.answers([film])[0]
        if read is not None:
            read(reading)
        asked = Asked(
            source, reading.answer, self.reader.bundle, self.version, self.reader.engine.words, when
        )
        mapped, why_none = self._mapped(reading)
        with quietly():  # of what the film's own header has
            pictures = []
            if mapped is not None:
                pictures.append(("heat-map", heat_map(asked, mapped)))
                why_none = _map_words(mapped)
                if self.segmentation:
                    pictures.append(("segmentation", self._segmentation(asked, film, mapped)))
            made = report(asked, [p for _, p in pictures], [why_none] if why_none else [])
            return [_made("report", made), *(_made(kind, p) for kind, p in pictures)]

    def _segmentation(self, asked: Asked, film: Opened, mapped: MappedFilm) -> Any:
        seeing = self.mapper.seeing if self.mapper is not None else None
        pixels = film.pixels
        assert seeing is not None
        assert pixels is not None
        lungs = seeing.own.usable(pixels) if seeing.own is not None else None
        height, width = pixels.shape
        steps = seeing.pipeline.draw(0, "", 0, "test", height, width, lungs)
        return segmentation(asked, highest_part(mapped, seeing.pipeline, steps, pixels.shape))

    def _mapped(self, reading: Reading) -> tuple[MappedFilm | None, str]:
        answer, film = reading.answer, reading.opened
        if self.mapper is None or answer.error:
            return None, ""
        if not may_be_asked(answer):
            return None, "No heat map was made, since this is no film that the model can be asked about."
        assert film.pixels is not None
        decoded = DecodedFilm(film.pixels, film.format, "", film.facts)
        try:
            return self.mapper.map(decoded, self.method, answer.most_likely, FAITHFUL), ""
        except FilmError as e:
            return None, f"No heat map could be made: {e.reason}."


def _map_words(mapped: MappedFilm) -> str:
    of = mapped.of
    return f"Heat map by {of.method} for {of.target}; its checks: {of.verdict}. It shows what the model used, not where disease is."


def _made(kind: str, made: Any) -> Made:
    out = io.BytesIO()
    made.save_as(out, enforce_file_format=True)
    return Made(kind, str(made.SOPClassUID), str(made.SOPInstanceUID), out.getvalue())
