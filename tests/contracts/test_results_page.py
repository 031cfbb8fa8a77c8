"""The results page says what one stored run gave, and nothing else."""

import re
import runpy
from pathlib import Path

import pytest

from hilum.artifacts.comparisons import ComparisonRow

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "docs" / "results" / "paper_results.py"))
PAGE = (ROOT / "docs" / "explanation" / "paper-results.md").read_text()
MEMBERS = sorted(
    p.name.removesuffix(".comparisons.json.gz") for p in SCRIPT["STORED"].glob("*.comparisons.json.gz")
)


def test_every_table_of_the_page_is_what_the_stored_run_gave():
    assert SCRIPT["filled"](PAGE) == PAGE
    outside = re.sub(r"<!-- \w+.*?<!-- end -->", "", PAGE, flags=re.DOTALL)
    assert (
        re.findall(r"(?<![\w.])0?\.\d{2,}", outside) == []
    )  # no share of a run stands outside of its tables


def test_a_number_that_is_altered_is_found():
    some = re.search(r"\.\d{3} \(", PAGE)
    assert some is not None
    altered = (
        PAGE[: some.start() + 3] + str((int(PAGE[some.start() + 3]) + 1) % 10) + PAGE[some.start() + 4 :]
    )
    assert SCRIPT["filled"](altered) == PAGE != altered


@pytest.mark.parametrize("member", MEMBERS)
def test_stored_comparisons_are_whole_and_one_trial_has_no_verdict(member):
    rows = [ComparisonRow.model_validate(r) for r in SCRIPT["rows"](member, "comparisons.json")]
    assert rows
    shown = "\n".join(SCRIPT["comparisons"](member))
    judged = [r for r in rows if r.verdict in ("better", "worse") and r.metric in SCRIPT["METRICS"]]
    assert shown.count("**better**") + shown.count("**worse**") == len(judged)


def test_nothing_stored_names_a_patient_or_a_path():
    stored = SCRIPT["STORED"]
    assert {p.suffix for p in stored.iterdir()} == {".gz", ".json", ".csv"}
    for name in ("suite.json", "claims.csv"):
        text = (stored / name).read_text()
        assert not re.search(r"person\d+|patient_id|[\s\x22]/\w+/", text)
