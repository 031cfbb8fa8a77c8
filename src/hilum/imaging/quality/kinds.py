"""What a picture is: a frontal chest film, the negative of one, a lateral film, a CT slice, a photograph of a film, or no chest film.

A fixed linear model (multinomial logistic regression) over 90 numbers that any picture has. Its weights are ``kinds.json``; what they were
trained on, and how often they are wrong, is measured by ``benchmarks/quality.py`` and stands in ``rates.json``. It sees a picture at 8 x 8
pixels and a few numbers more, so it knows nothing of disease, and it is no gate: it names films for a person to look at.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import fft

F32 = NDArray[np.float32]

FRONTAL: Final = "frontal"
KINDS: Final = (FRONTAL, "inverted", "lateral", "ct-slice", "photograph", "not-a-chest-film")
MODEL: Final = Path(__file__).with_name("kinds.json")
_SMALL_PX, _EDGES_PX, _TEXTURE_PX = 8, 64, 256
_DARK, _BUSY = 0.06, 0.02
_QUANTILES: Final = np.array([5, 25, 50, 75, 95]) / 100


def described(film: NDArray[np.uint8]) -> F32:
    """What the model sees, shape (90,): the film at 8 x 8 without its dark margins, standardised; its symmetries; greys and edges; the
    frame around it; how periodic its grain is.

    Args:
        film: Grey, uint8, (height, width).
    """
    inner = without_dark_margins(film)
    small = _reduced(inner, 2 * _SMALL_PX)
    z = (small - small.mean()) / (small.std() + 1e-3)
    s = _reduced(film, _EDGES_PX)
    gy, gx = np.gradient(s)
    mean, spread = s.mean(), s.std()
    quantiles = (percentiles(s.ravel()) - mean) / (spread + 1)
    greys = np.bincount((s // 32).astype(np.int64).ravel(), minlength=8) / s.size
    more = [
        inner.shape[1] / inner.shape[0], np.abs(z - z[:, ::-1]).mean(), np.abs(z - z[::-1]).mean(), np.hypot(gx, gy).mean() / (spread + 1),
        mean / 255, spread / 255, *_frame(s), _periodic(film),
    ]  # fmt: skip
    means = z.reshape(_SMALL_PX, 2, _SMALL_PX, 2).mean((1, 3)).ravel()
    return np.concatenate([means, quantiles, greys, more]).astype(np.float32)


def percentiles(s: NDArray[Any], of: NDArray[np.float64] = _QUANTILES) -> NDArray[np.float64]:
    """Quantiles of each row, shape (..., quantiles): numpy's bit for bit, in a fraction of its time.

    >>> percentiles(np.arange(5, dtype=np.uint8), np.array([0.25, 0.9])).tolist()
    [1.0, 3.6]
    """
    ordered = np.sort(s, axis=-1)
    last = ordered.shape[-1] - 1
    at = of * last
    below = np.floor(at).astype(np.intp)
    low, high = ordered[..., below], ordered[..., np.minimum(below + 1, last)]
    t, apart = at - below, high - low
    found: NDArray[np.float64] = np.where(t >= 0.5, high - apart * (1 - t), low + apart * t)
    return found


def without_dark_margins(film: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A film without the rows and columns at its sides that are all but black; the whole film where little would be left.

    >>> film = np.zeros((40, 40), np.uint8)
    >>> film[10:30, 5:35] = 200
    >>> without_dark_margins(film).shape
    (20, 30)
    """
    light = film > film.max() * _DARK
    rows = np.flatnonzero(np.count_nonzero(light, axis=1) / film.shape[1] > _BUSY)
    columns = np.flatnonzero(np.count_nonzero(light, axis=0) / film.shape[0] > _BUSY)
    if len(rows) < _SMALL_PX or len(columns) < _SMALL_PX:
        return film
    return film[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def kind_probabilities(film: NDArray[np.uint8]) -> dict[str, float]:
    """Kind of picture -> its probability by the model; they add up to 1."""
    weights, intercepts = _model()
    logits = weights @ described(film) + intercepts
    p = np.exp(logits - logits.max())
    return dict(zip(KINDS, (p / p.sum()).tolist(), strict=True))


def kind_scores(film: NDArray[np.uint8]) -> dict[str, float]:
    """Kind, but for frontal -> probability that the picture is no frontal film, where this kind is the likeliest of the others; else 0."""
    p = kind_probabilities(film)
    likeliest = max(KINDS[1:], key=lambda kind: p[kind])
    return {kind: 1 - p[FRONTAL] if kind == likeliest else 0.0 for kind in KINDS[1:]}


@cache
def _model() -> tuple[F32, F32]:
    """Weights (kinds, 90) and intercepts (kinds,)."""
    value = json.loads(MODEL.read_text("utf-8"))
    rows = [value["kinds"][kind] for kind in KINDS]
    return np.array([r["weights"] for r in rows], np.float32), np.array(
        [r["intercept"] for r in rows], np.float32
    )


def _reduced(film: NDArray[np.uint8], size_px: int) -> F32:
    return np.asarray(Image.fromarray(film).resize((size_px, size_px), Image.Resampling.BOX), np.float32)


def _frame(s: F32) -> list[float]:
    """Greys of the outermost ring and of the four corners, darkest first."""
    ring = np.concatenate([s[0], s[-1], s[1:-1, 0], s[1:-1, -1]]) / 255
    k = _EDGES_PX // 8
    corners = sorted(float(c.mean()) / 255 for c in (s[:k, :k], s[:k, -k:], s[-k:, :k], s[-k:, -k:]))
    return [float(ring.mean()), float(ring.std()), *corners]


def _periodic(film: NDArray[np.uint8]) -> float:
    """How far the strongest fine wave stands above waves of its length (log10 of power): the moire of a screen or of a scanned print."""
    size = (_TEXTURE_PX, _TEXTURE_PX)
    grey = np.asarray(Image.fromarray(film).resize(size, Image.Resampling.BILINEAR), np.float32)
    window, fine, ring, n_of_ring = _waves()
    values = np.log10(np.abs(fft.rfft2(grey * window)[fine]) ** 2 + 1)
    return float((values - (np.bincount(ring, values) / n_of_ring)[ring]).max())


@cache
def _waves() -> tuple[F32, NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """A window; which waves are fine and aslant; the ring of waves of like length that each is in, and how many are in each ring."""
    window = np.hanning(_TEXTURE_PX).astype(np.float32)
    fy = np.abs(np.fft.fftfreq(_TEXTURE_PX))[:, None]
    fx = np.fft.rfftfreq(_TEXTURE_PX)[None]
    length = np.hypot(fy, fx)
    fine = (length > 0.1) & (length < 0.5) & (fy > 0.02) & (fx > 0.02)
    ring = (length[fine] * 40).astype(np.int64)
    return window * window[:, None], fine, ring, np.maximum(np.bincount(ring), 1)
