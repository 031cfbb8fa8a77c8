"""What `hilum split` prints of an official split, and of a manifest that someone edited."""

from __future__ import annotations

from hilum.artifacts.header import Header
from hilum.artifacts.manifest import FilmRow, Manifest
from hilum.report.split_words import split_words
from hilum.splitting.divide import SplitOptions
from hilum.stages.split import draw_split


def test_an_official_split_says_where_its_validation_films_are_from_and_what_it_left_out() -> None:
    rows = [
        FilmRow(f"{p}-{c}-{k}", f"made:{p}-{c}-{k}", "", f"{p}-{c}-{k}", f"{p}{c}{k}", c, "made", p)
        for p, n in (("train", 50), ("val", 12), ("test", 20))
        for c in ("tb", "clear")
        for k in range(n)
    ]
    crossing = FilmRow("again", rows[-1].patient_id, "", "again", "again", "clear", "made", "train")
    films = Manifest([*rows, crossing], Header("manifest"), "edited")
    drawn = draw_split(films, None, SplitOptions("official", 3, crossing="keep-test"))
    lines = split_words(drawn, films).splitlines()
    assert lines[0].split() == ["part", "clear", "tb", "all"]
    assert lines[2].split() == ["train", "50", "50", "100"]
    told = " ".join(lines)
    assert "validation: the source's own" in told
    assert "1 film left out: their patient or a copy is in a part held back more (keep-test)" in told
    assert "near-duplicates were not looked for" in told
    assert "the manifest's provenance is edited" in told
