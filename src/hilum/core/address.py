"""A folder at an fsspec address (``s3://bucket/folder``, ``gs://``, ``file://``): its files put, listed and read, whole or in ranges.

A put is whole or not there, and one of content that must never change is an exclusive create: S3's conditional PUT ``If-None-Match: *``
(s3fs: ``put_file(..., mode="create")``, https://github.com/fsspec/s3fs/pull/974; gcsfs since 2024.12, its change log), a hard link in a
folder. Nothing is ever renamed: s3fs's ``mv`` is a copy and a delete (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
has what S3 promises). `require` tries it out, since not every store that speaks S3 knows the condition.

Who may read and write is settled outside (the cloud's own files and variables); nothing of it is in a message.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from hilum.core.errors import HilumError, InputError
from hilum.core.extras import require_extra

_FORM = re.compile(r"([a-z][a-z0-9+]+):/+(.*)", re.DOTALL)
_PACKAGE = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}
MARK = ".hilum-workspace"
"""The file that a workspace at an address has; what is tried out is put there."""
_ONE_PART_BYTES = 2**26
"""Below it S3 has a file in one part, and its ETag is the MD5 of it, but where the store encrypts with a key of its own."""
_UNSEEN = ("NoCredentials", "PartialCredentials", "DefaultCredentials", "TokenRetrieval", "UnauthorizedSSO")
_UNREACHED = ("EndpointConnection", "ConnectTimeout", "ReadTimeout", "ConnectionClosed", "ClientConnector", "ConnectionError",
              "Timeout", "HTTPClient", "InvalidProxy", "SSLError")  # fmt: skip


class Entry(NamedTuple):
    """A file at an address: its size, and what changes when its content does."""

    size: int
    version: str


def address_in(text: str | os.PathLike[str]) -> str | None:
    """The address that a text is, also where `Path` took one of its slashes; None for a path.

    >>> address_in("s3://bucket/ws"), address_in(Path("s3://bucket/ws/")), address_in("some/folder"), address_in("file:///srv/ws")
    ('s3://bucket/ws', 's3://bucket/ws', None, 'file:///srv/ws')
    """
    found = _FORM.fullmatch(os.fspath(text))
    if found is None:
        return None
    scheme, rest = found[1], found[2].rstrip("/")
    return f"{scheme}:///{rest}" if scheme == "file" else f"{scheme}://{rest}"


class Address:
    """A folder at an address. It travels to another process as the address alone.

    Args:
        url: The address.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def __reduce__(self) -> tuple[type[Address], tuple[str]]:
        return Address, (self.url,)

    @cached_property
    def _fs(self) -> Any:
        """The file system, which keeps no listing: others write too."""
        scheme, rest = self.url.split("://", 1)
        if "@" in rest.split("/")[0]:
            raise InputError(
                f"{scheme}://...: an address holds no user and no password; give them where your cloud's tools look for them"
            )
        if not rest.strip("/"):
            raise InputError(f"{self.url}: expected an address with a bucket, such as s3://bucket/folder")
        require_extra("remote", "fsspec")
        import fsspec

        if scheme in ("gs", "gcs"):
            _require_gcsfs()
        elif scheme in _PACKAGE:
            require_extra("remote", _PACKAGE[scheme])
        try:
            return fsspec.filesystem(scheme, skip_instance_cache=scheme != "memory", use_listings_cache=False)
        except (ValueError, ImportError):
            raise InputError(
                f"{self.url}: addresses that begin with {scheme}:// are not known; expected one such as s3://bucket/folder"
            ) from None

    @cached_property
    def _base(self) -> str:
        return str(self._fs._strip_protocol(self.url)).rstrip("/")

    @property
    def _is_folder(self) -> bool:
        return self.url.startswith(("file:", "local:"))

    def _at(self, name: str) -> str:
        return f"{self._base}/{name}" if name else self._base

    def require(self) -> bool:
        """Find out, before any work, that the address can be read and written, and that it refuses a second create of one name.

        Returns:
            Whether no workspace was there before.

        Raises:
            InputError: It cannot, or does not.
        """
        with self._said():
            probe = self._at(MARK)
            for is_new in (False, True):
                try:
                    self._create(b'{"hilum": "workspace"}\n', probe)
                except FileExistsError:
                    return is_new
        raise InputError(
            f"{self.url}: this store replaces a file that may only be created once (it does not know If-None-Match: *), so two "
            "machines could spoil each other's work; use a store that knows it, as S3, GCS, MinIO or a shared folder"
        )

    def is_workspace(self) -> bool:
        """Whether a workspace of hilum's is there."""
        with self._said():
            return bool(self._fs.exists(self._at(MARK)))

    def _create(self, data: bytes, to: str) -> None:
        if self._is_folder:
            Path(to).parent.mkdir(parents=True, exist_ok=True)
            beside = Path(f"{to}.{uuid4().hex[:8]}.part")
            beside.write_bytes(data)
            _placed(beside, Path(to), create=True)
        else:
            self._fs.pipe_file(to, data, mode="create")

    def put(self, path: Path, name: str, create: bool) -> str:
        """Put a file, whole or not at all.

        Args:
            path: What is put.
            name: Below the address.
            create: Only where nothing has the name yet; else what has it is replaced.

        Returns:
            Its version there.

        Raises:
            FileExistsError: `create`, and there is such a file.
            InputError: It cannot be put.
        """
        to = self._at(name)
        with self._said(name):
            if self._is_folder:
                Path(to).parent.mkdir(parents=True, exist_ok=True)
                beside = Path(f"{to}.{uuid4().hex[:8]}.part")
                self._fs.put_file(str(path), str(beside))
                _placed(beside, Path(to), create=create)
            else:
                self._fs.put_file(str(path), to, mode="create" if create else "overwrite")
            if self.url.startswith(("s3:", "s3a:")) and path.stat().st_size < _ONE_PART_BYTES:
                return f'"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}"'
            return _entry(self._fs.info(to)).version

    def put_bytes(self, data: bytes, name: str) -> None:
        """Put a small file in place of whatever is there."""
        with self._said(name):
            if self._is_folder:
                Path(self._at(name)).parent.mkdir(parents=True, exist_ok=True)
            self._fs.pipe_file(self._at(name), data)

    def get(self, name: str, to: Path) -> None:
        """Bring a file to a place here, which need not be empty.

        Raises:
            InputError: It cannot be read, or is not there.
        """
        with self._said(name):
            to.parent.mkdir(parents=True, exist_ok=True)
            self._fs.get_file(self._at(name), str(to))

    def ranges(self, name: str, which: Sequence[tuple[int, int]]) -> list[bytes]:
        """Bytes of a file from the first of each pair to before the second, one request each, several at a time."""
        with self._said(name):
            path = self._at(name)
            found = self._fs.cat_ranges([path] * len(which), [a for a, _ in which], [b for _, b in which])
            return [bytes(part) for part in found]

    def entry(self, name: str) -> Entry | None:
        """What is said of a file; None where there is none."""
        with self._said(name):
            try:
                info = self._fs.info(self._at(name))
            except FileNotFoundError:
                return None
            return _entry(info) if info.get("type") == "file" else None

    def listing(self, folder: str, below: bool = True) -> dict[str, Entry]:
        """Every whole file below a folder by its name below the address, or only those right in it."""
        with self._said(folder):
            depth = None if below else 1
            found = self._fs.find(self._at(folder), detail=True, maxdepth=depth)
        start = len(self._base) + 1
        return {
            path[start:]: _entry(info)
            for path, info in found.items()
            if not path.endswith(".part") and path[start:] != folder
        }

    def remove(self, name: str) -> None:
        """Take a file away; one that is not there is no error."""
        with self._said(name), suppress(FileNotFoundError):
            self._fs.rm_file(self._at(name))

    @contextmanager
    def _said(self, name: str = "") -> Iterator[None]:
        """Say what a store's own error means to the user.

        Raises:
            FileExistsError: As it is, for who creates.
            InputError: Anything else.
        """
        try:
            yield
        except (HilumError, FileExistsError):
            raise
        except Exception as e:
            if isinstance(e, OSError) and e.errno in (errno.ENOSPC, errno.EDQUOT):
                raise  # of the disk here
            where = f"{self.url}/{name}" if name else self.url
            raise InputError(f"{where}: {_why(e)}") from e


def _placed(beside: Path, to: Path, *, create: bool) -> None:
    """Give a whole file its name in a folder that several machines share; a link is refused where the name is taken."""
    try:
        if create:
            os.link(beside, to)
        else:
            beside.replace(to)
    finally:
        beside.unlink(missing_ok=True)


def _entry(info: dict[str, Any]) -> Entry:
    found: Any = next((info[k] for k in ("ETag", "etag", "mtime", "created") if info.get(k)), "")
    # a listing and a question for one file may say the same time in two ways
    return Entry(int(info.get("size") or 0), str(found.timestamp() if isinstance(found, datetime) else found))


def _why(error: Exception) -> str:
    """An error in words: nothing of what the store said, which may name keys."""
    kind = type(error).__name__
    if kind.startswith(_UNSEEN):
        return (
            "no credentials were found; give them where your cloud's tools look for them (for S3 AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or ~/.aws)"
        )
    if isinstance(error, PermissionError):
        return "access is refused; the credentials in force may not read, list or write here"
    if isinstance(error, FileNotFoundError):
        return "there is no such bucket or file; make the bucket first, or mend the address"
    if kind.startswith(_UNREACHED) or isinstance(error, ConnectionError | TimeoutError):
        return (
            "cannot be reached; look at the network, and at AWS_ENDPOINT_URL where the store is not Amazon's"
        )
    return f"the store answered with an error ({kind}); nothing half-written is there, and the same command goes on"


def _require_gcsfs() -> None:
    from importlib.util import find_spec

    if find_spec("gcsfs") is None:
        raise InputError(
            "addresses that begin with gs:// need the package 'gcsfs'; install it with: pip install gcsfs"
        )
