"""What lies in a folder of films: every file once, sorted, with what is a film by name or first bytes. Nothing is decoded here.

Every command that takes a folder lists it here. Paths are relative to the layout's root, parts joined by "/". Hidden files and folders
(macOS' ``._x.png`` twins among them) and those that systems make for themselves are named but not looked into; links are followed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from hilum.core.errors import InputError
from hilum.imaging.decode import is_film_name, sniff
from hilum.sources.masks import NO_FILM, pair_masks

_SNIFF_BYTES = 256
NOT_A_FILM = "not a film file"
LUNG_MASK = "lung mask"
_NO_FILM_ENDINGS = frozenset({".csv", ".txt", ".json", ".md", ".xlsx", ".zip", ".py", ".html"})
_TABLE_ENDINGS = (".csv", ".tsv", ".txt", ".json", ".gz")
_OF_SYSTEMS = {  # lower case -> what it is
    "__macosx": "macOS' notes in an archive",
    "@eadir": "a Synology station's thumbnails",
    "$recycle.bin": "Windows' waste bin",
    "system volume information": "Windows' own",
    "lost+found": "the file system's own",
    "thumbs.db": "Windows' thumbnails",
    "ehthumbs.db": "Windows' thumbnails",
    "desktop.ini": "Windows' own",
    "dicomdir": "the index of a DICOM medium",
}


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in a folder that cannot be a film: its path below the source's folder, a short stable word, one sentence."""

    path: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Tree:
    """The files of a source, seen from the root of its layout.

    Attributes:
        folder: The source's folder as given.
        prefix: From `folder` to the layout's root: empty, or parts that end with "/".
        files: Regular files, relative to `folder`, sorted.
        oddities: What is no regular file.
        looked_at: File -> whether it is a film; shared by the trees of a folder, so that each file is opened once.
    """

    folder: Path
    prefix: str
    files: tuple[str, ...]
    oddities: tuple[Oddity, ...]
    looked_at: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    @property
    def root(self) -> Path:
        """The layout's root."""
        return self.folder / self.prefix

    @cached_property
    def films(self) -> tuple[str, ...]:
        """Films below the layout's root, relative to it: by ending, or by first bytes."""
        n = len(self.prefix)
        return tuple(f[n:] for f in self.files if f.startswith(self.prefix) and self._is_film(f))

    @cached_property
    def others(self) -> tuple[str, ...]:
        """Files that are no films, relative to `folder`."""
        return tuple(f for f in self.files if not self._is_film(f))

    def _is_film(self, file: str) -> bool:
        if file not in self.looked_at:
            self.looked_at[file] = is_film(self.folder / file)
        return self.looked_at[file]

    @cached_property
    def film_folders(self) -> tuple[str, ...]:
        """Names of the folders right below the root that hold films, at any depth."""
        return tuple(sorted({f.split("/", 1)[0] for f in self.films if "/" in f}))

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """Files below the layout's root that are tables or lists by their ending, relative to it."""
        n = len(self.prefix)
        return tuple(
            f[n:] for f in self.files if f.startswith(self.prefix) and f.lower().endswith(_TABLE_ENDINGS)
        )

    def beside(self) -> tuple[str, ...]:
        """Names of the files that lie in the layout's root itself."""
        n = len(self.prefix)
        return tuple(f[n:] for f in self.files if f.startswith(self.prefix) and "/" not in f[n:])

    def path(self, relative: str) -> Path:
        """The full path of a file that is named relative to the root."""
        return self.root / relative

    def shown(self, relative: str) -> str:
        """A file of the layout as a table calls it: relative to the source's folder."""
        return self.prefix + relative

    def descents(self) -> Iterator[Tree]:
        """This tree, then its only folder, then that one's: archives often wrap a set in a folder or two."""
        tree = self
        yield tree
        while len(tree.film_folders) == 1 and all("/" in f for f in tree.films):
            tree = replace(tree, prefix=f"{tree.prefix}{tree.film_folders[0]}/")
            yield tree


def walk(folder: Path, leave_out: Collection[Path] = ()) -> Tree:
    """List a source's folder. `leave_out` are resolved paths that are not part of it, such as the manifest being written.

    Raises:
        InputError: No such folder, or it cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; a SOURCE is a folder of films or a csv that names them")
    found = list(_walk(folder, "", (), leave_out))
    files = sorted(x for x in found if isinstance(x, str))
    oddities = sorted((x for x in found if not isinstance(x, str)), key=lambda o: o.path)
    return Tree(folder, "", tuple(files), tuple(oddities))


def _walk(
    folder: Path, prefix: str, above: tuple[tuple[int, int], ...], leave_out: Collection[Path]
) -> Iterator[str | Oddity]:
    """Every regular file, by its path below the source's folder, and an oddity for everything else."""
    try:
        stat = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda e: e.name)
    except OSError as e:
        if not prefix:
            raise InputError(f"{folder}: cannot be listed: {e.strerror}") from None
        yield Oddity(prefix, "unreadable", f"the folder cannot be listed: {e.strerror}")
        return
    here = (stat.st_dev, stat.st_ino)
    if here in above:
        yield Oddity(prefix, "folder loop", "a link leads back to a folder above it")
        return
    for entry in entries:
        relative = prefix + entry.name
        is_folder = _leads_to(entry.is_dir)
        if not relative.isprintable() and not _is_utf8(relative):
            name = relative.encode("utf-8", "backslashreplace").decode()
            yield Oddity(name, "file name", "the name is not UTF-8; rename it")
        elif why := _passed_over(entry.name, is_folder):
            yield Oddity(relative + "/" * is_folder, NOT_A_FILM, why)
        elif is_folder:
            yield from _walk(folder / entry.name, relative + "/", (*above, here), leave_out)
        elif _leads_to(entry.is_file):
            if not leave_out or (folder / entry.name).resolve() not in leave_out:
                yield relative
        elif entry.is_symlink():
            yield Oddity(relative, "no such file", "a link that leads to no file")
        else:
            yield Oddity(relative, NOT_A_FILM, "not a regular file")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _leads_to(asked: Callable[[], bool]) -> bool:
    """Whether an entry is a file, or a folder, as `asked` says; one that cannot be followed, such as a link to itself, is neither."""
    try:
        return asked()
    except OSError:
        return False


def _passed_over(name: str, is_folder: bool) -> str:
    """Why something is not looked into by its name, or an empty text."""
    if whose := _OF_SYSTEMS.get(name.lower()):
        return f"{whose}, not looked into"
    if name.startswith("._"):
        return "macOS' notes on the file of that name (AppleDouble), not looked into"
    return f"a hidden {'folder' if is_folder else 'file'}, not looked into" if name.startswith(".") else ""


def is_film(path: Path) -> bool:
    """Whether a file is a film by its ending or its first bytes."""
    if is_film_name(path):
        return True
    if path.suffix.lower() in _NO_FILM_ENDINGS:
        return False
    try:
        with path.open("rb") as f:  # DICOM files often have no ending, or a number as one
            return sniff(f.read(_SNIFF_BYTES)) is not None
    except OSError:
        return False


def films_in(folder: Path) -> tuple[tuple[str, ...], list[Oddity]]:
    """The films of a folder as an ingest would list them, relative to it, sorted; and what is left out: masks, and what is no film.

    Raises:
        InputError: No such folder, or it cannot be read.
    """
    tree = walk(folder)
    films, paired, lone = pair_masks(tree.films)
    masks = [Oddity(m, LUNG_MASK, "of a film of its name") for m in paired.values()]
    masks += [Oddity(m, LUNG_MASK, NO_FILM) for m in lone]
    others = [Oddity(f, NOT_A_FILM, ending_of(f)) for f in tree.others]
    return films, sorted([*masks, *others, *tree.oddities], key=lambda o: o.path)


def ending_of(file: str) -> str:
    """The ending of a file, in the words of the table of what was left out."""
    return f"ending {Path(file).suffix!r}"


def stem_of(film: str) -> str:
    """The name of a film without its folders and its ending."""
    return film.rsplit("/", 1)[-1].rsplit(".", 1)[0]
