"""The node's configuration file: TOML, checked; an unknown key is an error that names the nearest right one.

A default is defined here and nowhere else. Paths are relative to the file. What is secret (a password, a token) is never in this file but
in a file that it names, so that the configuration may be shown.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field

from hilum.core.errors import InputError
from hilum.core.text import read_text, read_toml
from hilum.study.mistakes import tables_as, together
from hilum.study.tables import STRICT

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
HeatMap = Literal["grad-cam", "layer-cam", "integrated-gradients", "occlusion", "lime", "rise", "none"]
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class NodeTable(BaseModel):
    """``[node]``: who the node is and what it answers with.

    Attributes:
        ae_title: Its own.
        host: Address that it listens on.
        port: Of DIMSE.
        bundle: What answers.
        state: Folder of films, answers and the queue.
        engine: What computes the network; ``torch`` gives the same bits after every start.
        heat_map: Method of the map, or ``none``.
        segmentation: Also send the map's highest part as a segmentation.
        keep_days: Films and answers stay this long after all of their answers were delivered.
    """

    model_config = STRICT

    ae_title: str = "HILUM"
    host: str = "127.0.0.1"
    port: Port = 11112
    bundle: Path
    state: Path = Path("hilum-node")
    engine: Literal["auto", "torch", "onnx"] = "torch"
    heat_map: HeatMap = "grad-cam"
    segmentation: bool = False
    keep_days: Annotated[float, Field(ge=0)] = 30.0


class PeerTable(BaseModel):
    """``[[peer]]``: somebody who may send films, by AE title and the host that it speaks from."""

    model_config = STRICT

    ae_title: str
    host: str


class ArchiveTable(BaseModel):
    """``[[archive]]``: where answers go, by DIMSE (`ae_title`, `host`, `port`) or by DICOMweb (`url`).

    Attributes:
        commitment: Ask the archive to commit itself to keep what was sent (DIMSE).
        tls: Speak DIMSE through TLS.
        user, password_file, token_file: How DICOMweb is asked.
        authorities: PEM file of who vouches for a DICOMweb archive's certificate; else those of the system.
    """

    model_config = STRICT

    name: Annotated[str, Field(min_length=1)]
    ae_title: str = ""
    host: str = ""
    port: Port | None = None
    commitment: bool = False
    tls: bool = False
    url: str = ""
    user: str = ""
    password_file: Path | None = None
    token_file: Path | None = None
    authorities: Path | None = None


class PollTable(BaseModel):
    """``[[poll]]``: a DICOMweb archive that is asked for new films (QIDO-RS), which are then fetched (WADO-RS).

    Attributes:
        every_s: Seconds from one question to the next.
        days: Studies of the last days are asked for; 0 for those of today.
        modalities: Of the films.
        user, password_file, token_file, authorities: As of `ArchiveTable`.
    """

    model_config = STRICT

    name: Annotated[str, Field(min_length=1)]
    url: str
    every_s: Seconds = 60.0
    days: Annotated[int, Field(ge=0)] = 1
    modalities: Annotated[list[Literal["CR", "DX"]], Field(min_length=1)] = ["CR", "DX"]
    user: str = ""
    password_file: Path | None = None
    token_file: Path | None = None
    authorities: Path | None = None


class TlsTable(BaseModel):
    """``[tls]``: DIMSE through TLS; both sides show a certificate that `authorities` vouch for."""

    model_config = STRICT

    certificate: Path
    key: Path
    authorities: Path


class LimitsTable(BaseModel):
    """``[limits]``: what one peer can ask of the node.

    Attributes:
        megabytes: Of one film's data set; the association is aborted above it.
        megapixels: Of one film.
        film_seconds: For opening a film, which a process of its own does.
        film_megabytes: Memory of that process.
        associations: At the same time.
        seconds: From the first byte of a film to its last, and of silence within an association.
        waiting: Films that wait for an answer; more are refused until there are fewer.
        free_megabytes: Room on the disk of `state` below which films are refused.
    """

    model_config = STRICT

    megabytes: Annotated[int, Field(ge=1)] = 128
    megapixels: Annotated[float, Field(gt=0, le=100)] = 50.0
    film_seconds: Seconds = 30.0
    film_megabytes: Annotated[int, Field(ge=256)] = 2048
    associations: Annotated[int, Field(ge=1)] = 20
    seconds: Seconds = 60.0
    waiting: Annotated[int, Field(ge=1)] = 10_000
    free_megabytes: Annotated[int, Field(ge=0)] = 500


class RetryTable(BaseModel):
    """``[retry]``: how an archive that does not take an object is asked again.

    Attributes:
        first_s: Seconds until the second try; they double with each.
        longest_s: At most.
        give_up_days: After that the delivery is given up and said to be; nothing is removed.
        commitment_s: Seconds that an archive has to answer a request to commit itself.
    """

    model_config = STRICT

    first_s: Seconds = 10.0
    longest_s: Seconds = 1800.0
    give_up_days: Annotated[float, Field(gt=0)] = 14.0
    commitment_s: Seconds = 3600.0


class Config(BaseModel):
    """A node."""

    model_config = STRICT

    node: NodeTable
    peer: list[PeerTable] = []
    archive: Annotated[list[ArchiveTable], Field(min_length=1)]
    poll: list[PollTable] = []
    tls: TlsTable | None = None
    limits: LimitsTable = LimitsTable()
    retry: RetryTable = RetryTable()


def read_config(path: Path) -> Config:
    """Read a node's configuration; its paths come back relative to where the command runs.

    Raises:
        InputError: No such file, no TOML, an unknown key (with the nearest right one) or a bad value; all of them are named.
    """
    config = tables_as(Config, read_toml(path), path.name)
    if faults := list(_inconsistent(config)):
        raise together(faults, path.name)
    return _from(path.parent, config)


def secret(path: Path | None) -> str:
    """What a file of a password or a token says; empty for none.

    Raises:
        InputError: It is not there or is empty.
    """
    if path is None:
        return ""
    word = read_text(path).strip()
    if not word:
        raise InputError(f"{path}: expected a password or a token, got an empty file")
    return word


def addresses(host: str) -> frozenset[str]:
    """The addresses of a host, as a connection shows them.

    Raises:
        InputError: It has none.

    >>> addresses("127.0.0.1")
    frozenset({'127.0.0.1'})
    """
    try:
        found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    except OSError:
        raise InputError(f"host {host!r} has no address; give one that this machine can look up") from None
    return frozenset(str(entry[4][0]) for entry in found)


def _inconsistent(config: Config) -> Iterator[str]:
    titled = [("node", config.node.ae_title)]
    titled += [(f"peer {k}", p.ae_title) for k, p in enumerate(config.peer, 1)]
    titled += [(f"archive {k}", a.ae_title) for k, a in enumerate(config.archive, 1) if a.ae_title]
    for where, title in titled:
        if not (
            0 < len(title) <= 16
            and title.isascii()
            and title.isprintable()
            and title.strip() == title
            and "\\" not in title
        ):
            yield f"{where}.ae_title must be 1 to 16 ASCII letters, digits or signs without a backslash, got {title!r}"
    names = [a.name for a in config.archive]
    if len(set(names)) != len(names):
        yield f"archive.name must differ from archive to archive, got {names!r}"
    if not config.peer and not config.poll:
        yield "nobody may send films: name a [[peer]], or a [[poll]]"
    for k, archive in enumerate(config.archive, 1):
        yield from _of_archive(f"archive {k}", archive, config.tls is not None)
    for k, poll in enumerate(config.poll, 1):
        yield from _of_url(f"poll {k}", poll)


def _of_archive(where: str, archive: ArchiveTable, tls: bool) -> Iterator[str]:
    dimse = bool(archive.ae_title and archive.host and archive.port)
    any_dimse = bool(archive.ae_title or archive.host or archive.port)
    if archive.url and any_dimse:
        yield f"{where} has a url and an AE title; make two archives of it, or leave one out"
    elif not archive.url and not dimse:
        yield f"{where} needs ae_title, host and port, or a url"
    elif archive.url:
        yield from _of_url(where, archive)
        if archive.commitment or archive.tls:
            yield f"{where}.{'commitment' if archive.commitment else 'tls'} is for DIMSE, and this archive has a url"
    elif archive.tls and not tls:
        yield f"{where}.tls needs a table [tls] with certificate, key and authorities"


def _of_url(where: str, of: ArchiveTable | PollTable) -> Iterator[str]:
    scheme, _, rest = of.url.partition("://")
    if scheme not in ("http", "https") or not rest:
        yield f"{where}.url must begin with http:// or https://, got {of.url!r}"
        return
    host = rest.partition("/")[0].rpartition("@")[2]
    if "@" in rest.partition("/")[0]:
        yield f"{where}.url must hold no user or password; give user and password_file"
    bare = host.rpartition(":")[0] if host.count(":") == 1 else host
    secrets = of.password_file or of.token_file
    if scheme == "http" and secrets and bare.strip("[]") not in LOOPBACK:
        yield f"{where}: a password or a token may not be sent to {bare} without TLS; give an https:// url"
    if bool(of.user) != bool(of.password_file):
        yield f"{where}: user and password_file belong together"


def _from(folder: Path, config: Config) -> Config:
    """The configuration with its paths seen from where the command runs."""

    def at(path: Path | None) -> Path | None:
        return None if path is None else folder / path

    def web(table: ArchiveTable | PollTable) -> dict[str, Path | None]:
        return {k: at(getattr(table, k)) for k in ("password_file", "token_file", "authorities")}

    node = config.node.model_copy(update={"bundle": at(config.node.bundle), "state": at(config.node.state)})
    tls = config.tls and config.tls.model_copy(
        update={k: at(getattr(config.tls, k)) for k in ("certificate", "key", "authorities")}
    )
    return config.model_copy(
        update={
            "node": node,
            "tls": tls,
            "archive": [a.model_copy(update=web(a)) for a in config.archive],
            "poll": [p.model_copy(update=web(p)) for p in config.poll],
        }
    )
