"""The overlapping draw of the published scripts: what FACTS says of it, replayed."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.artifacts.split import Split, UnsafeSplit, read_split
from hilum.cli.main import app
from hilum.core.errors import InputError, UnsafeError
from hilum.paper.published_draw import PUBLISHED_SEED, draw_as_published

PAPER = {"bacterial": 1437, "covid": 3616, "normal": 10192, "viral": 1345}


@pytest.fixture(scope="module")
def paper_counts() -> Manifest:
    films = [
        FilmRow(f"s/{c}-{k}", "", "", f"{c}{k}", f"{c}-{k}", c, "s")
        for c, n in PAPER.items()
        for k in range(n)
    ]
    return Manifest(films, Header("manifest", options={"no_patient_ids": ["s"]}))


def test_seed_88_gives_4147_of_8296(paper_counts: Manifest) -> None:
    split = draw_as_published(paper_counts, PUBLISHED_SEED)
    assert len(split.parts["test"]) == 8296
    assert split.n_shared == 4147


def test_the_replay_is_the_scripts_own_few_lines() -> None:
    """The same count from a transcription that shares no code: sorted by fresh random keys, twice."""
    rng = random.Random(88)
    train = {c: set(sorted(range(PAPER[c]), key=lambda _: rng.random())[: PAPER[c] // 2])
             for c in ("viral", "covid", "normal", "bacterial")}  # fmt: skip
    test = {c: set(sorted(range(PAPER[c]), key=lambda _: rng.random())[PAPER[c] // 2 :])
            for c in ("covid", "normal", "viral", "bacterial")}  # fmt: skip
    assert sum(len(train[c] & test[c]) for c in PAPER) == 4147


def test_other_seeds_give_half_within_what_chance_allows(paper_counts: Manifest) -> None:
    shares = np.array([draw_as_published(paper_counts, s).n_shared / 8296 for s in range(20)])
    assert np.all(np.abs(shares - 0.5) < 0.012)
    # hypergeometric by class: variance sum of n/16 (one quarter of n is both, a fair coin each side)
    expected = (sum(n / 16 for n in PAPER.values())) ** 0.5 / 8296
    assert 0.5 * expected < shares.std(ddof=1) < 1.6 * expected


def test_it_cannot_be_taken_for_a_split(paper_counts: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    draw_as_published(paper_counts, 1).write(path)
    with pytest.raises(InputError, match="unsafe split"):
        Split.read(path)
    again = read_split(path)
    assert isinstance(again, UnsafeSplit)
    assert again.n_shared == draw_as_published(paper_counts, 1).n_shared
    assert json.loads(path.read_text())["header"]["options"]["unsafe"] == ["overlapping_test_draw"]


def test_the_command_wants_to_be_told(paper_counts: Manifest, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    paper_counts.write(manifest)
    arguments = [
        "split",
        str(manifest),
        "--method",
        "as-published",
        "--seed",
        "88",
        "--out",
        f"{tmp_path}/s.json",
    ]
    refused = CliRunner().invoke(app, arguments)
    assert isinstance(refused.exception, UnsafeError)
    assert refused.exception.exit_code == 3
    done = CliRunner().invoke(app, [*arguments, "--unsafe"])
    assert done.exit_code == 0, done.output
    assert "4147 of 8296 test films are in train or validation too (50.0 %)" in done.output
