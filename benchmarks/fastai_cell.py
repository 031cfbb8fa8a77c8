"""A rival of a cold cell, as a fastai user writes it: a frozen network and a head, every film of a folder through it in every epoch.

    python benchmarks/fastai_cell.py --images DIR --backbone squeezenet1_0 --epochs 20

DIR has a folder a class. Half of the films are tested, a fifth of the rest validates. One epoch is timed and multiplied, as the plain
procedure does; imports are not counted. Prints one JSON line. https://docs.fast.ai/vision.learner.html
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path

SIZE_PX = 244


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--backbone", default="squeezenet1_0")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--size-px", type=int, default=SIZE_PX)
    a = parser.parse_args()
    import torchvision
    from fastai.vision.all import CrossEntropyLossFlat, ImageDataLoaders, Resize, vision_learner

    start = time.perf_counter()
    files = sorted(p for p in a.images.rglob("*") if p.suffix.lower() in {".png", ".jpg", ".jpeg"})
    random.Random(1).shuffle(files)
    half = len(files) // 2
    test, learned = files[half:], files[:half]
    loaders = ImageDataLoaders.from_path_func(
        a.images, learned, lambda p: p.parent.name, valid_pct=0.2, seed=1, item_tfms=Resize(a.size_px), bs=32, num_workers=0
    )  # fmt: skip
    learner = vision_learner(
        loaders, getattr(torchvision.models, a.backbone), pretrained=False, loss_func=CrossEntropyLossFlat()
    )
    learner.freeze()
    prepared = time.perf_counter() - start
    with learner.no_bar(), learner.no_logging():
        learner.validate()  # warm
        start = time.perf_counter()
        learner.fit(1, 5e-4)
        epoch = time.perf_counter() - start
        start = time.perf_counter()
        learner.get_preds(dl=loaders.test_dl(test))
        predicted = time.perf_counter() - start
    seconds = {"prepare": prepared, "train": epoch * a.epochs, "predict": predicted}
    value = {
        "learned": len(learned),
        "test": len(test),
        "seconds": {**seconds, "total": sum(seconds.values())},
    }
    print()
    print(json.dumps(value))


if __name__ == "__main__":
    main()
