"""A zip archive to a folder, trusting nothing it says about itself.

An archive is refused whole when a member would land outside the folder, is a link, is encrypted, or when all would take more room than
`MAX_BYTES`, than the disk has, or than `MAX_RATIO` times the archive. One folder around everything is taken off.
"""

from __future__ import annotations

import shutil
import stat
import uuid
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from hilum.core.errors import InputError
from hilum.core.progress import progress

MAX_BYTES = 50 * 2**30
MAX_MEMBERS = 1_000_000
MAX_RATIO = 200  # deflate reaches 1032; films, which are compressed already, stay near 1
_RATIO_FROM_BYTES = 2**27  # small archives of text may compress well
_BLOCK_BYTES = 1 << 20


class DamagedArchive(InputError):
    """It is no zip, or it is damaged: another download may help."""


def unpack(archive: Path, folder: Path) -> int:
    """Unpack a zip into a folder that must not be there yet; returns the number of files.

    Raises:
        DamagedArchive: It is no zip, or it is damaged.
        InputError: The archive is refused, as the module says.
    """
    if folder.exists():
        raise InputError(f"{folder}: is there already; move it away, or give another --out")
    beside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with zipfile.ZipFile(archive) as z:
            members = _checked(z, archive)
            beside.mkdir(parents=True)
            _check_room(members, beside, archive)
            with progress(f"unpack {archive.name}", len(members), "files") as step:
                for member, place in members:
                    where = beside / place
                    where.parent.mkdir(parents=True, exist_ok=True)
                    with z.open(member) as source, where.open("xb") as out:
                        shutil.copyfileobj(source, out, _BLOCK_BYTES)
                    step()
        beside.rename(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, FileExistsError) as e:
        raise DamagedArchive(f"{archive}: not a zip archive that can be unpacked: {e}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return len(members)


def _checked(z: zipfile.ZipFile, archive: Path) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    infos = [i for i in z.infolist() if not i.is_dir()]
    if not infos:
        raise InputError(f"{archive}: the archive is empty")
    if len(infos) > MAX_MEMBERS:
        raise InputError(f"{archive}: the archive has {len(infos)} files; at most {MAX_MEMBERS} are unpacked")
    total = sum(i.file_size for i in infos)
    packed = archive.stat().st_size
    if total > MAX_BYTES or (total > _RATIO_FROM_BYTES and total > MAX_RATIO * packed):
        raise InputError(
            f"{archive}: its {packed / 2**20:.1f} MiB would unpack to {total / 2**30:.1f} GiB; "
            "it was not unpacked"
        )
    places = [_place(i, archive) for i in infos]
    if len({p.parts[0] for p in places}) == 1 and all(len(p.parts) > 1 for p in places):
        places = [PurePosixPath(*p.parts[1:]) for p in places]
    return list(zip(infos, places, strict=True))


def _place(info: zipfile.ZipInfo, archive: Path) -> PurePosixPath:
    name = info.filename
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or "\\" in name or ":" in place.parts[0] or "\0" in name:
        raise InputError(f"{archive}: member {name!r} would land outside the folder; nothing was unpacked")
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        raise InputError(f"{archive}: member {name!r} is a link or a device; nothing was unpacked")
    if info.flag_bits & 0x1:
        raise InputError(f"{archive}: member {name!r} is encrypted; nothing was unpacked")
    return place


def _check_room(members: list[tuple[zipfile.ZipInfo, PurePosixPath]], folder: Path, archive: Path) -> None:
    need, free = sum(i.file_size for i, _ in members), shutil.disk_usage(folder).free
    if need > free:
        raise InputError(
            f"{archive}: needs {need / 2**30:.1f} GiB, and the disk of {folder.parent} has "
            f"{free / 2**30:.1f} GiB left"
        )
