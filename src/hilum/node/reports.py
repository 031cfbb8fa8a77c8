"""Reports of DICOM films in a folder, without a network: what ``hilum predict --sr`` writes, by the code that the node answers with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hilum.core.errors import FilmError
from hilum.core.files import write_bytes
from hilum.core.text import counted
from hilum.node.answering import Answering
from hilum.node.config import LimitsTable
from hilum.node.opening import Opening
from hilum.node.source import read_source, refusal
from hilum.sources.named_films import named_films


@dataclass(frozen=True)
class Reports:
    """What was written.

    Attributes:
        paths: One report a film that has one, in the order of the films.
        left: Film -> why it has none.
    """

    paths: tuple[Path, ...]
    left: dict[str, str]

    @property
    def words(self) -> list[str]:
        """A line each: the films without a report, and how many have one."""
        n = len(self.paths) + len(self.left)
        lines = [f"no report of {name}: {why}" for name, why in self.left.items()]
        return [*lines, f"{counted(len(self.paths), 'report')} of {counted(n, 'film')}"]


def write_reports(bundle: Path, films: Sequence[Path], out: Path, device: str = "cpu") -> Reports:
    """Write the report of each DICOM film as ``UID.dcm``, by the report's own SOP Instance UID.

    Args:
        bundle: What answers.
        films: Films, folders of films, or manifests.
        out: The folder.
        device: ``cpu`` or ``cuda``.

    Raises:
        InputError, DigestError, UnsafeError: As `hilum.inference.reader.Reader`; or there is no film.
    """
    rows = named_films(films).rows
    answering = Answering(bundle, device=device)
    opening = Opening(answering.opener, LimitsTable(megapixels=100, film_megabytes=4096))
    paths: list[Path] = []
    left: dict[str, str] = {}
    for row in rows:
        path = Path(row.path)
        if not _is_dicom(path):
            left[row.image_id] = "no DICOM file"
            continue
        try:
            source = read_source(path)
        except FilmError as e:
            left[row.image_id] = str(e)
            continue
        if (refused := refusal(source)) is not None:
            left[row.image_id] = refused.words
            continue
        made = answering.objects(opening(path.read_bytes()), source, datetime.now())[0]
        write_bytes(out / f"{made.sop_uid}.dcm", made.data)
        paths.append(out / f"{made.sop_uid}.dcm")
    opening.close()
    return Reports(tuple(paths), left)


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as f:
        head = f.read(132)
    return head[128:] == b"DICM" or path.suffix.lower() in (".dcm", ".dicom")
