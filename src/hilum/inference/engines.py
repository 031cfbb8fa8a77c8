"""What computes a served bundle's logits: torch, or ONNX Runtime where that was measured faster and says the same.

Convention: what comes of a film does not depend on who shares its batch: each goes in by itself, in a batch of one fixed shape (of the
bundle's batch on a GPU). ONNX Runtime takes as many films at a time as there are cores, each on one of them, and a film that is alone on
all; that both give equal bits is looked at when the engine is made, and where it does not hold, no film gets more than one core.
(squeezenet1_0 at 244 px on two cores: 193 films/s so, 176 one by one on both cores, 163 to 187 by fours.)

An engine of ONNX Runtime is refused where its probabilities are farther from the predictor's own than `TOLERANCE`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, cast, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from hilum import __version__
from hilum.artifacts.bundle import Bundle, bundle_version
from hilum.core.digests import SHORT
from hilum.core.engine import available_cores
from hilum.core.errors import InputError, require_known
from hilum.core.files import writing
from hilum.core.mirror import at_hand
from hilum.core.seeding import generator
from hilum.inference.company import Company
from hilum.inference.exported import Logits, of_onnx, write_onnx
from hilum.inference.judged import probabilities
from hilum.inference.predictor import Predictor, plain_network
from hilum.models.networks import WholeNetwork
from hilum.models.onnx_graph import needs_onnx
from hilum.synthetic.phantom import LABELS, draw

EngineName = Literal["auto", "torch", "onnx"]
ENGINE_NAMES: Final[tuple[EngineName, ...]] = get_args(EngineName)
TOLERANCE: Final = {"fp32": 1e-4, "bf16": 1e-2}
"""Largest difference of a probability from the predictor's own, by the precision of the bundle."""
_CHECKED, _TIMED_S = 4, 0.4


@dataclass(frozen=True)
class NetworkEngine:
    """What computes logits.

    Attributes:
        name: ``torch`` or ``onnx``.
        words: With its version, for people.
        logits: Prepared films, uint8 (n, height, width), n at most `together`, to logits (n, n_classes).
        together: Films that may be asked for at once.
        lanes: Threads that may ask at a time.
        difference: Largest difference of a probability from the predictor's own, on the films that it was checked on.
        films_per_s: As measured when it was made; 0 where nothing was measured.
        why: Why it is this one.
    """

    name: str
    words: str
    logits: Logits
    together: int
    lanes: int = 1
    difference: float = 0.0
    films_per_s: float = 0.0
    why: str = ""


def engine_of(
    folder: Path,
    predictor: Predictor,
    asked: EngineName = "auto",
    device: str = "cpu",
    kept: Path | None = None,
) -> NetworkEngine:
    """The engine for a bundle.

    Args:
        folder: The bundle.
        predictor: Of the same bundle, on the same device.
        asked: ``torch``, ``onnx``, or ``auto`` for whichever is measured faster (on a GPU it is torch).
        device: ``cpu`` or ``cuda``.
        kept: Folder where graphs are kept from one start to the next.

    Raises:
        InputError: ``onnx`` was asked for and is not installed, or does not say what the predictor says.
    """
    plain = _torch_engine(predictor, device)
    if asked == "torch" or (asked == "auto" and device != "cpu"):
        return replace(plain, why="asked for" if asked == "torch" else "the network is on a GPU")
    films = check_films(predictor)
    try:
        graph = _onnx_engine(folder, predictor, films, kept)
    except InputError as e:
        if asked == "onnx":
            raise
        return replace(plain, why=f"ONNX Runtime was not taken: {e}")
    rates = {e.name: _films_per_s(e, films) for e in (plain, graph)}
    chosen = graph if asked == "onnx" or rates["onnx"] >= rates["torch"] else plain
    why = (
        "asked for"
        if asked == "onnx"
        else f"measured {rates['onnx']:.3g} films/s with ONNX Runtime, {rates['torch']:.3g} with torch"
    )
    return replace(chosen, films_per_s=round(rates[chosen.name], 2), why=why)


def engine_named(name: str) -> EngineName:
    """An engine by the name that a user typed.

    Raises:
        InputError: There is none of that name.
    """
    require_known(name, ENGINE_NAMES, "--engine: unknown engine")
    return cast(EngineName, name)


def check_films(predictor: Predictor) -> NDArray[np.uint8]:
    """Films that hilum draws, prepared as the bundle has them; noise where its preparation takes none of them."""
    rng = generator(0, "engine")
    drawn = [draw(LABELS[k % len(LABELS)], generator(0, "engine", k)).pixels for k in range(_CHECKED)]
    made = predictor.prepared(drawn)
    return np.stack(
        [rng.integers(0, 256, predictor.size_px, np.uint8) if isinstance(m, str) else m for m in made]
    )


def _torch_engine(predictor: Predictor, device: str) -> NetworkEngine:
    together = 1 if device == "cpu" else predictor.bundle.batch
    where = "" if device == "cpu" else f" on {device}"
    if predictor.frozen is not None and predictor.frozen.engine != "torch":
        where = " on features of ONNX Runtime"
    passed = predictor.passed  # its own: a reader puts an engine in its place

    def logits(films: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.asarray(passed(films, batch=together).double().cpu().numpy(), np.float64)

    return NetworkEngine("torch", f"torch {torch.__version__}{where}", logits, together)


class _OnnxLogits:
    """A graph that several threads may ask at a time: with one core for each film, and with all of them for a film that is alone.

    Args:
        path: The graph.
        network: That it was made of.
    """

    def __init__(self, path: Path, network: WholeNetwork) -> None:
        self.narrow = of_onnx(path, network, 1)
        self.wide = of_onnx(path, network, available_cores()) if available_cores() > 1 else self.narrow
        self._company = Company()

    def __call__(self, films: NDArray[np.uint8]) -> NDArray[np.float64]:
        with self._company.joined() as alone:
            return (self.wide if alone else self.narrow)(films)


def _onnx_engine(
    folder: Path, predictor: Predictor, films: NDArray[np.uint8], kept: Path | None
) -> NetworkEngine:
    needs_onnx()
    runtime = version("onnxruntime")
    bundle, _, state = Bundle.read(folder)
    network = plain_network(bundle, folder, state)
    with TemporaryDirectory() as temporary:
        path = (kept or Path(temporary)) / (
            f"{bundle_version(folder)[:SHORT]}-hilum-{__version__}-torch-{torch.__version__}.onnx"
        )
        if not at_hand(path).is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            with writing(path) as beside:
                write_onnx(network, predictor.size_px, {}, beside)
        try:
            logits = _OnnxLogits(path, network)
        except Exception as e:  # ONNX Runtime's own
            raise InputError(
                f"{path}: the graph that was kept cannot be read; remove it: it is made anew ({type(e).__name__})"
            ) from None
    one_by_one = np.concatenate([logits.narrow(film[None]) for film in films])
    own = probabilities(predictor.passed(films[: bundle.batch]), bundle.task)
    found = probabilities(torch.from_numpy(one_by_one), bundle.task)[: bundle.batch]
    difference = float(np.abs(found - own).max())
    if not difference <= TOLERANCE[bundle.precision]:
        raise InputError(
            f"its probabilities differ by {difference:.2g} from torch's in {bundle.precision}, more than {TOLERANCE[bundle.precision]:g}"
        )
    if not np.array_equal(np.concatenate([logits.wide(film[None]) for film in films]), one_by_one):
        logits.wide = logits.narrow
    return NetworkEngine("onnx", f"ONNX Runtime {runtime}", logits, 1, available_cores(), difference)


def _films_per_s(engine: NetworkEngine, films: NDArray[np.uint8]) -> float:
    """Films a second, with as many calls at a time as the engine takes."""
    some = films[: engine.together]
    engine.logits(some)
    start = time.perf_counter()

    def lane(_: int) -> int:
        n = 0
        while time.perf_counter() - start < _TIMED_S:
            engine.logits(some)
            n += len(some)
        return n

    with ThreadPoolExecutor(engine.lanes) as pool:
        n = sum(pool.map(lane, range(engine.lanes)))
    return n / (time.perf_counter() - start)


def in_turn(logits: Logits, together: int) -> Callable[[NDArray[np.uint8]], torch.Tensor]:
    """An engine's logits of any number of films."""

    def passed(films: NDArray[np.uint8]) -> torch.Tensor:
        return torch.from_numpy(
            np.concatenate([logits(films[k : k + together]) for k in range(0, len(films), together)])
        )

    return passed
