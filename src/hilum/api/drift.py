"""`hilum.drift`: how a bundle at work stands, and whether films are still like those it was made with; `hilum.make_reference`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hilum.api.view import AnyPath, Row, Shown, Told, counted, path_or_none, paths
from hilum.core.errors import InputError
from hilum.core.progress import quieted

if TYPE_CHECKING:
    from hilum.monitor.asked import Compared
    from hilum.monitor.making import Made
    from hilum.monitor.status import MonitorStatus


class Drift(Shown):
    """What was found: a row a statistic of a window, with its threshold and whether it is above it.

    An alarm says that films or answers changed, not that answers are wrong; no alarm does not say that they are right.

    Attributes:
        found: How each bundle of a store stands; or films that were held against a bundle's reference.
    """

    columns: ClassVar[tuple[str, ...]] = ("bundle", "statistic", "method", "value", "threshold", "alarm")

    def __init__(self, found: Sequence[MonitorStatus] | Compared) -> None:
        self.found = found

    @property
    def _each(self) -> Sequence[MonitorStatus | Compared]:
        return self.found if isinstance(self.found, Sequence) else [self.found]

    @property
    def alarm(self) -> bool:
        """Whether any statistic of any bundle is above its threshold."""
        return any(c.alarm for one in self._each for c in one.checks)

    @property
    def words(self) -> str:
        """What the command prints."""
        from hilum.monitor.words import check_words, status_words  # late: numpy

        if not isinstance(self.found, Sequence):
            return "\n".join(check_words(self.found.checks, self.found.films))
        return "\n".join(map(status_words, self.found)) or "no bundle was watched yet"

    @property
    def failed(self) -> int:
        """Films without scores among those that were compared."""
        return 0 if isinstance(self.found, Sequence) else self.found.failed

    def as_json(self) -> Any:
        """What the command prints with ``--json``: a list, an object a bundle; of films that were compared one object."""
        return [s.as_json() for s in self.found] if isinstance(self.found, Sequence) else self.found.as_json()

    def rows(self) -> list[Row]:
        """A row a statistic: bundle, group, statistic, method, value, threshold, means of reference and window, alarm."""
        return [{"bundle": one.bundle[:12], **c.as_json()} for one in self._each for c in one.checks]

    def told(self) -> Told:
        alarms = sum(row["alarm"] for row in self.rows())
        return Told("Drift", f"{counted(alarms, 'statistic')} of {len(self.rows())} above the threshold")


def drift(
    what: AnyPath,
    films: AnyPath | Sequence[AnyPath] = (),
    *,
    bundle: AnyPath | None = None,
    window: int | None = None,
    quiet: bool = False,
) -> Drift:
    """Show how a bundle at work stands, or hold films against its reference, as `hilum drift` does. Nothing is written.

    >>> made = hilum.make_reference("model", "films", quiet=True)
    >>> found = hilum.drift("model", "films", quiet=True)
    >>> found.alarm, [row["statistic"] for row in found.rows()][:2]
    (False, ['probability of covid', 'probability of covid, in tenths'])

    Args:
        what: The state folder of a service or node, its ``monitor.db``; or, with films, a bundle that has a reference.
        films: Films, folders of films, or manifests, to be held against the bundle's reference.
        bundle: With a state folder: this bundle alone, and its reference as it is now.
        window: With a state folder: look at so many of the last films now, 25 at least; None for the service's last look.
        quiet: No progress.

    Raises:
        InputError: Films together with `bundle` or `window`, and as `hilum.monitor.asked` says.
    """
    from hilum.monitor.asked import compared, statuses  # late: scipy

    with quieted(quiet):
        if named := paths(films):
            if bundle is not None or window is not None:
                raise InputError(
                    "--bundle and --window look into a state folder; films are held against the reference of the bundle "
                    "that is named first, all of them together"
                )
            return Drift(compared(Path(what), named))
        return Drift(statuses(Path(what), path_or_none(bundle), window))


def make_reference(bundle: AnyPath, films: AnyPath | Sequence[AnyPath] = (), *, quiet: bool = False) -> Made:
    """Write the reference that a bundle at work is held against into its folder, as `hilum drift --make-reference` does.

    >>> made = hilum.make_reference("model", "films", quiet=True)
    >>> print(made.path, made.words)
    model/reference.safetensors 32 films, 32 of them with scores: films that were named

    Args:
        bundle: The bundle's folder, or a `hilum.Model`.
        films: Films, folders of films, or manifests that the model was not trained on; none for those of its run.
        quiet: No progress.
    """
    from hilum.monitor.making import make_reference as make  # late: numpy, torch

    with quieted(quiet):
        return make(Path(bundle), paths(films))
