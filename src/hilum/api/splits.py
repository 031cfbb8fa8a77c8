"""`hilum.split`, and films by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast, get_args

from hilum.api.view import AnyPath, FilmRows, Row, Table, Told, View, counted, path_or_none, plain_table
from hilum.artifacts.manifest import Manifest
from hilum.artifacts.outputs import check_outputs, duplicates_output, file_output
from hilum.artifacts.split import PARTS, AnySplit, UnsafeSplit, read_split
from hilum.artifacts.split import Split as LeakFree
from hilum.core.digests import SHORT
from hilum.core.engine import local
from hilum.core.errors import InputError, UnsafeError, require_known
from hilum.core.progress import quieted
from hilum.study.tables import Crossing, SplitMethod

AS_PUBLISHED = "as-published"
_Filters = Mapping[str, Sequence[str]] | Sequence[Mapping[str, Sequence[str]]]
_Shares = Mapping[str, float] | Sequence[float]


class Split(View):
    """Films by part (``split.json``).

    >>> split = hilum.load("split.json")
    >>> {part: len(ids) for part, ids in split.parts.items()}
    {'train': 12, 'valid': 4, 'test': 16}
    """

    made: Manifest | None  # the films that were divided

    @cached_property
    def split(self) -> AnySplit:
        """The split itself."""
        return read_split(self.path)

    @property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """``train``, ``valid`` and ``test`` -> image ids."""
        return dict(self.split.parts)

    def rows(self) -> list[Row]:
        """A row a film: image_id, part, and the group that may not be divided."""
        group = self.split.group_of
        return [
            {"image_id": i, "part": part, "group": group[i]} for part, ids in self.parts.items() for i in ids
        ]

    def films(self, part: str) -> FilmRows:
        """The films of a part."""
        require_known(part, PARTS, "unknown part")
        return FilmRows(f"Films of {part}", (r for r in self.rows() if r["part"] == part))

    @property
    def words(self) -> str:
        """What `hilum split` prints: films by part and class, and what to know of the split."""
        s, n_test = self.split, len(self.split.parts["test"])
        end = f"split {s.digest[:SHORT]}"
        if isinstance(s, UnsafeSplit):
            share = f"({100 * s.n_shared / n_test:.1f} %)"
            leaked = f"{s.n_shared} of {n_test} test films are in train or validation too {share}"
            return f"{leaked}\n{self.path}: UNSAFE {end}"
        from hilum.report.split_words import split_words

        above = f"{split_words(s, self.made)}\n" if self.made and isinstance(s, LeakFree) else ""
        return f"{above}{self.path}: {end}"

    def told(self) -> Told:
        s = self.split
        films, groups = counted(len(s.group_of), "film"), counted(len(set(s.group_of.values())), "group")
        shared = s.n_shared if isinstance(s, UnsafeSplit) else 0
        unsafe = [f"{counted(shared, 'test film')} in train or validation too"] if shared else []
        sentence = f"{s.header.options.get('method', '')}, {films} in {groups}"
        return Told(f"Split {self.path.name}", sentence, unsafe=unsafe)

    def table(self) -> Table:
        """Films by part, and by class where the split says them."""
        by_class: Mapping[str, Mapping[str, int]] = self.split.header.options.get("n_films") or {}
        labels = sorted({c for n in by_class.values() for c in n})
        rows = [
            (part, *(by_class.get(part, {}).get(c, 0) for c in labels), len(ids))
            for part, ids in self.parts.items()
        ]
        return plain_table("split", ("part", *labels, "all"), rows)


def split(
    manifest: AnyPath,
    out: AnyPath,
    *,
    method: str,
    seed: int,
    trial: int = 1,
    fractions: _Shares | None = None,
    crossing: str = "refuse",
    unsafe: bool = False,
    one_per_patient: Sequence[str] = (),
    include: _Filters = (),
    exclude: _Filters = (),
    duplicates: AnyPath | None = None,
    workers: int | None = None,
    quiet: bool = False,
    no_near_duplicates: bool = False,
) -> Split:
    """Divide films into train, validation and test, as `hilum split` does; no patient and no copy of a film crosses.

    >>> split = hilum.split("manifest.csv", "split.json", method="set2", seed=1, quiet=True, no_near_duplicates=True)
    >>> len(split.films("test"))
    16

    Args:
        manifest: ``manifest.csv``.
        out: The split to write.
        method: ``set1``, ``set2``, ``fractions``, ``official``, or ``as-published`` (unsafe).
        seed: Of all that is drawn.
        trial: Which redraw, from 1.
        fractions: Shares of train, valid and test, for the method ``fractions``.
        crossing: Official parts that share a patient or copy: ``refuse``, or ``keep-test``.
        unsafe: Allow ``as-published``.
        one_per_patient: Classes of which one film a patient is drawn.
        include: Only films that fit: ``{"source": ["mooney"], "age": [">=18"]}``, or several such tables.
        exclude: Without films that fit.
        duplicates: Table of copies to read, or to make where it is not there.
        workers: Processes; None for all cores. Results do not depend on it.
        quiet: No progress.
        no_near_duplicates: Do not look for re-encoded copies: quick, and unsafe.
    """
    manifest, out, copies = Path(manifest), Path(out), path_or_none(duplicates)
    made, read = duplicates_output(copies)
    check_outputs([file_output(out, "split", ".json", beside=()), *made], [manifest, *read])
    if method == AS_PUBLISHED:
        if not unsafe:
            raise UnsafeError(
                "--method as-published puts test films into train and validation, as the paper's scripts did; add --unsafe to do "
                "it all the same, or use --method set2"
            )
        from hilum.paper.published_draw import draw_as_published

        draw_as_published(Manifest.read(manifest), seed).write(out)
        return Split(out)
    from hilum.splitting.divide import METHODS, SplitOptions
    from hilum.splitting.part_checks import require_parts
    from hilum.stages.duplicates import known_duplicates  # late: the decoders take a while to import
    from hilum.stages.split import draw_split, select

    require_known(method, (*METHODS, AS_PUBLISHED), "unknown --method")
    require_known(crossing, get_args(Crossing), "unknown --crossing")
    shares = _shares(fractions, method, crossing)
    options = SplitOptions(cast(SplitMethod, method), seed, trial, shares, crossing=cast(Crossing, crossing))
    with quieted(quiet):
        whole = Manifest.read(manifest)
        included, excluded = _tables(include), _tables(exclude)
        chosen = {"one_per_patient": list(one_per_patient), "include": included, "exclude": excluded}
        films = select(whole, included, excluded, one_per_patient, seed)
        found = None if no_near_duplicates else known_duplicates(films, local(workers), copies)
        drawn = draw_split(films, found, options, whole, {k: v for k, v in chosen.items() if v})
    drawn.check(whole)
    needed = [p for p in PARTS if drawn.header.options.get("fractions", {}).get(p, 1) > 0]
    require_parts(drawn, films, list(films.count_by("label")), needed)
    drawn.write(out)
    return Split(out, films)


def _tables(filters: _Filters) -> list[dict[str, list[str]]]:
    """Tables of `hilum.study.film_filter`."""
    tables: Sequence[Mapping[str, Any]] = [filters] if isinstance(filters, Mapping) else filters
    return [
        {c: [v] if isinstance(v, str) else [str(x) for x in v] for c, v in table.items()} for table in tables
    ]


def _shares(given: _Shares | None, method: str, crossing: str) -> dict[str, float] | None:
    """The shares of the method ``fractions``; an option of another method than the one asked for is refused."""
    if (method == "fractions") != (given is not None):
        raise InputError("--fractions TRAIN,VALID,TEST goes with --method fractions, and only with it")
    if crossing != "refuse" and method != "official":
        raise InputError(f"--crossing {crossing} goes with --method official, got --method {method}")
    if given is None or isinstance(given, Mapping):
        return None if given is None else dict(given)
    if len(given) != len(PARTS):
        raise InputError(
            f"--fractions must be three numbers TRAIN,VALID,TEST such as .7,.1,.2; got {len(given)} numbers"
        )
    return dict(zip(PARTS, given, strict=True))
