"""floor: what this machine can do at most, and each stage of a run beside the least time that its work takes -> ``floor.json``.

Convention: work is counted from what the run recorded (films done, multiply-adds, epochs, sizes), never from what hilum happens to do for
it: a film is decoded once, passes a backbone once, a head reads its features once an epoch. Arithmetic is counted at the measured peak of
matrix products, bytes at that of a copy, pixels at that of the bare codec on every core. Of several kinds of work in one stage the sum
counts where the same cores do one after the other, and the larger where they can go on together. Peaks are of the machine that measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import NamedTuple

from hilum.artifacts.drawn_films import HELD_OUT, DrawnFilms, drawn_path, drawn_paths
from hilum.artifacts.floor import Floor, Peaks, StageFloor
from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow
from hilum.artifacts.run import RunCell
from hilum.artifacts.run_files import AFTER_RECORD, RunFacts, StageLine, read_stages
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.trial_files import TrainFacts
from hilum.core.engine import available_cores
from hilum.core.seeding import generator
from hilum.core.text import counted
from hilum.imaging.codec_rates import codec_rates
from hilum.models.backbone import Precision
from hilum.models.cost import HeadCost, head_cost
from hilum.models.machine import choose_device, describe, keep_memory, measure_precision
from hilum.models.peaks import copy_peak, gemm_peak
from hilum.models.registry import backbone
from hilum.study.probes import SOURCE_RULE
from hilum.synthetic.phantom import LABELS, draw

_DRAWN = 24
"""Phantoms that codecs are tried on."""
_USUAL_PX = 299
_OTHER = "other work"
FEATURIZE = "featurize "


def measure_peaks(side_px: int = _USUAL_PX, seconds: float = 1.0, gemm_sides: tuple[int, ...] = ()) -> Peaks:
    """Measure this machine: matrix products in the precisions that are of use here, a copy, and the codecs.

    Args:
        side_px: Of the phantoms that codecs are tried on.
        seconds: That each is tried for.
        gemm_sides: Of the matrices; none for the usual.
    """
    keep_memory()
    cores, missing = available_cores(), []
    devices = ["cpu"]
    if choose_device() == "cuda":
        devices.append("cuda")
    else:
        missing.append("a GPU: there is none here")
    gemm, copy = {}, {}
    for device in devices:
        kinds: list[Precision] = ["fp32"]
        if measure_precision(device)[0] == "bf16":
            kinds.append("bf16")
        else:
            missing.append(f"bf16 on the {device}: it is no faster there than fp32, so that nothing uses it")
        for precision in kinds:
            gemm[f"{device} {precision}"] = gemm_peak(precision, device, cores, seconds, gemm_sides)
        copy[device] = copy_peak(device, cores, seconds)
    films = [draw(LABELS[k % len(LABELS)], generator(0, "floor", k), side_px).pixels for k in range(_DRAWN)]
    return Peaks(describe(), cores, gemm, copy, codec_rates(films, seconds), missing)


def floor_of(run: RunFolder | None, peaks: Peaks) -> Floor:
    """The machine, and where a run is given each of its stages beside its floor.

    Raises:
        InputError: Something of the run is missing or malformed.
    """
    if run is None:
        return Floor(header=Header("floor"), peaks=peaks)
    work = _Work(run, peaks)
    return Floor(
        header=Header("floor", {"run": run.results_digest()}),
        peaks=peaks,
        run=run.path.resolve().name,
        stages=list(work.stages()),
        notes=list(work.notes()),
    )


class _Bound(NamedTuple):
    """The least time of a stage's work."""

    seconds: float
    bound: str
    words: str


@dataclass(frozen=True)
class _Work:
    """What a run did, by what it recorded."""

    run: RunFolder
    peaks: Peaks

    @cached_property
    def lines(self) -> list[StageLine]:
        return read_stages(self.run.path)

    @property
    def _device(self) -> str:
        return str((self.run.record.device or {}).get("device", "cpu"))

    @property
    def _size_px(self) -> int:
        return int(self.run.record.table("augment").get("size_px", 244))

    def notes(self) -> Iterator[str]:
        """What a reader of the ratios must know."""
        theirs, here = self.run.record.machine.get("cpu"), self.peaks.machine["cpu"]
        if theirs != here:
            yield f"The run was made on {theirs or 'a machine that it did not record'}; the peaks are those of {here}."
        if found := [line.stage for line in self.lines if line.found and line.done]:
            yield f"Part of the work was found finished, and is not counted: {', '.join(found)}."
        others = [f for f in self.run.manifest.films if _container(f) not in self.peaks.codecs]
        if others:
            yield f"Decoding of {counted(len(others), 'film')} in other containers than PNG and JPEG is not counted."

    def stages(self) -> Iterator[StageFloor]:
        """Each stage with its floor, and last what lies between them."""
        for line in self.lines:
            bound = self._bound(line)
            if bound is None or not line.done:
                why = "nothing was done" if not line.done else "no count bounds it"
                yield StageFloor(line.stage, line.seconds, None, "", why)
            else:
                yield StageFloor(line.stage, line.seconds, bound.seconds, bound.bound, bound.words)
        whole = RunFacts.known(self.run.path).seconds
        if whole is not None:
            recorded = sum(line.seconds for line in self.lines if line.stage.split()[0] not in AFTER_RECORD)
            words = "start of Python and torch, digests, records: whole less its stages"
            yield StageFloor(_OTHER, max(whole - recorded, 0.0), None, "", words)

    def _bound(self, line: StageLine) -> _Bound | None:
        if line.stage.startswith(FEATURIZE):
            return self._features(line)
        known: dict[str, Callable[[StageLine], _Bound | None]] = {
            "duplicates": self._decoding, "audit": self._decoding, "prepare": self._preparation, "train": self._training,
            "predict": self._scores, "evaluate": self._figures,
        }  # fmt: skip
        return known[line.stage](line) if line.stage in known else None

    def _decoding(self, _: StageLine) -> _Bound:
        """Every film by the bare codec, on all cores."""
        seconds, pixels = 0.0, 0
        for film in self.run.manifest.films:
            rate = self.peaks.codecs.get(_container(film))
            if rate is not None:
                of_film = (film.width_px or _USUAL_PX) * (film.height_px or _USUAL_PX)
                seconds, pixels = seconds + of_film / rate.bare, pixels + of_film
        words = f"{counted(len(self.run.manifest), 'film')}, {pixels / 1e6:.0f} megapixels by the bare codec, on {self.peaks.threads} cores"
        return _Bound(seconds / self.peaks.threads, "codec", words)

    def _preparation(self, line: StageLine) -> _Bound:
        """Films decoded, their pixels read once and each prepared film written once."""
        n = len(
            {f.pixels_sha256 for d in self._drawn_everywhere() for part in d.parts.values() for f in part}
        )
        pixels = sum((f.width_px or _USUAL_PX) * (f.height_px or _USUAL_PX) for f in self.run.manifest.films)
        share, moved = _share(line), pixels + n * self._size_px**2
        decoding = self._decoding(line)
        words = f"{decoding.words}; then {_giga(moved)}B moved for {counted(n, 'distinct prepared film')}"
        return _Bound(
            share * (decoding.seconds + moved / self.peaks.copy["cpu"].a_second), "codec + memory", words
        )

    def _drawn_everywhere(self) -> Iterator[DrawnFilms]:
        return map(DrawnFilms.read, drawn_paths(self.run.path))

    def _features(self, line: StageLine) -> _Bound | None:
        """Multiply-adds of every film that passed, at the peak of the run's precision."""
        name = line.stage.removeprefix(FEATURIZE).split(" ")[0]
        cost, peak = self.run.record.costs.get(name), self._gemm(self.run.record.precision or "fp32")
        if cost is None or peak is None:
            return None
        operations = 2 * cost["multiply_adds"] * line.done
        words = f"{counted(line.done, 'film')} x {_giga(cost['multiply_adds'])} multiply-adds x 2, {_giga(peak)}op/s"
        return _Bound(operations / peak, "arithmetic", words)

    def _gemm(self, precision: str) -> float | None:
        found = self.peaks.gemm.get(f"{self._device} {precision}")
        return found.a_second if found else None

    def _head(self, cell: RunCell) -> HeadCost:
        record = self.run.record
        if backbone(
            cell.backbone
        ).precomputed:  # its network is its head; how long its vectors are is not recorded
            return HeadCost((0,), record.costs[cell.backbone]["multiply_adds"])
        return head_cost(
            cell.backbone, self._size_px, len(record.classes), record.table("training").get("head")
        )

    def _drawn(self, cell: RunCell, trial: int) -> DrawnFilms:
        return DrawnFilms.read(drawn_path(self.run.path, cell.splits, cell.prepared_as, trial))

    def _units(self) -> Iterator[tuple[RunCell, int]]:
        """Every trial that a model was trained for."""
        return (
            (c, t)
            for c, t in self.run.units(probes=True)
            if not c.members and c.epochs and c.probe != SOURCE_RULE
        )

    def _training(self, line: StageLine) -> _Bound | None:
        """A head: forward pass and gradients of its weights, or its features once an epoch; a network: three passes where all of it
        is trained, one where its head is; validation once an epoch."""
        operations, n_bytes, trained = 0.0, 0.0, 0
        for cell, trial in self._units():
            epochs = TrainFacts.known(self.run.folder(cell, trial)).epochs or cell.epochs or 0
            drawn = self._drawn(cell, trial)
            train, valid = (len(drawn.parts[p]) for p in ("train", "valid"))
            if cell.finetuned:
                passes = 3 if (cell.finetune or {}).get("train", "all") == "all" else 1
                each = self.run.record.costs[cell.backbone]["multiply_adds"]
            else:
                passes, head = 2, self._head(cell)
                each = head.multiply_adds
                n_bytes += epochs * (train + valid) * _feature_bytes(head)
            operations += epochs * (passes * train + valid) * 2 * each
            trained += 1
        return self._larger(operations, n_bytes, counted(trained, "training"), _share(line))

    def _scores(self, line: StageLine) -> _Bound | None:
        """Films of validation and test, each once through its head or network."""
        operations, n_bytes, n = 0.0, 0.0, 0
        for cell, trial in self._units():
            drawn = self._drawn(cell, trial)
            films = sum(len(drawn.held_out(p)) for p in HELD_OUT)
            if cell.finetuned:
                operations += films * 2 * self.run.record.costs[cell.backbone]["multiply_adds"]
            else:
                head = self._head(cell)
                operations += films * 2 * head.multiply_adds
                n_bytes += films * _feature_bytes(head)
            n += films
        return self._larger(operations, n_bytes, counted(n, "score"), _share(line))

    def _larger(self, operations: float, n_bytes: float, what: str, share: float) -> _Bound | None:
        peak = self._gemm("fp32")
        if peak is None or not (operations or n_bytes):
            return None
        arithmetic, memory = operations / peak, n_bytes / self.peaks.copy["cpu"].a_second
        words = f"{what}: {_giga(operations)}op, {_giga(n_bytes)}B of features"
        larger = max((arithmetic, "arithmetic"), (memory, "memory"))
        return _Bound(share * larger[0], larger[1], words)

    def _figures(self, _: StageLine) -> _Bound:
        """Every resample counts each test film at least once, for each cell's trials together and for each trial alone."""
        resamples = int(self.run.record.table("statistics").get("resamples", 2000))
        counts = sum(
            2 * len(self._drawn(c, t).parts["test"]) for c, t in self.run.units(probes=True) if not c.members
        )
        n_bytes = 4.0 * resamples * counts
        words = f"{resamples} resamples x {counts} counts of test films, {_giga(n_bytes)}B"
        return _Bound(n_bytes / self.peaks.copy["cpu"].a_second, "memory", words)


def _container(film: FilmRow) -> str:
    """Of an old manifest, by the file's name."""
    return film.container or {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg"}.get(
        Path(film.path).suffix.lower(), ""
    )


def _share(line: StageLine) -> float:
    """The part of a stage's work that was done and not found."""
    return line.done / max(line.done + line.found, 1)


def _feature_bytes(head: HeadCost) -> int:
    """Of one film's features as they are stored: maps in half precision."""
    return prod(head.shape) * (2 if len(head.shape) == 3 else 4)


def _giga(value: float) -> str:
    """With a letter for thousands.

    >>> _giga(4.1e9), _giga(512), _giga(2.5e12)
    ('4.1 G', '512 ', '2.5 T')
    """
    for letter, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g} "
