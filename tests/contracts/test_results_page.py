"""The results pages say what stored runs gave, and nothing else."""

import gzip
import re

import kept
import pytest
import results_pages
import told

from hilum.artifacts.comparisons import ComparisonRow

PAGE = {name: path.read_text() for name, path in results_pages.PAGES.items()}
MEASURED = {
    "trust": "# What these films can show",
    "deep-covid": "## Measured on real films",
    "covid-net": "## On real films",
    "enhancement": "## Measured on real films",
    "ensembles": "What it shows:",
    "flannel": "What it shows:",
    "systems": "## The table",
}
"""Pages whose words quote their tables, and the words from which on a share is a measured one."""
TABLE = r"<!-- \w+.*?<!-- end -->"
ELSEWHERE = {0.475, 0.03}
"""Shares in the words that no run gave: the highest softmax of probabilities of four classes, a rounded limit."""
SHARE = r"(?<![\w.])0?\.\d{2,}"
MEMBERS = [
    p.name.removesuffix(".comparisons.json.gz")
    for folder in kept.STORED.values()
    for p in sorted(folder.glob("*.comparisons.json.gz"))
]


def prose(page: str) -> str:
    """What stands outside of the tables that the script writes."""
    return re.sub(TABLE, "", page, flags=re.DOTALL)


@pytest.mark.parametrize("page", PAGE)
def test_every_table_of_a_page_is_what_the_stored_runs_gave(page):
    assert results_pages.filled(PAGE[page]) == PAGE[page]
    assert PAGE[page].count("<!-- end -->") >= 2


def test_no_share_stands_in_the_words_of_the_papers_page():
    assert re.findall(SHARE, prose(PAGE["paper"])) == []


@pytest.mark.parametrize("page", MEASURED)
def test_a_share_in_the_words_is_one_of_the_tables(page):
    """Of what was measured every share in words is one that a table of the page has, rounded."""
    measured = prose(PAGE[page]).partition(MEASURED[page])[2]
    said = [s for s in re.findall(SHARE, measured) if float(s) not in ELSEWHERE]
    written = "".join(re.findall(TABLE, PAGE[page], flags=re.DOTALL))
    tables = {float(v) for v in re.findall(SHARE, written)}
    assert said
    for share in said:
        digits = len(share.partition(".")[2])
        assert any(f"{v:.{digits}f}" == f"{float(share):.{digits}f}" for v in tables), share


@pytest.mark.parametrize("page", PAGE)
def test_a_number_that_is_altered_is_found(page):
    text = PAGE[page]
    some = re.search(r"\.\d{3} \(", text)
    assert some is not None
    altered = (
        text[: some.start() + 3] + str((int(text[some.start() + 3]) + 1) % 10) + text[some.start() + 4 :]
    )
    assert results_pages.filled(altered) == text != altered


@pytest.mark.parametrize("member", MEMBERS)
def test_stored_comparisons_are_whole_and_one_trial_has_no_verdict(member):
    rows = [ComparisonRow.model_validate(r) for r in kept.rows(member, "comparisons.json")]
    assert rows
    shown = "\n".join(results_pages.comparisons(member))
    judged = [r for r in rows if r.verdict in ("better", "worse") and r.metric in told.METRICS]
    assert shown.count("**better**") + shown.count("**worse**") == len(judged)


@pytest.mark.parametrize("stored", kept.STORED.values(), ids=list(kept.STORED))
def test_nothing_stored_names_a_patient_or_a_path(stored):
    assert {p.suffix for p in stored.iterdir()} <= {".gz", ".json", ".csv"}
    assert sum(p.stat().st_size for p in stored.iterdir()) < 2**21
    for path in stored.iterdir():
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert not re.search(r"person\d+|patient_id|image_id|[\s\x22]/\w+/", data.decode()), path.name
