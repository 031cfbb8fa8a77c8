"""The service under a fuzzer of its description, and under tens of thousands of mutated films: it answers, and never with a defect."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from dicom_films import bytes_of, film_of
from hilum.serve.tokens import new_token
from needs import needed_module
from serving import film, made, running, with_limits

N_FILMS = int(os.environ.get("HILUM_MUTATED_FILMS", "50000"))
A_REQUEST = 16
LIMITS = with_limits(waiting=64, a_minute=10**7, films=A_REQUEST, request_bytes=4_000_000, body_seconds=20)


@pytest.mark.slow
def test_schemathesis_finds_nothing_but_films_that_are_none(tiny_study, tmp_path):
    needed_module("schemathesis")
    st = Path(sys.executable).with_name("schemathesis")
    secret, _ = new_token(tmp_path / "state", "fuzzer", ("admin",), 1)
    with running(made(tiny_study / "model", tmp_path / "state", limits=LIMITS)) as url:
        # a schema cannot say which bytes are a film, or which folder holds a bundle: valid by it may be 422
        left_out = ["--exclude-checks", "positive_data_acceptance", "-H", f"Authorization: Bearer {secret}"]
        done = subprocess.run(
            [st, "run", f"{url}/openapi.json", "--max-examples", "40", "--seed", "1", "--checks", "all", *left_out],
            capture_output=True, text=True, cwd=tmp_path, timeout=900,
        )  # fmt: skip
    print(done.stdout[-1500:])
    assert done.returncode == 0, done.stdout[-5000:]
    assert "Tested: 8" in done.stdout


def base_films() -> dict[str, bytes]:
    """One good film of each container."""
    pixels = np.random.default_rng(1).integers(0, 256, (48, 40), np.uint8)
    found = {"dicom": bytes_of(film_of(pixels.astype(np.int64)))}
    for kind in ("PNG", "JPEG", "TIFF"):
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, kind, **({"compression": "tiff_lzw"} if kind == "TIFF" else {}))
        found[kind.lower()] = data.getvalue()
    return found


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes changed, cut, doubled or taken from elsewhere in the file."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        at, n = int(rng.integers(0, len(out))), int(rng.integers(1, 9))
        kind = rng.integers(0, 5)
        if kind == 0:
            out[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            out[at : at + n] = rng.integers(0, 256, n, np.uint8).tobytes()
        elif kind == 2:
            del out[at : at + n]
        elif kind == 3:
            out[at:at] = out[at : at + n]
        else:
            out = out[: max(1, at)]
        out = out or bytearray(b"\0")
    return bytes(out)


@pytest.mark.slow
def test_mutated_films_never_bring_the_service_down(tiny_study, tmp_path):
    bases = base_films()
    service = made(tiny_study / "model", tmp_path / "state", limits=LIMITS)
    statuses, outcomes = Counter(), Counter()
    start = time.perf_counter()

    def ask(url: str, k: int) -> None:
        rng = np.random.default_rng(k)
        kinds = [list(bases)[int(i)] for i in rng.integers(0, len(bases), A_REQUEST)]
        files = [("films", ("film", mutated(bases[kind], rng))) for kind in kinds]
        response = httpx.post(f"{url}/v1/predict", files=files, timeout=120)
        statuses[response.status_code] += 1
        if response.status_code == 200:
            for kind, f in zip(kinds, response.json()["answers"], strict=True):
                outcomes[kind, f["error"] or "answered"] += 1

    with running(service) as url:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda k: ask(url, k), range(N_FILMS // A_REQUEST)))
        good = httpx.post(
            f"{url}/v1/predict", content=film(), headers={"content-type": "image/png"}, timeout=30
        )
    seconds = time.perf_counter() - start
    print(
        f"{sum(outcomes.values())} films in {seconds:.0f} s; statuses {dict(statuses)}; processes lost {service.workers.n_lost}"
    )
    print(sorted(outcomes.items()))
    assert set(statuses) <= {200, 503}
    assert statuses[200] > 0.99 * sum(statuses.values())
    assert good.status_code == 200
    assert {kind for kind, _ in outcomes} == set(bases)
