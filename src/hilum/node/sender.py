"""Answers to an archive by DIMSE: C-STORE of each, and the request that the archive commit itself to keep them (PS3.4 J).

A status of success or warning counts as taken, as does "duplicate SOP instance": the archive has it. All else is tried again later. Objects
go out as the files that lie on the disk, so a second sending has the same bytes.
"""

from __future__ import annotations

import ssl
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

from pynetdicom import AE, _config
from pynetdicom.sop_class import StorageCommitmentPushModel  # type: ignore[attr-defined]

from hilum.node.config import ArchiveTable
from hilum.node.deliveries import Delivery

EXPLICIT_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
_COMMITMENT_INSTANCE: Final = "1.2.840.10008.1.20.1.1"
_DUPLICATE: Final = 0x0111


class Unreachable(Exception):
    """The archive cannot be spoken with now; the message says why, without anything of a patient."""


class NotOffered(Unreachable):
    """The archive can be spoken with and does not offer what was asked."""


class DimseArchive:
    """An archive that speaks DIMSE.

    Args:
        table: Of the configuration.
        ae_title: The node's own.
        seconds: Of silence after which it counts as away.
        tls: How to speak through TLS; None for in the clear.
    """

    def __init__(
        self, table: ArchiveTable, ae_title: str, seconds: float, tls: ssl.SSLContext | None
    ) -> None:
        self.table, self.ae_title, self.seconds, self.tls = table, ae_title, seconds, tls
        _config.STORE_SEND_CHUNKED_DATASET = True  # files go out as they are

    def send(self, deliveries: Sequence[Delivery], done: Callable[[Delivery, str], None]) -> None:
        """Send objects in one association.

        Args:
            deliveries: What is sent.
            done: Called after each with the reason why it was not taken; empty where it was.

        An object that cannot be read, or that the association does not survive, is told, and those after it are not: they are still due,
        and it waits.

        Raises:
            NotOffered: It takes nothing of this sort.
            Unreachable: Nothing more could be sent.
        """
        association = self._association(sorted({d.sop_class for d in deliveries}))
        try:
            accepted = {str(c.abstract_syntax) for c in association.accepted_contexts}
            for number, delivery in enumerate(deliveries, 1):
                if delivery.sop_class not in accepted:
                    done(delivery, "the archive does not take this SOP class")
                    continue
                try:
                    status = association.send_c_store(delivery.path, msg_id=number)
                except RuntimeError:  # the association is there no more
                    raise
                except Exception as e:  # pydicom raises whatever it meets in the file, maybe halfway
                    done(delivery, f"the answer's file cannot be sent ({type(e).__name__})")
                    association.abort()
                    return
                if "Status" not in status:  # the others are sent again without it
                    done(delivery, "the association ended before an answer came")
                    return
                done(delivery, _why(int(status.Status)))
        except RuntimeError as e:
            raise Unreachable(f"sending failed: {type(e).__name__}") from None
        finally:
            if association.is_established:
                association.release()

    @staticmethod
    def transaction() -> str:
        """A new transaction, in which a question is asked and answered."""
        return f"2.25.{uuid.uuid4().int}"

    def ask(self, deliveries: Sequence[Delivery], transaction: str) -> None:
        """Ask the archive to commit itself to what it took; it answers later, and may do so before this returns.

        Raises:
            NotOffered: It has no storage commitment.
            Unreachable: It does not take the question.
        """
        from pydicom.dataset import Dataset

        question = Dataset()
        question.TransactionUID, question.ReferencedSOPSequence = transaction, []
        for delivery in deliveries:
            item = Dataset()
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = delivery.sop_class, delivery.sop_uid
            question.ReferencedSOPSequence.append(item)
        association = self._association([str(StorageCommitmentPushModel)])
        try:
            status, _ = association.send_n_action(
                question, 1, StorageCommitmentPushModel, _COMMITMENT_INSTANCE
            )
            if int(status.get("Status", 0xFFFF)) != 0:
                raise Unreachable(
                    f"storage commitment was refused with {int(status.get('Status', 0xFFFF)):04X}"
                )
        finally:
            if association.is_established:
                association.release()

    def _association(self, sop_classes: Sequence[str]) -> Any:
        table = self.table
        ae = AE(self.ae_title)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = self.seconds
        ae.connection_timeout = min(self.seconds, 10.0)
        for sop_class in sop_classes:
            ae.add_requested_context(sop_class, EXPLICIT_LITTLE_ENDIAN)
        through = (self.tls, table.host) if self.tls is not None else None
        association = ae.associate(
            table.host, int(table.port or 0), ae_title=table.ae_title, tls_args=through
        )
        if not association.is_established and association.rejected_contexts:
            raise NotOffered("the archive offers none of what is asked of it")
        if not association.is_established:
            rejected = "rejected the association" if association.is_rejected else "cannot be reached"
            raise Unreachable(f"the archive {rejected}")
        return association


def _why(status: int) -> str:
    """Why an object was not taken; empty for success and warnings.

    >>> _why(0x0000), _why(0xB000), _why(0x0111), _why(0xA700)
    ('', '', '', 'C-STORE was answered with A700')
    """
    taken = status in (0x0000, _DUPLICATE) or status >> 12 == 0xB
    return "" if taken else f"C-STORE was answered with {status:04X}"
