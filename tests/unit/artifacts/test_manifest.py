"""manifest.csv: what is checked on reading, and what its digest covers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hilum.artifacts.header import Header, header_path
from hilum.artifacts.manifest import COLUMNS, Exclusion, FilmRow, Manifest, read_exclusions, write_exclusions
from hilum.core.errors import InputError

FILM = FilmRow("s/a", "s:1", "/films/a.png", "f" * 64, "e" * 64, "covid", "s", width_px=3, height_px=2)
OTHER = replace(FILM, image_id="s/b", patient_id="s:2", path="/films/b.png", label="normal")


def made(*films: FilmRow) -> Manifest:
    return Manifest(films, Header("manifest"))


def test_it_is_read_as_it_was_written_with_paths_beside_it_relative(tmp_path: Path) -> None:
    inside = replace(FILM, path=str(tmp_path / "films" / "a.png"))
    m = made(inside, OTHER)
    m.write(tmp_path / "manifest.csv")
    text = (tmp_path / "manifest.csv").read_text()
    assert ",films/a.png," in text
    assert ",/films/b.png," in text
    again = Manifest.read(tmp_path / "manifest.csv")
    assert again.films == m.films
    assert again.digest == m.digest
    assert again.provenance == "hilum"


def test_the_digest_covers_what_films_are_not_where_they_lie_nor_their_order() -> None:
    assert (
        made(FILM, OTHER).digest
        == made(OTHER, replace(FILM, path="/elsewhere.png", lung_mask="m.png")).digest
    )
    for change in (
        {"label": "viral"},
        {"patient_id": "s:9"},
        {"pixels_sha256": "0" * 64},
        {"age_group": "child"},
    ):
        assert made(FILM, OTHER).digest != made(replace(FILM, **change), OTHER).digest  # type: ignore[arg-type]


def test_a_bare_or_edited_csv_is_accepted_and_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    made(FILM).write(path)
    path.write_text(path.read_text().replace("covid", "viral"))
    assert Manifest.read(path).provenance == "edited"
    header_path(path).unlink()
    assert Manifest.read(path).provenance == "unknown"


def test_patients_may_be_missing_only_when_declared() -> None:
    nobody = replace(FILM, patient_id="")
    with pytest.raises(InputError, match=r"1 films of source 's' have no patient_id.*--no-patient-ids s"):
        made(nobody)
    assert len(Manifest([nobody], Header("manifest", options={"no_patient_ids": ["s"]}))) == 1
    elsewhere = replace(
        nobody, image_id="t/a", source="t"
    )  # what is declared of one source is not of another
    with pytest.raises(InputError, match=r"1 films? of source 't' ha(s|ve) no patient_id"):
        Manifest([nobody, elsewhere], Header("manifest", options={"no_patient_ids": ["s"]}))


def test_ids_are_unique() -> None:
    with pytest.raises(InputError, match="'s/a'"):
        made(FILM, FILM)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("label", "lable", "expected a manifest, with a column 'label'"),
        (",3,2,", ",3,two,", "line 2: height_px must be a whole number, got 'two'"),
    ],
)
def test_malformed_tables(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "manifest.csv"
    made(FILM).write(path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        Manifest.read(path)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="hilum ingest SOURCE"):
        Manifest.read(tmp_path / "manifest.csv")


def test_a_header_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    made(FILM).write(path)
    value = json.loads(header_path(path).read_text())
    value["header"]["kind"] = "predictions"
    header_path(path).write_text(json.dumps(value))
    with pytest.raises(InputError, match="expected an artefact of kind 'manifest', got 'predictions'"):
        Manifest.read(path)


def test_selections_and_counts() -> None:
    m = made(FILM, OTHER)
    assert [f.image_id for f in m.only(["s/a", "s/zzz"]).films] == ["s/a"]
    assert m.count_by("label") == {"covid": 1, "normal": 1}
    assert set(m.by_id) == {"s/a", "s/b"}
    assert COLUMNS[:3] == ("image_id", "patient_id", "path")


def test_exclusions_are_kept_sorted(tmp_path: Path) -> None:
    rows = [Exclusion("b.png", "s", "empty", "no bytes"), Exclusion("a.png", "s", "ct", 'a "slice", CT')]
    write_exclusions(tmp_path / "x.csv", rows)
    assert read_exclusions(tmp_path / "x.csv") == rows[::-1]
    assert read_exclusions(tmp_path / "none.csv") == []


def test_other_columns_are_kept_as_attributes_and_stand_after_the_known_ones(tmp_path: Path) -> None:
    scanned = replace(FILM, attributes={"scanner": "A, second floor", "age": "63"})
    m = made(scanned, replace(OTHER, attributes={"age": "", "hospital": "Nord"}))
    m.write(tmp_path / "manifest.csv")
    lines = (tmp_path / "manifest.csv").read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS) + ",age,hospital,scanner"
    assert lines[1].endswith(',63,,"A, second floor"')
    again = Manifest.read(tmp_path / "manifest.csv")
    assert again.digest == m.digest
    assert again.attributes == ("age", "hospital", "scanner")
    assert [f.value("scanner") for f in again.films] == ["A, second floor", ""]
    assert again.count_by("hospital") == {"": 1, "Nord": 1}
    assert [f.value("age") for f in again.films] == ["63", ""]


def test_attributes_are_in_the_digest_only_where_a_film_has_one() -> None:
    plain = made(FILM, OTHER).digest
    assert (
        plain == "aa95028a38304eb62f3e143ceb5f388a317c48bc9f19c6224f409c29ae2147a1"
    )  # as it was before attributes
    assert made(replace(FILM, attributes={"scanner": ""}), OTHER).digest == plain
    by_scanner = {made(replace(FILM, attributes={"scanner": v}), OTHER).digest for v in ("A", "B")}
    assert len(by_scanner | {plain}) == 3


def test_an_attribute_may_not_take_a_known_name() -> None:
    with pytest.raises(InputError, match="an attribute of a film is called 'label'"):
        made(replace(FILM, attributes={"label": "viral"}))


def test_a_manifest_that_passed_through_a_spreadsheet_or_pandas_reads_alike(tmp_path: Path) -> None:
    films = (replace(FILM, view="PA"), replace(OTHER, patient_id="", attributes={"age": "63"}))
    header = Header("manifest", options={"no_patient_ids": ["s"]})
    m = Manifest(films, header)
    path = tmp_path / "manifest.csv"
    m.write(path)
    lines = path.read_text().splitlines()
    filled = "\n".join(",".join(x or "nan" for x in line.split(",")) for line in lines)
    for text in (filled, filled.replace(",", ";"), filled.replace(",", "\t").replace("\n", "\r\n")):
        for encoding in ("utf-8-sig", "utf-16"):
            path.write_bytes(text.encode(encoding))
            again = Manifest.read(path)
            assert (again.films, again.digest, again.provenance) == (m.films, m.digest, "edited")
    header_path(path).unlink()
    with pytest.raises(InputError, match="1 films of source 's' have no patient_id"):
        Manifest.read(path)
    path.write_text(path.read_text("utf-16").replace("s:1", "s:NA"))
    with pytest.raises(InputError, match="2 films of source 's' have no patient_id"):
        Manifest.read(path)


def test_exclusions_saved_by_a_spreadsheet_are_read(tmp_path: Path) -> None:
    rows = [Exclusion("b.png", "s", "no such file", "line 3; of t")]
    write_exclusions(tmp_path / "x.csv", rows)
    (tmp_path / "x.csv").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "x.csv").read_bytes())
    assert read_exclusions(tmp_path / "x.csv") == rows


def test_paths_that_windows_wrote_and_names_with_spaces_are_read(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    for name in ("a.png", "IM1 "):
        (tmp_path / "films" / name).write_bytes(b"x")
    own = [
        replace(FILM, path=str(tmp_path / "films/a.png")),
        replace(OTHER, path=str(tmp_path / "films/IM1 "), image_id="s/IM1 "),
    ]
    made(*own).write(tmp_path / "manifest.csv")
    assert Manifest.read(tmp_path / "manifest.csv").films == made(*own).films
    text = (tmp_path / "manifest.csv").read_text()
    (tmp_path / "m2.csv").write_text(
        text.replace("films/a.png", "C:\\study\\films\\a.png").replace("films/I", "films\\I")
    )
    assert [f.path for f in Manifest.read(tmp_path / "m2.csv").films] == [f.path for f in made(*own).films]
