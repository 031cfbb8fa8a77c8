"""How often each quality flag of `hilum.imaging.quality` is wrong, on films with a known answer; and the weights of its model of kinds.

    python benchmarks/quality.py MANIFEST [--strangers CSV] [--films N] [--write FOLDER] [--json FILE]

MANIFEST names frontal films of several sources; of each at most N are read. CSV (kind, path, group) names pictures that are none: kinds
``lateral`` and ``ct-slice``. Beside them stand phantoms and what is planted here: negatives of the frontal films, photographs of them
(a tilted film before the grid of a screen), pictures of daily things (those of scikit-image and scikit-learn), noise, gradients,
films whose pieces were shuffled, painted words, borders, clipped exposures. A kind is judged by models that saw neither the film nor its
patient (five folds), and once more, for false alarms, by models that saw no film of its source. ``--write`` puts the weights
of the model trained on all (``kinds.json``) and the rates (``rates.json``) into a folder: that of the package.
"""

from __future__ import annotations

import argparse
import csv
import json
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import skimage.data
import sklearn.datasets
from machine import describe
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, map_coordinates
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

from hilum.artifacts.manifest import Manifest
from hilum.core.seeding import generator, key_entropy
from hilum.imaging.decode import decode_file
from hilum.imaging.quality import FLAGS, Flag
from hilum.imaging.quality.kinds import FRONTAL, KINDS, described
from hilum.synthetic.phantom import draw_patient

Film = NDArray[np.uint8]
Random = np.random.Generator
_C = 0.02
PLANTED = 200
"""Films that something is planted into, of each sort."""


class Seen(NamedTuple):
    """A picture: where it is from, what it is, whose it is (for the folds), and its pixels."""

    source: str
    kind: str
    group: str
    film: Film


def frontal_films(manifest: Manifest, most: int) -> Iterator[Seen]:
    """At most so many films of each source and, within the first source of a class, drawn by name."""
    by_source = defaultdict(list)
    for f in sorted(manifest.films, key=lambda f: key_entropy(0, "quality", f.image_id)):
        if len(by_source[f.source]) < most:
            by_source[f.source].append(f)
    for source, films in by_source.items():
        for f in films:
            yield Seen(source, FRONTAL, f.patient_id or f.image_id, decode_file(Path(f.path)).pixels)


def phantoms(n: int) -> Iterator[Seen]:
    """Frontal films that hilum draws."""
    for k in range(n):
        label = ("normal", "covid", "bacterial", "viral")[k % 4]
        film = draw_patient(label, generator(0, "quality", k), generator(1, "quality", k), 256).pixels
        yield Seen("phantoms", FRONTAL, f"phantom {k}", film)


def strangers(path: Path | None) -> Iterator[Seen]:
    """What a csv names."""
    if path is not None:
        with path.open(encoding="utf-8") as f:
            for row in csv.DictReader(f):
                yield Seen(row["kind"], row["kind"], row["group"], decode_file(Path(row["path"])).pixels)


def no_films(films: list[Seen]) -> Iterator[Seen]:
    """Pictures of daily things, whole and in pieces; noise of several grains; gradients; films whose 16 pieces were shuffled."""
    stranger = "not-a-chest-film"
    folders = (Path(skimage.data.__file__).parent, Path(sklearn.datasets.__file__).parent / "images")
    for path in sorted(p for f in folders for p in f.iterdir() if p.suffix in (".png", ".jpg")):
        with Image.open(path) as opened:
            picture = np.asarray(opened.convert("L"))
        rng, side = generator(0, "pieces", path.name), min(picture.shape) // 2
        if picture.std() > 5 and side > 60:
            yield Seen("pictures", stranger, path.name, picture)
            for _ in range(4):
                top, left = (int(rng.integers(0, n - side)) for n in picture.shape)
                yield Seen("pictures", stranger, path.name, picture[top : top + side, left : left + side])
    for k in range(40):
        grain = gaussian_filter(generator(0, "noise", k).normal(size=(224, 224)), (0, 1, 3, 8, 20)[k % 5])
        yield Seen("noise", stranger, f"noise {k}", _stretched(grain))
    y, x = np.mgrid[-1:1:224j, -1:1:224j]
    for k in range(24):
        a, b, c = generator(0, "gradient", k).normal(size=3)
        yield Seen("gradients", stranger, f"gradient {k}", _stretched(a * x + b * y + c * np.hypot(x, y)))
    for k, seen in enumerate(films[:80]):
        h, w = (n // 4 * 4 for n in seen.film.shape)
        pieces = seen.film[:h, :w].reshape(4, h // 4, 4, w // 4).swapaxes(1, 2).reshape(16, h // 4, w // 4)
        pieces = pieces[generator(0, "shuffled", k).permutation(16)].reshape(4, 4, h // 4, w // 4)
        yield Seen("shuffled", stranger, seen.group, pieces.swapaxes(1, 2).reshape(h, w))


def _stretched(plane: NDArray[np.float64]) -> Film:
    low, high = plane.min(), plane.max()
    return np.asarray((plane - low) / (high - low + 1e-9) * 255, np.uint8)


def negative(film: Film, _: Random) -> Film:
    """A film stored the other way round."""
    return np.asarray(255 - film, np.uint8)


def photograph(film: Film, rng: Random) -> Film:
    """A film before a light box or on a screen, taken by hand: perspective, a lit surrounding, falling light, the grid of a screen."""
    side = 400
    film = np.asarray(Image.fromarray(film).resize((side, side), Image.Resampling.BILINEAR))
    corner = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    to = (
        corner * (1 - 2 * rng.uniform(0.03, 0.15))
        + rng.uniform(0.03, 0.15, 2)
        + rng.uniform(-0.05, 0.05, (4, 2))
    )
    rows = []
    for (u, v), (x, y) in zip(corner, to, strict=True):  # the homography from the photograph to the film
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    h = np.append(np.linalg.solve(np.array(rows), corner.ravel()), 1).reshape(3, 3)
    y, x = np.mgrid[0:1:400j, 0:1:400j]
    u, v, w = np.einsum("ij,jkl->ikl", h, np.stack([x, y, np.ones_like(x)]))
    u, v = u / w, v / w
    at = np.stack([v * (film.shape[0] - 1), u * (film.shape[1] - 1)])
    smooth = gaussian_filter(film.astype(np.float32), 0.6)
    inside = (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
    around = (
        rng.uniform(10, 220)
        + rng.uniform(-40, 40) * x
        + rng.uniform(-40, 40) * y
        + gaussian_filter(rng.normal(size=x.shape), 2) * 8
    )
    picture = np.where(
        inside,
        rng.uniform(20, 60) + map_coordinates(smooth, at, order=1, mode="nearest") * rng.uniform(0.5, 0.8),
        around,
    )
    cx, cy = rng.uniform(0.3, 0.7, 2)
    light = 1 - rng.uniform(0.1, 0.5) * ((x - cx) ** 2 + (y - cy) ** 2) * 2
    angle, length = rng.uniform(0.2, 1.3), rng.uniform(3, 9)
    grid = rng.uniform(0, 6) * np.sin(2 * np.pi * side / length * (x * np.cos(angle) + y * np.sin(angle)))
    return np.clip(picture * light + grid * inside + rng.normal(0, 2, x.shape), 0, 255).astype(np.uint8)


def written(film: Film, rng: Random) -> Film:
    """A line of words painted on, light or dark, as high as a thirtieth to a fifteenth of the film."""
    picture = Image.fromarray(film)
    text = str(
        rng.choice(["PORTABLE AP", "Day 7  12:45", "Case 17 (b)", "ERECT 02/04/2020", "Figure 2A  PA view"])
    )
    size = max(9, int(film.shape[0] * rng.uniform(1 / 30, 1 / 15)))
    where = (int(film.shape[1] * rng.uniform(0.02, 0.4)), int(film.shape[0] * rng.choice([0.03, 0.5, 0.88])))
    ImageDraw.Draw(picture).text(
        where, text, fill=int(rng.choice([0, 255, 255])), font=ImageFont.load_default(size)
    )
    return np.asarray(picture)


def bordered(film: Film, rng: Random) -> Film:
    """Black, grey or white borders that make up a quarter to a half of the picture."""
    h, w = film.shape
    share = rng.uniform(0.25, 0.5)
    wide = 1 / (1 - share)
    out = np.full(
        (h, round(w * wide)) if rng.random() < 0.5 else (round(h * wide**0.5), round(w * wide**0.5)),
        int(rng.choice([0, 0, 128, 255])),
        np.uint8,
    )
    top, left = (out.shape[0] - h) // 2, (out.shape[1] - w) // 2
    out[top : top + h, left : left + w] = film
    return out


def clipped(film: Film, rng: Random) -> Film:
    """Greys pushed over one end until a third of the picture is there."""
    if rng.random() < 0.5:
        at = np.percentile(film, 66)
        return np.clip(film * (255 / max(at, 1)), 0, 255).astype(np.uint8)
    at = float(np.percentile(film[film > 0], 40)) if film.any() else 0
    return np.clip((film - at) * (255 / max(255 - at, 1)), 0, 255).astype(np.uint8)


def blank(film: Film, rng: Random) -> Film:
    """A film in an eighth of the greys."""
    return (film // 9 + rng.integers(0, 200)).astype(np.uint8)


PLANTS: dict[str, Callable[[Film, Random], Film]] = {
    "nearly-blank": blank, "burned-in-text": written, "wide-border": bordered, "clipped-exposure": clipped,
}  # fmt: skip
"""Flag -> what makes a film that has it."""


def all_kinds(films: list[Seen], others: list[Seen]) -> list[Seen]:
    """Pictures of every kind, planted ones too: of each source's films the first, in turn."""
    some = sorted(films, key=lambda s: key_entropy(0, "planted", s.source, s.group))[:PLANTED]
    planted = [
        Seen(s.source, kind, s.group, make(s.film, generator(0, kind, k)))
        for kind, make in (("inverted", negative), ("photograph", photograph))
        for k, s in enumerate(some)
    ]
    return [*films, *others, *no_films(some), *planted]


class Model(NamedTuple):
    """Weights (kinds, numbers) and intercepts (kinds,) on the numbers as they are."""

    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of every kind, (n, kinds)."""
        logits = x @ self.weights.T + self.intercepts
        p = np.exp(logits - logits.max(1, keepdims=True))
        return np.asarray(p / p.sum(1, keepdims=True))


def fit(x: NDArray[np.float32], kinds: NDArray[np.str_]) -> Model:
    """The model of some pictures, each as it is and mirrored; kinds count alike up to the root of their number."""
    scale = StandardScaler().fit(x)
    n = {k: float((kinds == k).sum()) for k in KINDS}
    weight = {k: (len(kinds) / len(KINDS) / v) ** 0.5 for k, v in n.items() if v}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = LogisticRegression(C=_C, max_iter=300, class_weight=weight).fit(scale.transform(x), kinds)
    at = [KINDS.index(k) for k in found.classes_]
    weights, intercepts = (
        np.zeros((len(KINDS), x.shape[1])),
        np.full(len(KINDS), -50.0),
    )  # of a kind without pictures
    weights[at] = found.coef_ / scale.scale_
    intercepts[at] = found.intercept_ - weights[at] @ scale.mean_
    return Model(weights, intercepts)


def mirror(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """What would be seen of the pictures mirrored: the 8 x 8 greys from right to left, all else as it is."""
    return np.concatenate([x[:, :64].reshape(-1, 8, 8)[:, :, ::-1].reshape(-1, 64), x[:, 64:]], axis=1)


def out_of_fold(
    x: NDArray[np.float32], mirrored: NDArray[np.float32], seen: list[Seen]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities by models that saw no film of the group; and by models that saw none of the source (frontal films only)."""
    kinds, groups, sources = (
        np.array([getattr(s, name) for s in seen]) for name in ("kind", "group", "source")
    )
    folds, left_out = np.zeros((len(seen), len(KINDS))), np.zeros((len(seen), len(KINDS)))

    def model(train: NDArray[np.bool_]) -> Model:
        return fit(np.concatenate([x[train], mirrored[train]]), np.concatenate([kinds[train]] * 2))

    for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=0).split(x, kinds, groups):
        folds[test] = model(np.isin(np.arange(len(seen)), train)).probabilities(x[test])
    for source in np.unique(sources[kinds == FRONTAL]):
        of_source = sources == source
        left_out[of_source] = model(~of_source).probabilities(x[of_source])
    return folds, left_out


def measured(
    seen: list[Seen], by_fold: NDArray[np.float64], by_source: NDArray[np.float64]
) -> dict[str, Any]:
    """Flag -> films that have it and those of them missed, by sort; frontal films named all the same, by source."""
    frontal = [k for k, s in enumerate(seen) if s.kind == FRONTAL]
    planted = sorted(frontal, key=lambda k: key_entropy(1, "planted", seen[k].source, seen[k].group))[
        :PLANTED
    ]
    rates: dict[str, Any] = {}
    for flag in FLAGS:
        missed: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        alarms: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        unseen: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        if flag.score is None:
            for k, s in enumerate(seen):
                if s.kind == flag.code:
                    sort = s.source if s.kind == "not-a-chest-film" else s.kind
                    _count(missed[sort], not _named(by_fold[k], flag))
            for k in frontal:
                _count(alarms[seen[k].source], _named(by_fold[k], flag))
                _count(unseen[seen[k].source], _named(by_source[k], flag))
        else:
            for n, k in enumerate(planted):
                film = PLANTS[flag.code](seen[k].film, generator(2, flag.code, n))
                _count(missed["planted"], flag.score(film) < flag.threshold)
            for k in frontal:
                _count(alarms[seen[k].source], flag.score(seen[k].film) >= flag.threshold)
        rates[flag.code] = {
            "missed": dict(missed),
            **({"named": dict(alarms)} if flag.score else {"false_alarms": dict(alarms)}),
        }
        if unseen:
            rates[flag.code]["of_an_unseen_source"] = dict(unseen)
    return rates


def _named(p: NDArray[np.float64], flag: Flag) -> bool:
    """Whether a picture of these probabilities has the flag, as `hilum.imaging.quality.kinds.kind_scores` has it."""
    return KINDS[1 + int(p[1:].argmax())] == flag.code and 1 - p[0] >= flag.threshold


def _count(of: list[int], wrong: bool) -> None:
    of[0] += int(wrong)
    of[1] += 1


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--strangers", type=Path)
    parser.add_argument("--films", type=int, default=200)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    films = [*frontal_films(Manifest.read(asked.manifest), asked.films), *phantoms(min(120, asked.films))]
    seen = all_kinds(films, list(strangers(asked.strangers)))
    x = np.stack([described(s.film) for s in seen])
    mirrored = mirror(x)
    rates = measured(seen, *out_of_fold(x, mirrored, seen))
    for code, found in rates.items():
        print(
            code,
            *(f"{what}: " + ", ".join(f"{k} {a}/{n}" for k, (a, n) in found[what].items()) for what in found),
            sep="\n  ",
        )
    if asked.write:
        kinds = np.array([s.kind for s in seen])
        model = fit(np.concatenate([x, mirrored]), np.concatenate([kinds] * 2))
        weights = {
            k: {"intercept": round(float(b), 5), "weights": [float(f"{v:.5g}") for v in w]}
            for k, w, b in zip(KINDS, *model, strict=True)
        }
        of = {k: int((kinds == k).sum()) for k in KINDS}
        (asked.write / "kinds.json").write_text(
            json.dumps({"films": of, "kinds": weights}) + "\n", encoding="utf-8"
        )
        (asked.write / "rates.json").write_text(json.dumps(rates, indent=1) + "\n", encoding="utf-8")
    if asked.json:
        asked.json.write_text(
            json.dumps({"machine": describe(), "rates": rates}, indent=1) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
