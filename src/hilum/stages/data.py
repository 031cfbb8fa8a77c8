"""Data: bring a known public set here, from its own place, with its licence and digest written beside it.

A set called NAME ends in ``DIR/NAME``, and what is known of it in ``DIR/NAME.json``. When a set cannot be fetched the error says how to get
it by hand and where to put it. A zip without a declared digest gets that of what arrived, and the record says that it was not checked.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hilum.artifacts.header import read_json, require_digest, write_json
from hilum.core.digests import sha256_file
from hilum.core.errors import DigestError, InputError, MissingExtraError
from hilum.core.progress import say
from hilum.core.text import counted
from hilum.report.table import plain_table
from hilum.sources.public.catalogue import PublicSet, public_set
from hilum.sources.public.download import Interrupted, download
from hilum.sources.public.unpack import DamagedArchive, unpack


@dataclass(frozen=True, slots=True)
class Fetched:
    """A set that is here: its folder, what is known of it (also in ``<folder>.json``), and whether it was here before."""

    folder: Path
    record: dict[str, Any]
    already: bool

    @property
    def words(self) -> str:
        """What came, whether it was checked, its licence, and whom to cite."""
        lines = [f"{self.folder}: {'is here already' if self.already else 'fetched'}"]
        if digest := self.record.get("archive_sha256"):
            checked = self.record.get("digest_was_checked")
            how = "as declared" if checked else "none was declared, so it was not checked"
            lines.append(f"sha256 of the zip: {digest} ({how})")
        return "\n".join([*lines, f"licence: {self.record['licence']}", f"cite: {self.record['citation']}"])


def sets_words(sets: Sequence[PublicSet]) -> str:
    """The public sets in plain text: a row each, and beneath it what is in each and whom to cite."""
    rows = [(s.name, s.size, s.licence, s.patient_ids, s.page) for s in sets]
    notes = [text for s in sets for text in (f"{s.name}: {s.title}; {s.films}", f"  cite: {s.citation}")]
    return plain_table(
        "sets", ("name", "size", "licence", "patient ids", "page"), rows, notes=notes
    ).to_text()


def fetch(
    name: str, out_dir: Path, *, url: str | None = None, sha256: str = "", keep_archive: bool = False
) -> Fetched:
    """Fetch a public set.

    Args:
        name: Of the set.
        out_dir: The set is put in a folder of its name in here.
        url: Address of a zip of the set, instead of its own place (a mirror).
        sha256: The digest the zip must have, where the set declares none.
        keep_archive: Keep the zip beside the folder.

    Raises:
        InputError: Unknown set; it cannot be fetched (and how to get it by hand); a folder is in the way.
        DigestError: What arrived is not the declared file.
        MissingExtraError: kagglehub is not installed.
    """
    wanted = public_set(name)
    folder, record_path = out_dir / name, out_dir / f"{name}.json"
    if folder.exists():
        if record_path.exists():
            return Fetched(folder, dict(read_json(record_path)), already=True)
        raise InputError(
            f"{folder}: is there already, and {record_path.name} beside it is not, so it may be incomplete; "
            "move it away, or use it as it is with `hilum ingest`"
        )
    address = url or wanted.archive
    digest: str | None
    if address:
        digest = _from_archive(wanted, address, folder, sha256 or wanted.sha256, keep_archive)
    elif sha256:
        raise InputError("--sha256 is the digest of a zip; it needs --url")
    else:
        _from_kaggle(wanted, folder)
        digest = None
    record = {
        "name": name,
        "title": wanted.title,
        "page": wanted.page,
        "fetched_from": address or f"kaggle:{wanted.kaggle}",
        "licence": wanted.licence,
        "citation": wanted.citation,
        "archive_sha256": digest,
        "digest_was_checked": bool(address and (sha256 or wanted.sha256)),
    }
    write_json(record_path, record)
    return Fetched(folder, record, already=False)


def _from_archive(wanted: PublicSet, url: str, folder: Path, sha256: str, keep: bool) -> str:
    archive = folder.with_name(f"{wanted.name}.zip")
    if archive.is_file():
        digest = sha256_file(archive)
        require_digest("sha256", sha256 or digest, digest, archive)
        say(f"{archive}: is here already")
    else:
        try:
            digest = download(url, archive, sha256)
        except (Interrupted, DigestError):
            raise
        except InputError as e:
            raise InputError(f"{e}\n{by_hand(wanted, folder)}") from None
    try:
        n_files = unpack(archive, folder)
    except DamagedArchive as e:
        archive.unlink()
        raise InputError(f"{e}; it was removed, try again") from None
    if not keep:
        archive.unlink()
    say(f"{wanted.name}: {counted(n_files, 'file')}; sha256 of the zip {digest}")
    return digest


def _from_kaggle(wanted: PublicSet, folder: Path) -> None:
    """Let kagglehub download into its own cache, then copy. Its own words go to stderr."""
    try:
        import kagglehub
    except ImportError:
        raise MissingExtraError("kagglehub", "data") from None
    try:
        with redirect_stdout(sys.stderr):
            cached = Path(kagglehub.dataset_download(wanted.kaggle))
    except Exception as e:  # kagglehub passes on whatever its HTTP library raises, of many kinds
        what = (str(e).strip().splitlines() or [type(e).__name__])[0]
        raise InputError(
            f"Kaggle did not give {wanted.kaggle!r}: {what}\n{by_hand(wanted, folder)}"
        ) from None
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        shutil.copytree(cached, beside, symlinks=False, copy_function=_link_or_copy)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _link_or_copy(source: str, target: str) -> None:
    """A second name for the cached file where the disk allows it, else a copy."""
    try:
        os.link(Path(source).resolve(), target)
    except OSError:
        shutil.copy2(source, target)


def by_hand(wanted: PublicSet, folder: Path) -> str:
    """How a set is got without hilum."""
    sign_in = " (sign in, then Download)" if wanted.kaggle else " (Code, then Download ZIP)"
    return (
        f"To get it by hand: download it ({wanted.size}) in a browser from {wanted.page}{sign_in}, "
        f"unpack the zip into {folder}, and go on with `hilum ingest {folder}`. Licence: {wanted.licence}"
    )
