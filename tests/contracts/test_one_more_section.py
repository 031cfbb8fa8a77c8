"""A section is one file and one entry: with one more in the order of the page, and nothing else changed, a report has it with its table."""

import csv
import runpy
from pathlib import Path

import pytest

from page_tags import Tags

TESTS = Path(__file__).parents[1]
pytestmark = pytest.mark.slow
ONE_MORE = runpy.run_path(str(TESTS / "one_more.py"))
MODULE = '''
"""Agreement: how often the trials of a cell agree on a test film."""

import numpy as np

from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.table import Column, Table, rate_cell


def section(evaluated: Evaluated) -> Section | None:
    """A row a cell; None of a single trial."""
    folder = evaluated.folder
    if folder.n_trials == 1:
        return None
    columns = [*evaluated.names.columns(), Column("Agreed", hint="films to which all trials give one class / films")]
    body = []
    for cell in folder.cells:
        of_trials = [folder.predictions(cell, t).of_part("test").probabilities.argmax(axis=1) for t in folder.trials]
        agreed = float(np.mean([len(set(classes)) == 1 for classes in zip(*of_trials)]))
        body.append([*evaluated.names.cells(cell), rate_cell(agreed)])
    table = Table("agreement", "Agreement", "Test films to which all trials give one class.", columns, body)
    return Section("agreement", "Agreement of trials", ("Trials differ in chance alone.",), [table])
'''
PROGRAM = """
import runpy, sys
from pathlib import Path
from hilum.stages.evaluate import evaluate_run
from hilum.stages.report import write_report

fake = runpy.run_path(sys.argv[1])
for trials in (1, 2):
    run = fake["make_run"](Path(sys.argv[2]) / str(trials), pipelines=("crop",), trials=trials, matrices={"all": fake["SMALL"]})
    evaluate_run(run, n_resamples=20)
    write_report(run)
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    where = tmp_path_factory.mktemp("agreement")
    src = ONE_MORE["with_entry"](
        where / "src", "report/sections/__init__.py", "SECTIONS: tuple", "agreement.section,"
    )
    sections = src / "hilum" / "report" / "sections"
    (sections / "agreement.py").write_text(MODULE.strip() + "\n", encoding="utf-8")
    order = sections / "__init__.py"
    text = order.read_text(encoding="utf-8")
    order.write_text(text.replace("import (\n", "import (\n    agreement,\n", 1), encoding="utf-8")
    ONE_MORE["run_there"](src, PROGRAM, str(TESTS / "fake_run.py"), str(where))
    return where


def test_its_table_is_in_the_page_and_beside_it(runs):
    (row,) = csv.DictReader(
        (runs / "2" / "tables" / "agreement.csv").read_text(encoding="utf-8").splitlines()
    )
    assert (row["backbone"], row["pipeline"]) == ("resnet50", "crop")
    # the fake run's first trial moves one film of 68 to another class
    assert float(row["agreed"]) < 1
    assert (runs / "2" / "tables" / "agreement.tex").is_file()
    page = (runs / "2" / "report.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(page)
    assert {"agreement", "t-agreement"} <= set(tags.ids)
    assert "agreement" in tags.links
    assert page.index('id="forms"') < page.index('id="agreement"')
    assert "Trials differ in chance alone." in page


def test_where_it_has_nothing_to_show_the_page_is_without_it(runs):
    assert 'id="agreement"' not in (runs / "1" / "report.html").read_text(encoding="utf-8")
    assert not (runs / "1" / "tables" / "agreement.csv").exists()
