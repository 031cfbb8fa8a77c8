"""Words of a command that are addresses: the command is given the folder here that stands for each, and what it writes is there too.

Only commands that can do with it take one; the others say so, by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from hilum.core.address import Address, address_in
from hilum.core.errors import InputError
from hilum.core.mirror import Mirror, at_hand, brought, mirrored

SCHEMES = ("s3", "s3a", "gs", "gcs", "file")
TAKE_ONE = ("run", "report", "evaluate", "compare", "show", "runs")
_OPTION = "--workspace"


@contextmanager
def with_folders(words: Sequence[str]) -> Iterator[list[str]]:
    """A command's words with a folder in the place of every address, whose mirrors are in force in the block.

    Raises:
        InputError: The command takes no address, or one cannot be used.
    """
    if not any(_address(word) for word in words):
        yield list(words)
        return
    command = next((word for word in words if not word.startswith("-")), "")
    if command not in TAKE_ONE:
        raise InputError(
            f"hilum {command} needs a folder of this machine's; addresses are taken by {', '.join(TAKE_ONE)} alone"
        )
    from hilum.api.elsewhere import opened  # late: most commands name no address

    with ExitStack() as held:
        mirrors: dict[str, Mirror] = {}
        found = []
        for k, word in enumerate(words):
            address = _address(word)
            if address is None:
                found.append(word)
                continue
            is_workspace = word.startswith(f"{_OPTION}=") or words[k - 1] == _OPTION
            workspace = address if is_workspace else _workspace_of(address)
            if workspace not in mirrors:
                mirrors[workspace] = opened(workspace)
                held.enter_context(mirrored(mirrors[workspace]))
            found.append(word.replace(_typed(word), _here(mirrors[workspace], address, command)))
        yield found


def _typed(word: str) -> str:
    """The address as it stands in a word: all of it, or what follows an option's sign."""
    return word.partition("=")[2] if word.startswith("--") and "=" in word else word


def _address(word: str) -> str | None:
    found = address_in(_typed(word)) if "://" in word else None
    return found if found is not None and found.partition(":")[0] in SCHEMES else None


def _workspace_of(address: str) -> str:
    """The workspace that an address lies in."""
    at = address
    while at.count("/") > 2:
        if Address(at).is_workspace():
            return at
        at = at.rpartition("/")[0]
    raise InputError(f"{address}: lies in no workspace of hilum's; name one, or a run's folder in one")


def _here(mirror: Mirror, address: str, command: str) -> str:
    """The place here of what an address names, after it was brought as far as the command needs it."""
    place = mirror.root / address.removeprefix(mirror.url).strip("/")
    if command == "show":
        brought(mirror.root)
    elif command != "run":
        brought(mirror.root / "runs", mirror.root / "looks")
    if place != mirror.root:
        at_hand(place)
        brought(place, large=True)
    return str(place)
