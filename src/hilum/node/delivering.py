"""One archive's deliveries: objects that are due are sent to it, and it is asked to commit itself to what it took."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from hilum.node.config import RetryTable
from hilum.node.deliveries import Deliveries, Delivery
from hilum.node.dicomweb import WebArchive
from hilum.node.loops import wait_s
from hilum.node.sender import DimseArchive, NotOffered, Unreachable

LOG: Final = logging.getLogger("hilum.node")
_IDLE_S, _DAY_S, _NEVER_S = 0.5, 86_400.0, 3e9


class Delivering:
    """Delivers to one archive.

    Args:
        archive: It.
        deliveries: Of the node's queue.
        retry: How it is asked again.
    """

    def __init__(self, archive: DimseArchive | WebArchive, deliveries: Deliveries, retry: RetryTable) -> None:
        self.archive, self.deliveries, self.retry = archive, deliveries, retry
        self.name = archive.table.name
        self.made = threading.Event()

    def once(self) -> float:
        """Send what is due, or ask for what was sent; gives the seconds to wait until the next time."""
        self.made.clear()
        due = self.deliveries.due(self.name)
        if gone := [d for d in due if not d.path.is_file()]:
            self._failed(gone, "the file of an answer is not there")
        elif due:
            self._send(due)
        elif isinstance(self.archive, DimseArchive) and self.archive.table.commitment:
            if taken := self.deliveries.to_ask_for(self.name):
                self._ask(self.archive, taken)
            else:
                self.made.wait(_IDLE_S)
        else:
            self.made.wait(_IDLE_S)
        return 0.0

    def _send(self, due: list[Delivery]) -> None:
        answered: dict[int, bool] = {}

        def done(delivery: Delivery, why: str) -> None:
            answered[delivery.object] = not why
            if why:
                self._failed([delivery], why)
            else:
                self.deliveries.sent(self.name, delivery)

        try:
            self.archive.send(due, done)
        except Unreachable as e:
            self._failed([d for d in due if d.object not in answered], str(e))
        finally:
            if n_taken := sum(answered.values()):
                LOG.info("sent %d answers to %s", n_taken, self.name)

    def _ask(self, archive: DimseArchive, taken: list[Delivery]) -> None:
        """Ask for storage commitment; what was not answered for in all that time is asked for no more."""
        retry, name = self.retry, self.name
        before = time.time() - retry.give_up_days * _DAY_S
        if old := [d for d in taken if d.since < before]:
            LOG.error(
                "%s: %d answers were sent, and not committed to in %g days",
                name,
                len(old),
                retry.give_up_days,
            )
            self.deliveries.not_asked(name, old, _NEVER_S)
            return
        transaction = archive.transaction()
        # written first: an archive may answer before the question's own response is read
        self.deliveries.asked(name, taken, transaction, retry.commitment_s)
        try:
            archive.ask(taken, transaction)
        except NotOffered as e:
            LOG.warning("%s: storage commitment: %s; asked again in a day", name, e)
            self.deliveries.not_asked(name, taken, _DAY_S)
        except Unreachable as e:
            LOG.warning("%s: storage commitment: %s", name, e)
            self.deliveries.not_asked(name, taken, retry.first_s)

    def _failed(self, deliveries: list[Delivery], why: str) -> None:
        if not deliveries:
            return
        retry, name = self.retry, self.name
        wait = wait_s(retry, max(d.tries for d in deliveries))
        LOG.warning("%s: %s; %d answers wait %.0f s", name, why, len(deliveries), wait)
        self.deliveries.failed(name, deliveries, why, wait)
        longest = retry.give_up_days * _DAY_S
        if old := [d for d in deliveries if time.time() - d.since > longest]:
            LOG.error(
                "%s: gave up %d answers after %g days; they are kept",
                name,
                len(old),
                retry.give_up_days,
            )
            self.deliveries.given_up(name, old)
