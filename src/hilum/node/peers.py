"""Peers of a node: who may speak to it, and from where. A peer is an AE title that comes from a host that goes with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hilum.node.config import Config, addresses


class Peers:
    """Who may speak to a node.

    Args:
        config: The node's.

    Attributes:
        hosts: Addresses from which somebody may connect.

    Raises:
        InputError: A host has no address.
    """

    def __init__(self, config: Config) -> None:
        self._senders = _by_title((p.ae_title, p.host) for p in config.peer)
        archives = _by_title((a.ae_title, a.host) for a in config.archive if a.commitment)
        self._known = {
            t: self._senders.get(t, frozenset()) | archives.get(t, frozenset())
            for t in {*self._senders, *archives}
        }
        self.hosts: frozenset[str] = frozenset().union(*self._known.values())

    def known(self, title: str, host: str) -> bool:
        """Whether an AE title may speak from an address."""
        return address(host) in self._known.get(title, frozenset())

    def may_send(self, title: str, host: str) -> bool:
        """Whether it may send films too; an archive that answers about storage commitment alone may not."""
        return address(host) in self._senders.get(title, frozenset())


def address(host: str) -> str:
    """An address as `addresses` gives it: an IPv4 one that comes by an IPv6 socket is the same.

    >>> address("::ffff:127.0.0.1")
    '127.0.0.1'
    """
    return host.removeprefix("::ffff:")


def _by_title(pairs: Iterable[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for title, host in pairs:
        found[title] = found.get(title, frozenset()) | addresses(host)
    return found
