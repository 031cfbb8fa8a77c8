"""What the page of examples says that `hilum ingest` prints is what it prints, of a folder that is made of the page itself."""

import ingest_examples
import pytest

from hilum.sources.layouts import LAYOUTS

PAGE = ingest_examples.PAGE.read_text(encoding="utf-8")
EXAMPLES = list(ingest_examples.examples(PAGE))
NOT_HERE = {"cohen", "radiography", "mooney", "csv", "folder"}
"""Layouts that are of single collections or of no set."""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.title)
def test_an_example_prints_what_the_page_says(example: ingest_examples.Example) -> None:
    assert example.prints() == example.printed
    assert f" {example.title.partition(':')[0]} " in example.printed


def test_every_public_set_has_an_example_and_every_block_of_it_is_read() -> None:
    assert {e.title.partition(":")[0] for e in EXAMPLES} == {x.name for x in LAYOUTS} - NOT_HERE
    assert PAGE.count("```") == 2 * sum(2 + len(e.tables) for e in EXAMPLES)
    assert PAGE.count("<details") == len(EXAMPLES)


def test_another_count_would_be_found() -> None:
    altered = PAGE.replace("manifest.csv: 3 films", "manifest.csv: 4 films", 1)
    assert altered != PAGE
    assert ingest_examples.filled(altered) == PAGE
