"""Films in columns are the films that they were as rows: equal rows, the same bytes on disk, the same digests, whatever their texts.

The oracle of each is the plain way, a list of rows and one text of everything, as hilum had it before.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.artifacts.drawn_films import DrawnFilm, DrawnFilms, DrawnPart, FactsOf, FilmFacts
from hilum.artifacts.header import Header, json_parts
from hilum.artifacts.manifest import COLUMNS, FilmRow, Manifest
from hilum.artifacts.places import Places, of_hex
from hilum.artifacts.prepared import PreparedRow, PreparedRows, Wanted
from hilum.core import columns
from hilum.core.columns import blocks, column_of
from hilum.core.digests import canonical_json, digest, digest_of_lists
from hilum.core.tables import known, read_by_column, read_table

ODD = st.one_of(
    st.sampled_from(
        ["", "covid", "normal", "none", "NaN", 'a "quoted", one', "Ω å 片", "line\nbreak", " blank "]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=6),
)
NAMES = st.dictionaries(st.sampled_from(["age", "scanner", "ward, bed", "größe"]), ODD, max_size=3)
SHA = st.integers(0, 9).map(lambda k: hashlib.sha256(bytes([k])).hexdigest())


@st.composite
def films(draw: st.DrawFn) -> list[FilmRow]:
    """Rows with ids that differ, in whatever order; attributes that some of them lack."""
    ids = draw(st.lists(ODD.filter(str.strip), unique=True, min_size=1, max_size=12))
    return [
        FilmRow(
            i, draw(ODD.map(lambda p: p or "p")), "/films/" + draw(ODD).replace("/", "") + "x", draw(SHA), draw(SHA), draw(ODD), draw(ODD),
            view=draw(ODD), width_px=draw(st.sampled_from([0, 96, 10**20])), height_px=draw(st.integers(0, 3)), attributes=draw(NAMES),
        )
        for i in ids
    ]  # fmt: skip


def plain_digest(rows: list[FilmRow]) -> str:
    """Of one list with everything in it."""
    keep = [c for c in COLUMNS if c not in ("path", "lung_mask", "container", "stored_as")]
    known_of = [[], [[getattr(f, c) for c in keep] for f in rows]]
    own = [{c: v for c, v in f.attributes.items() if v} for f in rows]
    value = [*known_of, own] if any(own) else known_of
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def plain_csv(rows: list[FilmRow]) -> bytes:
    """Of one writer, row by row."""
    own = sorted({c for f in rows for c, v in f.attributes.items() if v})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, *own])
    writer.writerows([f.value(c) for c in (*COLUMNS, *own)] for f in rows)
    return out.getvalue().encode()


@settings(deadline=None, max_examples=60)
@given(films(), st.sampled_from([1, 3, 4096]))
def test_a_manifest_in_columns_has_the_rows_the_bytes_and_the_digest_of_one_in_rows(
    rows: list[FilmRow], block: int
) -> None:
    ordered = sorted(rows, key=lambda f: f.image_id)
    with patch.object(columns, "BLOCK", block), TemporaryDirectory() as folder:
        manifest = Manifest(rows, Header("manifest"))
        bare = [
            FilmRow(*(getattr(f, c) for c in COLUMNS), {c: v for c, v in f.attributes.items() if v})
            for f in ordered
        ]
        assert list(manifest.films) == bare
        assert [manifest.by_id[f.image_id] for f in ordered] == bare
        assert manifest.films[-1] == bare[-1]
        assert manifest.films[1:3] == tuple(bare[1:3])
        for c in (*COLUMNS, "short_side_px", "age", "nothing"):
            assert list(manifest.texts(c)) == [f.value(c) for f in ordered]
        assert manifest.digest == plain_digest(ordered)
        path = Path(folder) / "manifest.csv"
        manifest.write(path)
        assert path.read_bytes() == plain_csv(ordered)
        half = [f.image_id for f in rows[::2]]
        assert list(manifest.only(half).films) == [f for f in bare if f.image_id in half]


@settings(deadline=None, max_examples=60)
@given(films())
def test_a_manifest_is_read_as_its_table_is_row_by_row(rows: list[FilmRow]) -> None:
    with patch.object(columns, "BLOCK", 3), TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.csv"
        Manifest(rows, Header("manifest")).write(path)
        as_it_stands = ("image_id", "path", "sha256", "pixels_sha256", "source")
        sources = {row.values["source"] for row in read_table(path, exact=True).rows}
        Manifest(rows, Header("manifest", options={"no_patient_ids": sorted(sources)})).write(path)
        found = Manifest.read(path)
        for film, row in zip(found.films, read_table(path, exact=True).rows, strict=True):
            for c, text in row.values.items():
                if c not in ("path", "patient_id"):
                    assert film.value(c) == (text if c in as_it_stands else known(text))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(ODD, max_size=4), max_size=9), st.sampled_from([1, 2, 4096]))
def test_a_table_by_column_is_the_table_by_row(rows: list[list[str]], block: int) -> None:
    with patch.object(columns, "BLOCK", block), TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([["a", "b", "c", "d"], *rows])
        path.write_text(out.getvalue(), encoding="utf-8", newline="")
        by_row, by_column = read_table(path, exact=True), read_by_column(path)
        assert by_column.lines.tolist() == [r.line for r in by_row.rows]
        assert tuple(by_column.columns) == by_row.columns
        for c, texts in by_column.columns.items():
            assert list(texts) == [r.values.get(c, "") for r in by_row.rows]


@settings(deadline=None)
@given(st.lists(st.one_of(ODD, st.text(max_size=3)), max_size=30), st.sampled_from([1, 5, 4096]))
def test_a_column_is_the_list_that_it_was_made_of(values: list[str], block: int) -> None:
    with patch.object(columns, "BLOCK", block):
        found = column_of(values)
        assert list(found) == values
        assert [found[k] for k in range(len(values))] == values
        assert list(found.mapped(str.upper)) == [v.upper() for v in values]
        odd = list(range(len(values)))[::-2]
        assert list(found.take(odd)) == [values[k] for k in odd]


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), ODD),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(ODD, inner, max_size=4)),
    max_leaves=20,
)


@settings(deadline=None)
@given(JSON, st.lists(st.lists(JSON, max_size=5), max_size=3))
def test_json_in_parts_is_the_json_of_the_whole(value: Any, lists: list[list[Any]]) -> None:
    with patch.object(columns, "BLOCK", 2):
        whole = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
        assert "".join(json_parts(value)) == whole
        assert digest_of_lists(*lists) == digest(lists)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 20), max_size=6), max_size=8))
def test_a_digest_leads_to_the_first_place_that_it_was_added_with(files: list[list[int]]) -> None:
    # half of them begin with the same eight bytes
    named = [("00" * 8 if k % 2 else "") + hashlib.sha256(bytes([k])).hexdigest() for k in range(21)]
    named = [d[:64] for d in named]
    places, first = Places(), dict[str, tuple[int, int]]()
    for f, rows in enumerate(files):
        places.add(Path(str(f)), of_hex([named[k] for k in rows]))
        for row, k in enumerate(rows):
            first.setdefault(named[k], (f, row))
        found = zip(*(found.tolist() for found in places.find(named)), strict=True)
        assert list(found) == [first.get(d, (-1, -1)) for d in named]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), JSON), min_size=1, max_size=20), st.data())
def test_what_a_trial_draws_is_written_and_told_the_same_from_columns(
    made: list[tuple[int, int, Any]], data: st.DataObject
) -> None:
    wanted = [Wanted("crop", "train", 7, copy) for copy in range(3)]
    by_key = {(f"film {i}", wanted[c]): drawn for i, c, drawn in made}
    shas = {key: hashlib.sha256(repr(key).encode()).hexdigest() for key in by_key}
    with patch.object(columns, "BLOCK", 4):
        rows = PreparedRows()
        for i in sorted({i for i, _ in by_key}):
            own = [PreparedRow(i, w, shas[i, w], d) for (j, w), d in by_key.items() if j == i]
            rows.add([i], own)
        asked = data.draw(st.lists(st.sampled_from(sorted(by_key)), max_size=8))
        listed = [DrawnFilm(i, w.copy, shas[i, w], by_key[i, w]) for i, w in asked]
        part = DrawnPart(rows, asked)
        assert list(part) == listed
        ids = sorted({i for i, _ in by_key})
        manifest = Manifest(
            [FilmRow(i, "p", "/f", "s", "s", "ab"[k % 2], "x") for k, i in enumerate(ids)], Header("manifest")
        )
        groups = {i: f"group of {i}" for i in ids}
        facts = {i: FilmFacts("ab"[k % 2], "p", groups[i]) for k, i in enumerate(ids)}
        one, other = (
            DrawnFilms(Header("prepared"), {"train": films, "valid": films[:2], "test": films[2:]}, of, ["k"])
            for films, of in ((listed, facts), (part, FactsOf(ids, manifest, groups)))
        )
        assert one.digest_of("train", "ab") == other.digest_of("train", "ab")
        assert list(one.held_out("valid")) == list(other.held_out("valid"))
        assert one.digests == other.digests
        with TemporaryDirectory() as folder:
            one.write(Path(folder) / "one.json")
            other.write(Path(folder) / "other.json")
            assert (Path(folder) / "one.json").read_bytes() == (Path(folder) / "other.json").read_bytes()


def test_a_column_of_numbers_stays_one_of_numbers() -> None:
    many = list(range(3 * columns.BLOCK))
    assert list(column_of(many)) == many
    assert column_of(many)[5] == 5
    with pytest.raises(IndexError):
        column_of(["a"])[1]
    assert np.asarray(column_of([1, 2])).tolist() == [1, 2]


def test_a_film_takes_less_than_half_a_kib_and_its_drawing_a_quarter(tmp_path: Path) -> None:
    n = 3 * columns.BLOCK
    shas = [hashlib.sha256(b"%d" % k).hexdigest() for k in range(n)]
    rows = (
        FilmRow(f"hospital/covid/{k:08}", f"hospital:P{k // 3:07}", f"/archive/films/hospital/covid/{k:08}.png", sha, sha, "covid",
                "hospital", view="PA", width_px=1024, height_px=1024, attributes={"scanner": f"scanner {k % 23}"})
        for k, sha in enumerate(shas)
    )  # fmt: skip
    path = tmp_path / "manifest.csv"
    Manifest(rows, Header("manifest")).write(path)
    tracemalloc.start()
    try:
        manifest = Manifest.read(path)
        of_manifest, _ = tracemalloc.get_traced_memory()
        prepared, w = PreparedRows(), Wanted("crop", "train", 1)
        drawn = [{"step": 0, "drawn": {"left_px": 1}}]
        for k, ids in enumerate(blocks(manifest.films.ids, 256)):
            prepared.add(
                ids, [PreparedRow(i, w, s, drawn) for i, s in zip(ids, shas[256 * k :], strict=False)]
            )
        of_rows, _ = tracemalloc.get_traced_memory()
        parts = [DrawnPart(prepared, [(i, w) for i in manifest.films.ids]) for _ in range(4)]
        of_trials, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert of_manifest / n < 512
    assert (of_rows - of_manifest) / n < 256
    assert (of_trials - of_rows) / n / len(parts) < 10
