"""What the people behind a study say of it: keys that answer items, and no digest that notices."""

from pathlib import Path

import pytest

from hilum.core.errors import InputError
from hilum.report.sections.forms import FORMS
from hilum.study.file import Study, read_study
from hilum.study.keys import study_digest
from hilum.study.reporting import ITEMS, ReportingTable

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "reporting.md"


def test_every_key_answers_items_that_there_are_and_is_documented_with_them() -> None:
    assert list(ITEMS) == list(ReportingTable.model_fields)
    claim, tripod = ({n for n, *_ in FORMS[form]["items"]} for form in ("claim", "tripod-ai"))
    text = DOCS.read_text()
    for name, items in ITEMS.items():
        assert set(items.claim) <= claim, name
        assert set(items.tripod) <= tripod, name
        numbers = " | ".join(", ".join(n) or "–" for n in (items.claim, items.tripod))
        assert f"| `{name}` | {numbers} |" in text, name


def test_no_digest_notices_what_is_reported() -> None:
    plain = Study.model_validate({"name": "a", "data": {"classes": ["x", "covid"]}})
    said = Study.model_validate({**plain.model_dump(), "reporting": {"ethics": "none needed"}})
    assert said.digest == plain.digest
    values = [s.model_dump(mode="json") for s in (plain, said)]
    without = {k: v for k, v in values[0].items() if k != "reporting"}
    assert {study_digest(v) for v in (*values, without)} == {plain.digest}


def test_an_unknown_key_gets_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("name = 'a'\n[reporting]\nethic = 'approved'\n")
    with pytest.raises(InputError, match=r"unknown key 'reporting.ethic'; did you mean 'ethics'"):
        read_study(path)
    path.write_text("name = 'a'\n[reporting]\nfunding = 3\n")
    with pytest.raises(InputError, match=r"reporting\.funding"):
        read_study(path)


def test_texts_are_one_line_and_blank_ones_are_none() -> None:
    table = ReportingTable(ethics="a\n   b", funding=" \n")
    assert table.said() == {"ethics": "a b"}
