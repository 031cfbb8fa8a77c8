"""What the node hears by DIMSE: C-ECHO, C-STORE of films, and an archive's answer about storage commitment.

Who may speak is decided before anything is read: a connection from a host that nobody named is closed before TLS, and an association must
come from a host that goes with its AE title. Then a film is written to the disk as it comes, never held in memory, up to a size and a time.
Success is answered only when nothing can lose the film any more (`hilum.node.queue`).

| status | when |
|---|---|
| 0000 | taken, or taken before |
| 0122 | not a film: another SOP class, or DX for processing |
| 0124 | from an archive that may not send films |
| A700 | the disk is nearly full or does not keep the film, or too many films wait; try later |
| A900 | Modality is not CR or DX, a UID is missing, or the data set is not the one that the request names |
| C000 | not to be read; or another film under a UID that was used |
| aborted | more bytes than allowed, or too slow |
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from pynetdicom import AE, evt
from pynetdicom.sop_class import StorageCommitmentPushModel, Verification  # type: ignore[attr-defined]
from pynetdicom.transport import ThreadedAssociationServer

from hilum.core.errors import FilmError, InputError
from hilum.node.config import Config
from hilum.node.incoming import received_in
from hilum.node.loops import Loops
from hilum.node.peers import Peers, address
from hilum.node.queue import Queue
from hilum.node.source import (
    DX_FOR_PROCESSING,
    FILMS,
    MISMATCH,
    NO_ROOM,
    NOT_UNDERSTOOD,
    Refusal,
    read_source,
    refusal,
)
from hilum.node.state import NotKept, keeping
from hilum.node.taking import no_room, status_of, take
from hilum.node.tls import of_listener

LOG: Final = logging.getLogger("hilum.node")
SYNTAXES: Final = (
    "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.2",
)  # fmt: skip
"""Transfer syntaxes that hilum's decoder reads, uncompressed first."""
NOT_AUTHORISED: Final = 0x0124
_REJECTED_PERMANENTLY, _BY_USER, _CALLER_UNKNOWN = 1, 1, 3


class _Server(ThreadedAssociationServer):
    """Closes connections of strangers at once, and shakes hands through TLS in the connection's own thread."""

    hosts: frozenset[str] = frozenset()
    handshake_s = 30.0

    def get_request(self) -> Any:
        return self.socket.accept()  # type: ignore[union-attr]

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        known = address(client_address[0]) in self.hosts
        if not known:
            LOG.warning("closed a connection from %s, which is no host of a peer", client_address[0])
        return known

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.ssl_context is not None:
            request.settimeout(self.handshake_s)
            request = self.ssl_context.wrap_socket(request, server_side=True)
            request.settimeout(self.ae.network_timeout)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        LOG.warning("a connection from %s ended before an association began", client_address[0])


class Listener:
    """Hears peers for a node.

    Args:
        config: The node's.
        queue: Where films go.
        version: Of the bundle that answers them.
        came: Called after a film was taken.
    """

    def __init__(self, config: Config, queue: Queue, version: str, came: Callable[[], None]) -> None:
        self.config, self.queue, self.version, self.came = config, queue, version, came
        self.peers = Peers(config)
        self._bytes: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._since: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
        self._loops = Loops()
        self._server: Any = None
        self._held = ExitStack()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Listen.

        Raises:
            InputError: The address cannot be had, or a file of TLS is missing.
        """
        limits, node = self.config.limits, self.config.node
        ae = AE(node.ae_title)
        ae.require_called_aet = True
        ae.maximum_associations = limits.associations
        ae.maximum_pdu_size = 1 << 18
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = limits.seconds
        ae.add_supported_context(Verification)
        for sop_class in (*FILMS, DX_FOR_PROCESSING):  # the last to be refused with words
            ae.add_supported_context(sop_class, list(SYNTAXES))
        if any(a.commitment for a in self.config.archive):
            ae.add_supported_context(StorageCommitmentPushModel, scu_role=False, scp_role=True)
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, self._opened), (evt.EVT_CONN_CLOSE, _half_removed), (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_PDU_RECV, self._received), (evt.EVT_DIMSE_RECV, self._between), (evt.EVT_DIMSE_SENT, self._between),
            (evt.EVT_N_EVENT_REPORT, self._reported),
        ]  # fmt: skip
        context = of_listener(self.config.tls) if self.config.tls is not None else None
        try:
            self._server = ae.make_server(
                (node.host, node.port),
                ssl_context=context,
                evt_handlers=handlers,
                server_class=_Server,
            )
        except OSError as e:
            raise InputError(
                f"node.host {node.host}, port {node.port}: cannot listen: {e.strerror or e}"
            ) from None
        ae._servers.append(self._server)
        self._held.enter_context(received_in(self.queue.state.incoming))
        self._server.hosts = self.peers.hosts
        self._server.socket.listen(128)
        serve = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="dimse", daemon=True)
        serve.start()
        self._loops.run("slow peers", self._end_slow)

    def stop(self) -> None:
        """Take no more associations; those that there are end within a few seconds."""
        self._loops.stop.set()
        if self._server is None:
            return
        self._server.shutdown()
        deadline = time.monotonic() + 5
        while any(a.is_established for a in self._server.active_associations) and time.monotonic() < deadline:
            time.sleep(0.05)
        for association in self._server.active_associations:
            _cut(association)
        self._held.close()

    # who

    def _opened(self, event: Any) -> None:
        self._since[event.assoc] = time.monotonic()

    def _requested(self, event: Any) -> None:
        asked = event.assoc.requestor
        title, host = str(asked.primitive.calling_ae_title).strip(), asked.address
        if not self.peers.known(title, host):
            LOG.warning("rejected an association: AE title %.16r from %s is no peer", title, host)
            event.assoc.acse.send_reject(_REJECTED_PERMANENTLY, _BY_USER, _CALLER_UNKNOWN)
            event.assoc.kill()

    # how much, how fast

    def _received(self, event: Any) -> None:
        association = event.assoc
        self._bytes[association] = self._bytes.get(association, 0) + int(event.pdu.pdu_length)
        if self._bytes[association] > self.config.limits.megabytes << 20:
            self._end(association, f"more than {self.config.limits.megabytes} MiB")
            self._bytes[association] = 0

    def _between(self, event: Any) -> None:
        self._bytes[event.assoc] = 0
        self._since[event.assoc] = time.monotonic()

    def _end_slow(self) -> float:
        """End associations in which no message was completed for too long, whatever they sent meanwhile; gives the seconds to wait."""
        limit = self.config.limits.seconds
        for association in self._server.active_associations:
            if time.monotonic() - self._since.get(association, time.monotonic()) > limit:
                self._end(association, f"no complete message for {limit:g} s")
        return min(1.0, limit / 4)

    def _end(self, association: Any, why: str) -> None:
        title = str(association.requestor.ae_title).strip()
        LOG.warning("aborted an association of %.16r: %s", title, why)
        self._since[association] = time.monotonic()

        def abort() -> None:
            try:
                if association.is_established:
                    association.abort()
                time.sleep(1.0)
            finally:
                _cut(association)

        threading.Thread(target=abort, name="abort", daemon=True).start()

    # what

    def _store(self, event: Any) -> Any:
        try:
            refused = self._taken(event)
        except FilmError as e:
            refused = Refusal(NOT_UNDERSTOOD, f"the data set cannot be read: {e.reason}"[:64])
        except (NotKept, OSError) as e:
            LOG.error("a film could not be kept: %s", e if isinstance(e, NotKept) else type(e).__name__)
            refused = Refusal(NO_ROOM, "the film could not be kept on the disk; try later")
        except Exception as e:
            LOG.error("a film could not be taken: %s", type(e).__name__)
            refused = Refusal(NO_ROOM, "the film could not be taken; try later")
        if refused is None:
            return 0x0000
        LOG.warning(
            "refused a film of %.16r with %04X: %s",
            str(event.assoc.requestor.ae_title).strip(),
            refused.status,
            refused.words,
        )
        return status_of(refused)

    def _taken(self, event: Any) -> Refusal | None:
        asked = event.assoc.requestor
        title = str(asked.ae_title).strip()
        if not self.peers.may_send(title, asked.address):
            return Refusal(NOT_AUTHORISED, "this AE title may not send films")
        if (full := no_room(self.queue, self.config.limits)) is not None:
            return full
        with keeping():
            if event.request._dataset_file.failed is not None:
                raise event.request._dataset_file.failed
        path = Path(event.dataset_path)
        source = read_source(path)
        named = (str(event.request.AffectedSOPClassUID), str(event.request.AffectedSOPInstanceUID))
        if named != (source.sop_class, source.sop_uid) and refusal(source) is None:
            return Refusal(MISMATCH, "the data set has another SOP class or UID than the request")
        return take(self.queue, path, source, self.version, title, self.came)

    def _reported(self, event: Any) -> tuple[int, None]:
        """An archive's answer about what it was asked to commit itself to (PS3.4 J.3.3)."""
        told = event.event_information

        def uids(keyword: str) -> list[str]:
            return [str(item.ReferencedSOPInstanceUID) for item in told.get(keyword, None) or ()]

        transaction = str(told.get("TransactionUID", ""))
        kept, again = self.queue.deliveries.committed(
            transaction,
            uids("ReferencedSOPSequence"),
            uids("FailedSOPSequence"),
            self.config.retry.longest_s,
        )
        LOG.info("storage commitment: %d objects are kept, %d are sent again", kept, again)
        return 0x0000, None


def _half_removed(event: Any) -> None:
    """Remove what a peer had sent of a film when the connection ended."""
    file = getattr(event.assoc.dimse.message, "_data_set_file", None)
    if file is not None:
        file.close()
        Path(file.name).unlink(missing_ok=True)


def _cut(association: Any) -> None:
    """End the connection under an association."""
    try:
        association.dul.socket.socket.shutdown(socket.SHUT_RDWR)
    except (AttributeError, OSError):
        return
