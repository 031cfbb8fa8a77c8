"""The header of an artefact: what kind it is, what it was made from, with which options and seed.

A JSON artefact holds its header under the key ``header``. A csv artefact has it in a file beside it
(``manifest.csv`` -> ``manifest.header.json``), with the digest of the csv, so that an edited or bare csv is noticed:
its provenance is then ``edited`` or ``unknown``, and whoever shows it says so. Headers hold no clock time: equal
inputs give equal bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path
from textwrap import shorten
from typing import Any, ClassVar, Literal, Self, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from hilum import __version__
from hilum.artifacts.json_parts import json_parts, members
from hilum.core.digests import sha256_file
from hilum.core.errors import DigestError, InputError
from hilum.core.files import write_parts
from hilum.core.text import read_text

Provenance = Literal["hilum", "edited", "unknown"]
_KIND = re.compile(rb'\s*\{\s*"header":\s*\{\s*"kind":\s*"([^"]*)"')
_LOOKED_AT_BYTES = 4096


@dataclass(frozen=True)
class Header:
    """Where an artefact comes from.

    Attributes:
        kind: Such as ``"manifest"`` or ``"split"``.
        schema_version: Raised when the kind's layout changes.
        hilum: Version of hilum that wrote it.
        seed: The seed, where chance was involved.
        inputs: Name of an input -> its digest.
        options: The options that made a difference, JSON-able.
    """

    kind: str
    schema_version: int = field(default=1, kw_only=True)
    hilum: str = field(default=__version__, kw_only=True)
    seed: int | None = field(default=None, kw_only=True)
    inputs: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values."""
        return members(self)

    @classmethod
    def from_dict(cls, value: Any, kind: str, where: Path) -> Self:
        """Check and read a header.

        Raises:
            InputError: `value` is no header, of another kind, or of a newer schema.
        """
        if not isinstance(value, dict) or value.get("kind") != kind:
            came = value.get("kind") if isinstance(value, dict) else value
            raise InputError(f"{where}: expected an artefact of kind {kind!r}, got {came!r}")
        if value.get("schema_version") != 1:
            raise InputError(
                f"{where}: expected schema version 1, got {value.get('schema_version')!r}; it was written by "
                f"hilum {value.get('hilum')!r}, this is {__version__}"
            )
        return checked({"hilum": "", **value}, cls, where)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The header of an artefact of any kind: the one beside it, else the one that it holds.

        Raises:
            InputError: It has none, or one of a newer schema.
        """
        at = header_path(path) if header_path(path).is_file() else path
        return cls.from_dict(read_object(at).get("header"), kind_of(at), at)


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: It is missing, in an encoding that is not read, or no JSON.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as e:
        raise InputError(f"{path}: expected JSON: {e}") from None


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        InputError: It is missing, no JSON, or something else.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise not_as_written(path, f"expected a JSON object, got {type(value).__name__}")
    return value


Artefact = TypeVar("Artefact")
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def read_artefact(path: Path, kind: str, of: type[Artefact]) -> Artefact:
    """Read a JSON artefact of a kind as a dataclass whose fields are keys of the file; other keys are passed over.

    Raises:
        InputError: It is missing, no JSON, of another kind, without a key, or has a value of another type.
    """
    value = read_object(path)
    Header.from_dict(value.get("header"), kind, path)
    return checked(value, of, path)


def checked(value: Any, of: type[Artefact], path: Path) -> Artefact:
    """What was read of a file, as the type that it should be of.

    Raises:
        InputError: It is not; names the file, the first key that is wrong, and the value there.
    """
    try:
        return cast(Artefact, _adapter(of).validate_python(value))
    except ValidationError as e:
        first = e.errors()[0]
        key, came = ".".join(map(str, first["loc"])), shorten(repr(first["input"]), 200)
        wrong = f"{key}: {first['msg'][:1].lower()}{first['msg'][1:]}, got {came}".removeprefix(": ")
        raise not_as_written(
            path, f"the key {key!r} is missing" if first["type"] == "missing" else wrong
        ) from None


class Note:
    """What a dataclass inherits that is a small file without a header, by the name `NOTE`, in a run's or a trial's folder."""

    NOTE: ClassVar[str]

    def write(self, folder: Path) -> None:
        """Write it into a folder, whole or not at all."""
        write_json(folder / self.NOTE, self)

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """That of a folder; None where it has no such file.

        Raises:
            InputError: It is no JSON object, is without a key, or has a value of another type.
        """
        path = folder / cls.NOTE
        return checked(read_object(path), cls, path) if path.is_file() else None

    @classmethod
    def known(cls, folder: Path) -> Self:
        """That of a folder; where it has no such file, every fact as it is when it is not known."""
        return cls.of(folder) or cls()


def not_as_written(path: Path, what: str) -> InputError:
    """The error of a file of hilum's that somebody else changed or made."""
    return InputError(f"{path}: not as hilum writes it: {what}; make it again, or name another file")


@contextmanager
def as_written(path: Path) -> Iterator[None]:
    """Say of a file that it is not as hilum writes it, where what is read of it in the block is missing or of another type.

    Raises:
        InputError: It names the file, and the key where one is missing.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as e:
        what = (
            f"the key {e.args[0]!r} is missing"
            if isinstance(e, KeyError) and e.args
            else "a value is of another type"
        )
        raise not_as_written(path, what) from e


def write_json(path: Path, value: Any) -> None:
    """Write JSON that a person can read, whole or not at all; a dataclass is an object of its fields."""
    write_parts(path, chain(json_parts(value), ("\n",)))


def header_path(csv_path: Path) -> Path:
    """Where the header of a csv artefact lies."""
    return csv_path.with_suffix(".header.json")


def kind_of(path: Path) -> str:
    """The kind in the header that a file begins with, or else that lies beside it; empty where there is none."""
    for at in (path, header_path(path)):
        if at.is_file():
            with at.open("rb") as f:
                found = _KIND.match(f.read(_LOOKED_AT_BYTES))
            if found:
                return found[1].decode(errors="replace")
    return ""


def written_digest(path: Path) -> str:
    """Digest of a text as hilum wrote it, from the header beside it; empty where there is none."""
    beside = header_path(path)
    return str(read_object(beside).get("csv_sha256", "")) if beside.is_file() else ""


def write_with_header(path: Path, text: str | Iterable[str], header: Header) -> None:
    """Write a text artefact, whole or in parts, the header beside it first: a text that is there is whole and has its header.

    Raises:
        InputError: One of the two cannot be written; a new header is not left behind then.
    """
    beside = header_path(path)

    def then_the_header() -> Iterator[str]:
        sha256 = hashlib.sha256()
        for part in (text,) if isinstance(text, str) else text:
            sha256.update(part.encode())
            yield part
        write_json(beside, {"header": header, "csv_sha256": sha256.hexdigest()})

    try:
        write_parts(path, then_the_header())
    except BaseException:
        if not path.exists():
            beside.unlink(missing_ok=True)
        raise


def write_rows(path: Path, rows: Iterable[BaseModel], header: Header) -> None:
    """Write a JSON list, one row a line, with its header beside it."""
    values = (row.model_dump(by_alias=True) for row in rows)
    lines = [json.dumps(v, ensure_ascii=False, allow_nan=False) for v in values]
    write_with_header(path, "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n", header)


def read_csv_header(csv_path: Path, kind: str) -> tuple[Header, Provenance]:
    """The header of a csv and what may be believed of it."""
    path = header_path(csv_path)
    if not path.exists():
        return Header(kind), "unknown"
    value = read_object(path)
    header = Header.from_dict(value.get("header"), kind, path)
    same = value.get("csv_sha256") == sha256_file(csv_path)
    return header, "hilum" if same else "edited"


def is_written_of(path: Path, header: Header) -> bool:
    """Whether a text artefact is there, as it was written, and of these inputs and options."""
    if not path.is_file() or not header_path(path).is_file():
        return False
    found, provenance = read_csv_header(path, header.kind)
    return provenance == "hilum" and found == header


def require_digest(name: str, expected: str, got: str, where: Path | str) -> None:
    """Raise DigestError unless both digests are equal."""
    if expected != got:
        raise DigestError(
            f"{where}: it was made from {name} {expected[:16]}, but the {name} given is {got[:16]}; "
            f"give the {name} it was made from, or make it again"
        )
