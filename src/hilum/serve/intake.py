"""The films of a request, taken while its body streams: one film as the raw body, or the files of a multipart form. Held in memory only.

Every bound is kept as bytes come in, so that a body without end is refused at its first byte too many.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from hilum.serve.limits import Held, Limits
from hilum.serve.problems import Problem

_RAW = ("application/octet-stream", "application/dicom", "image/")
_EXPECTED = "image/..., application/dicom or application/octet-stream, or multipart/form-data"
_NAMED_BYTES = 300
"""Of a file's name that is kept."""
_HEADERS_BYTES = 8192


@dataclass(frozen=True)
class Film:
    """A film as it came: what the client calls it, and its bytes."""

    name: str
    data: bytes = field(repr=False)


async def films_of(request: Request, limits: Limits, held: Held) -> list[Film]:
    """The films of a request.

    Raises:
        Problem: 400 for no film or a broken form, 408 for a body that is not there in time, 413 above a limit, 415 for another media type.
    """
    kind = request.headers.get("content-type", "")
    media, options = parse_options_header(kind)
    try:
        async with asyncio.timeout(limits.body_seconds):
            if media == b"multipart/form-data":
                return await _of_form(request, limits, held, options.get(b"boundary", b""))
            if kind and not media.decode("latin-1").startswith(_RAW):
                raise Problem(415, f"expected a body of {_EXPECTED}, got {media.decode('latin-1')[:80]!r}")
            data = bytearray()
            async for chunk in _chunks(request, held):
                data += chunk
                _at_most(len(data), limits)
    except TimeoutError:
        raise Problem(
            408,
            f"expected the whole body within {limits.body_seconds:g} seconds; send it again, or a smaller one",
        ) from None
    if not data:
        raise Problem(400, "expected a film in the body, got no bytes")
    return [Film("", bytes(data))]


async def _chunks(request: Request, held: Held) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            if chunk:
                held.add(len(chunk))
                yield chunk
    except ClientDisconnect:
        raise Problem(400, "the body ended early") from None


def _at_most(n_bytes: int, limits: Limits) -> None:
    if n_bytes > limits.film_bytes:
        raise Problem(413, f"expected at most {limits.film_bytes} bytes a film")


async def _of_form(request: Request, limits: Limits, held: Held, boundary: bytes) -> list[Film]:
    if not boundary:
        raise Problem(400, "expected a boundary in the content type of the form, got none")
    form = _Form(limits)
    try:
        parser = MultipartParser(
            boundary, form.callbacks, max_size=limits.request_bytes + limits.films * _HEADERS_BYTES
        )
        async for chunk in _chunks(request, held):
            parser.write(chunk)
        parser.finalize()
    except FormParserError:
        raise Problem(400, "the form cannot be read: its parts are not as its boundary says") from None
    if not form.ended:
        raise Problem(400, "the form ends early: its last boundary is missing")
    if not form.films:
        raise Problem(
            400,
            "expected at least one file in the form, got none; give each film as a file part with a filename",
        )
    return form.films


class _Form:
    """The parts of a form as they come; parts without a file's name are passed over."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.films: list[Film] = []
        self.ended = False
        self._header, self._value = bytearray(), bytearray()
        self._name: str | None = None
        self._data = bytearray()

    @property
    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._add(self._header, data[start:end]),
            "on_header_value": lambda data, start, end: self._add(self._value, data[start:end]),
            "on_header_end": self._header_end,
            "on_part_data": self._part_data,
            "on_part_end": self._end,
            "on_end": self._all,
        }

    def _begin(self) -> None:
        self._name, self._data = None, bytearray()

    def _add(self, to: bytearray, data: bytes) -> None:
        to += data
        if len(to) > _HEADERS_BYTES:
            raise Problem(400, f"expected at most {_HEADERS_BYTES} bytes in a header of a part")

    def _header_end(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            if b"filename" in options:
                if len(self.films) >= self.limits.films:
                    raise Problem(
                        413,
                        f"expected at most {self.limits.films} films a request; send the others in another",
                    )
                self._name = options[b"filename"][:_NAMED_BYTES].decode("utf-8", "replace")
        self._header, self._value = bytearray(), bytearray()

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name is not None:
            self._data += data[start:end]
            _at_most(len(self._data), self.limits)

    def _end(self) -> None:
        if self._name is not None:
            self.films.append(Film(self._name, bytes(self._data)))

    def _all(self) -> None:
        self.ended = True
