"""DICOMweb (PS3.18): answers out by STOW-RS, new films in by QIDO-RS and WADO-RS. The standard library speaks HTTP; nothing else is needed.

An address is asked as the configuration has it and no redirection is followed, so that a password goes nowhere else. What an archive sends
is read up to a size.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from hilum.core.errors import FilmError
from hilum.core.files import writing
from hilum.node.config import ArchiveTable, PollTable, secret
from hilum.node.deliveries import Delivery
from hilum.node.sender import NotOffered, Unreachable
from hilum.node.source import FILMS
from hilum.node.tls import of_web

_PAGE: Final = 100
_SOP_CLASS, _SOP, _SERIES, _STUDY = "00080016", "00080018", "0020000E", "0020000D"
_DUPLICATE: Final = 0x0111
_BLOCK: Final = 1 << 16
_OF_AN_OBJECT: Final = (400, 409, 413, 415, 422, 500)
"""Status codes that speak of the object that was sent, and not of the archive; the next one is sent all the same."""
_OF_A_FILM: Final = (400, 404, 406, 410, 500)
"""Of the film that was asked for."""


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Web:
    """How a DICOMweb address is asked.

    Args:
        table: Its address, and who asks.
        seconds: Of silence after which it counts as away.

    Raises:
        InputError: A file of a password, a token or authorities is missing.
    """

    def __init__(self, table: ArchiveTable | PollTable, seconds: float) -> None:
        self.url, self.seconds = table.url.rstrip("/"), seconds
        context: ssl.SSLContext = of_web(table.authorities)
        # no proxy of the environment: patients' data go to the address of the configuration and nowhere else
        handlers = [
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=context),
            _NoRedirection(),
        ]
        self._opener = urllib.request.build_opener(*handlers)
        self._headers: dict[str, str] = {}
        if table.token_file is not None:
            self._headers["Authorization"] = f"Bearer {secret(table.token_file)}"
        elif table.password_file is not None:
            pair = f"{table.user}:{secret(table.password_file)}".encode()
            self._headers["Authorization"] = f"Basic {b64encode(pair).decode()}"

    def ask(
        self, path: str, headers: dict[str, str], data: bytes | None = None, errors: Sequence[int] = ()
    ) -> Any:
        """An open response.

        Args:
            path: Below the archive's address.
            headers: Of the request, beside those that say who asks.
            data: Its body; None for GET.
            errors: Status codes that the caller wants to see.

        Raises:
            Unreachable: None, or one of another error.
        """
        request = urllib.request.Request(
            f"{self.url}/{path}", data=data, headers={**self._headers, **headers}
        )
        try:
            return self._opener.open(request, timeout=self.seconds)
        except urllib.error.HTTPError as e:
            if e.code in errors:
                return e
            e.close()
            raise Unreachable(f"the archive answered {e.code}") from None
        except (OSError, ValueError, HTTPException) as e:
            why = getattr(e, "reason", e)  # of a URLError: no connection, no certificate, no answer
            name = type(why if isinstance(why, Exception) else e).__name__
            raise Unreachable(f"the archive cannot be reached: {name}") from None


class WebArchive:
    """An archive that takes answers by STOW-RS.

    Args:
        table: Of the configuration.
        seconds: Of silence after which it counts as away.
    """

    def __init__(self, table: ArchiveTable, seconds: float) -> None:
        self.table, self.web = table, Web(table, seconds)

    def send(self, deliveries: Sequence[Delivery], done: Callable[[Delivery, str], None]) -> None:
        """Send objects, each in a request of its own; arguments and errors are those of `DimseArchive.send`."""
        for delivery in deliveries:
            try:
                data = delivery.path.read_bytes()
            except OSError as e:
                done(delivery, f"the answer's file cannot be sent ({type(e).__name__})")
                continue
            boundary = f"hilum{delivery.path.stem[:16]}"
            head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
            body = head + data + f"\r\n--{boundary}--\r\n".encode()
            headers = {
                "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
                "Accept": "application/dicom+json",
            }
            with self.web.ask("studies", headers, body, _OF_AN_OBJECT) as response:
                done(delivery, "" if _stored(response) else f"STOW-RS was answered with {response.status}")


def _stored(response: Any) -> bool:
    """Whether STOW-RS took the object: no failure is reported, or one that says that the archive has it."""
    try:
        told = json.loads(response.read(1 << 20) or b"{}")
        told = told[0] if isinstance(told, list) and told else told
        failed = told.get("00081198", {}).get("Value", [])
        reasons = [f.get("00081197", {}).get("Value", [0])[0] for f in failed]
    except (ValueError, AttributeError, IndexError, TypeError, OSError, HTTPException):
        return bool(response.status == 200)
    return all(r == _DUPLICATE for r in reasons) if reasons else response.status in (200, 202)


class Poller:
    """Asks an archive for new films and fetches them.

    Args:
        table: Of the configuration.
        seconds: Of silence after which it counts as away.
        max_bytes: Of a film.
    """

    def __init__(self, table: PollTable, seconds: float, max_bytes: int) -> None:
        self.table, self.web, self.max_bytes = table, Web(table, seconds), max_bytes

    def films(self, today: date) -> Iterator[tuple[str, str, str]]:
        """(study, series, SOP Instance UID) of the films of the last days.

        Raises:
            Unreachable: The archive does not answer, or not as QIDO-RS has it.
        """
        for modality in self.table.modalities:
            start = 0
            while True:
                asked = {
                    "StudyDate": f"{today - timedelta(days=self.table.days):%Y%m%d}-{today:%Y%m%d}",
                    "Modality": modality, "limit": _PAGE, "offset": start, "includefield": _SOP_CLASS,
                }  # fmt: skip
                found = self._found(f"instances?{urlencode(asked)}")
                for item in found:
                    uids = tuple(_value(item, tag) for tag in (_STUDY, _SERIES, _SOP))
                    if all(uids) and _value(item, _SOP_CLASS) in ("", *FILMS):
                        yield uids[0], uids[1], uids[2]
                if len(found) < _PAGE:
                    break
                start += len(found)

    def _found(self, path: str) -> list[Any]:
        with self.web.ask(path, {"Accept": "application/dicom+json"}) as response:
            if response.status == 204:
                return []
            try:
                found = json.loads(response.read(1 << 26))
            except (ValueError, OSError, HTTPException):
                raise Unreachable("QIDO-RS was not answered with JSON") from None
        return found if isinstance(found, list) else []

    def fetch(self, film: tuple[str, str, str], to: Path) -> None:
        """Write a film to a file.

        Args:
            film: Its study, series and SOP Instance UID.
            to: The file.

        Raises:
            NotOffered: It alone cannot be had now.
            Unreachable: Nor can any other.
            FilmError: "too large"; "corrupt": there is no part of type application/dicom in the answer.
            InputError, OSError: The disk does not take it.
        """
        study, series, sop = (quote(uid, safe="") for uid in film)
        accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
        path = f"studies/{study}/series/{series}/instances/{sop}"
        asked = self.web.ask(path, {"Accept": accept}, errors=_OF_A_FILM)
        with asked as response, writing(to) as part, part.open("w+b") as f:
            if response.status in _OF_A_FILM:
                raise NotOffered(f"the archive answered {response.status}")
            size = 0
            while block := _read(response):
                size += len(block)
                if size > self.max_bytes:
                    raise FilmError("too large", f"the archive sends more than {self.max_bytes >> 20} MiB")
                f.write(block)
            f.seek(0)
            data = first_part(f.read(), str(response.headers.get("Content-Type", "")))
            f.seek(0)
            f.truncate()
            f.write(data)


def _read(response: Any) -> bytes:
    try:
        return bytes(response.read(_BLOCK))
    except (OSError, HTTPException) as e:
        raise Unreachable(f"the archive stopped: {type(e).__name__}") from None


def first_part(body: bytes, content_type: str) -> bytes:
    r"""The first part of a multipart/related answer, or the body itself where it is one DICOM file.

    Raises:
        FilmError: "corrupt": there is none.

    >>> first_part(b"--x\r\nContent-Type: application/dicom\r\n\r\nDICM\r\n--x--", "multipart/related; boundary=x")
    b'DICM'
    """
    told = Message()
    told["Content-Type"] = content_type
    if told.get_content_type() == "application/dicom":
        return body
    boundary = str(told.get_param("boundary", "")).encode()
    start = body.find(b"--" + boundary) if boundary else -1
    head = body.find(b"\r\n\r\n", start) if start >= 0 else -1
    end = body.find(b"\r\n--" + boundary, head) if head >= 0 else -1
    if end < 0:
        raise FilmError("corrupt", "WADO-RS was not answered with a film")
    return body[head + 4 : end]


def _value(item: Any, tag: str) -> str:
    try:
        return str(item[tag]["Value"][0])
    except (KeyError, IndexError, TypeError):
        return ""
