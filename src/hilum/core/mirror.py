"""A workspace that is elsewhere has a mirror here: a local folder that all of hilum reads and writes, and an address that it follows.

Convention: the address is the truth. A file that is written below the mirror is at the address before it has its name here
(`hilum.core.files.writing` asks `kept` for that), and what another machine wrote is brought when somebody asks for it (`at_hand`,
`brought`). A file that is named by a digest is created there, and where another machine was first, its file is taken: such content never
changes. Any other file is replaced. Large arrays and films are brought when they are opened and leave again, the longest unused first,
where the mirror's bound is exceeded; all else comes with its folder and stays (`hilum.core.mirrored_names` says which is which).

A folder that is whole or not there (`kept_folder`) has the mark `UNFINISHED` at the address until all of it is there: put first, taken
away last; a reader takes a folder with the mark for none. What stands in `HERE_ONLY` stays here.

Nothing changes anywhere where no mirror is in force. One is in force for a process and all that it starts, by a variable of the
environment. Locks (`hilum.core.files.lock`) are between the processes of one machine: each machine has its own mirror. Between machines
equal names have equal content, and the first create wins.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from hilum.core.address import MARK, Address, Entry
from hilum.core.ledger import Ledger, Noted
from hilum.core.mirrored_names import HERE_ONLY, is_large, is_named_by_digest
from hilum.core.parts import in_part, part_beside

UNFINISHED = ".unfinished"
IN_USE_S = 60.0
"""A file that was asked for so lately stays, whatever the bound."""
_AT_ONCE = 16
_LEDGER = ".mirror.sqlite"
_IN_FORCE = "HILUM_MIRRORS"


@dataclass(frozen=True)
class Mirror:
    """A local folder that follows an address.

    Attributes:
        root: The folder, without links in its path.
        url: The address.
        bound_bytes: Of all large files here; what was asked for within `IN_USE_S` may go beyond it.
    """

    root: Path
    url: str
    bound_bytes: int

    def name_of(self, path: Path) -> str | None:
        """What a path is called at the address; None for what stays here, or lies elsewhere."""
        place = Path(os.path.abspath(path))  # noqa: PTH100 (links stay as they are)
        if not place.is_relative_to(self.root):
            return None
        parts = place.relative_to(self.root).parts
        return None if in_part(parts) or (parts and parts[0] in HERE_ONLY) else "/".join(parts)

    @property
    def at(self) -> Address:
        """The address."""
        return _address(self.url)

    @cached_property
    def ledger(self) -> Ledger:
        """What is known of the files here."""
        self.root.mkdir(parents=True, exist_ok=True)
        return Ledger(self.root / _LEDGER)

    def keep(self, part: Path, name: str, once: bool) -> None:
        """Put a finished file at the address; where it may be put `once` only and another machine was first, `part` becomes that one's."""
        try:
            version = self.at.put(part, name, create=once)
        except FileExistsError:
            entry = self.at.entry(name)
            self.at.get(name, part)
            version = entry.version if entry else ""
        self.note(name, version, part)
        self.make_room(0)

    def note(self, name: str, version: str, here: Path) -> None:
        """Note that a file here is what the address has."""
        self.ledger.note(name, version, here, is_large(name, here.stat().st_size))

    def bring(self, name: str, entry: Entry) -> None:
        """Bring a file here, whole or not at all. One that is here with the same bytes stays as it is."""
        path = self.root / name
        if is_large(name, entry.size):
            self.make_room(entry.size)
        part = part_beside(path)
        try:
            self.at.get(name, part)
            if not _same(part, path):
                part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        self.note(name, entry.version, path)

    def bring_folders(self, folders: Sequence[str], large: bool, below: bool) -> None:
        """Make folders here what they are at the address; of files that are not here, large ones only where `large`."""
        began = time.time()
        with ThreadPoolExecutor(_AT_ONCE) as several:
            wanted: dict[str, Entry] = {}
            for folder, there in zip(
                folders, several.map(lambda f: self.at.listing(f, below), folders), strict=True
            ):
                wanted |= self._changed(folder, there, began, large, below)
            for _ in several.map(lambda n: self.bring(n, wanted[n]), wanted):
                pass

    def _changed(
        self, folder: str, there: dict[str, Entry], began: float, large: bool, below: bool
    ) -> dict[str, Entry]:
        """What of a folder is to be brought; what has gone at the address, or is large and another now, is taken away here."""
        unfinished = tuple(n.removesuffix(UNFINISHED) for n in there if n.endswith(f"/{UNFINISHED}"))
        whole = {
            n: e for n, e in there.items() if not n.startswith(unfinished) and n not in (MARK, UNFINISHED)
        }
        noted = self.ledger.below(folder)
        if below:
            self._take_away(n for n, was in noted.items() if n not in there and was.noted < began)
        wanted = {}
        for name, entry in whole.items():
            if not self.is_fresh(name, entry, noted.get(name)):
                if large or not is_large(name, entry.size):
                    wanted[name] = entry
                else:
                    self._take_away([name])
        return wanted

    def is_fresh(self, name: str, entry: Entry, was: Noted | None) -> bool:
        try:
            stat = (self.root / name).stat()
        except OSError:
            return False
        here = was is not None and (stat.st_size, stat.st_mtime_ns) == (was.size, was.changed)
        return here and was is not None and (was.version, was.size) == (entry.version, entry.size)

    def _take_away(self, names: Iterable[str]) -> None:
        gone = list(names)
        for name in gone:
            (self.root / name).unlink(missing_ok=True)
        self.ledger.forget(gone)

    def empty(self) -> None:
        """Take away what a workspace left here that is no more at the address."""
        self._take_away(self.ledger.below(""))

    def make_room(self, size: int) -> None:
        """Take away large files that are at the address, the longest unused first, until so many bytes more are within the bound."""
        held = self.ledger.large_bytes() + size
        if held <= self.bound_bytes:
            return
        for name, of_file in self.ledger.unused(time.time() - IN_USE_S):
            if held <= self.bound_bytes:
                break
            self._take_away([name])
            held -= of_file


@cache
def _address(url: str) -> Address:
    return Address(url)


@cache
def _mirrors(text: str) -> tuple[Mirror, ...]:
    return tuple(Mirror(Path(root), url, bound) for root, url, bound in json.loads(text))


def in_force() -> tuple[Mirror, ...]:
    """The mirrors that this process follows."""
    text = os.environ.get(_IN_FORCE)
    return _mirrors(text) if text else ()


@contextmanager
def mirrored(mirror: Mirror) -> Iterator[Mirror]:
    """Within the block the mirror is in force, here and in every process that is started."""
    before = os.environ.get(_IN_FORCE)
    every = [mirror, *(m for m in in_force() if m.root != mirror.root)]
    os.environ[_IN_FORCE] = json.dumps([[str(m.root), m.url, m.bound_bytes] for m in every])
    try:
        yield mirror
    finally:
        if before is None:
            del os.environ[_IN_FORCE]
        else:
            os.environ[_IN_FORCE] = before


def mirror_of(path: Path) -> tuple[Mirror, str] | None:
    """The mirror that a path lies in, and what it is called at the address; None for a path that has none."""
    for mirror in in_force():
        name = mirror.name_of(path)
        if name is not None:
            return mirror, name
    return None


def at_hand(path: Path, fresh: bool = False) -> Path:
    """A file, brought here where it is at the address only; where it is nowhere the path is given all the same.

    Args:
        path: The file.
        fresh: Look whether another machine has changed it since; for what is named by a digest that cannot be.
    """
    found = mirror_of(path)
    if found is None:
        return path
    mirror, name = found
    if path.is_file() and not fresh:
        if is_large(name, path.stat().st_size):
            mirror.ledger.used(name)
        return path
    entry = mirror.at.entry(name)
    if entry is not None and not (path.is_file() and mirror.is_fresh(name, entry, mirror.ledger.noted(name))):
        mirror.bring(name, entry)
    return path


def brought(*folders: Path, large: bool = False, below: bool = True) -> None:
    """Make folders here what they are at their address now; of large files only those that are here already, or all.

    Args:
        folders: Folders; those that no mirror has are left as they are.
        large: Bring large files too.
        below: Also everything in the folders within.
    """
    by_mirror: dict[Mirror, list[str]] = {}
    for folder in folders:
        found = mirror_of(folder)
        if found is not None:
            by_mirror.setdefault(found[0], []).append(found[1])
    for mirror, names in by_mirror.items():
        mirror.bring_folders(names, large, below)


def kept(part: Path, path: Path) -> None:
    """Put a finished file at its address before it is renamed to its place; see the module."""
    found = mirror_of(path)
    if found is not None:
        mirror, name = found
        mirror.keep(part, name, once=is_named_by_digest(name) and not path.exists())


def kept_folder(part: Path, path: Path) -> None:
    """Put a finished folder at its address before it is renamed to its place; where another machine has it already, `part` is made that.

    A kill in between leaves the mark, and so no folder there.
    """
    found = mirror_of(path)
    if found is None or path.exists():
        return
    mirror, name = found
    there = mirror.at.listing(name)
    mark = f"{name}/{UNFINISHED}"
    if there and mark not in there:
        shutil.rmtree(part)
        for n, entry in there.items():
            mirror.at.get(n, to := part / n.removeprefix(f"{name}/"))
            mirror.note(n, entry.version, to)
        return
    mirror.at.put_bytes(b"", mark)
    for file in sorted(p for p in part.rglob("*") if p.is_file()):
        n = f"{name}/{file.relative_to(part).as_posix()}"
        mirror.note(n, mirror.at.put(file, n, create=False), file)
    mirror.at.remove(mark)


def removed(path: Path) -> None:
    """Take a file away, here and at its address."""
    path.unlink(missing_ok=True)
    found = mirror_of(path)
    if found is not None:
        mirror, name = found
        mirror.at.remove(name)
        mirror.ledger.forget([name])


def _same(part: Path, path: Path) -> bool:
    """Whether two files have equal bytes."""
    try:
        return part.stat().st_size == path.stat().st_size and part.read_bytes() == path.read_bytes()
    except OSError:
        return False
