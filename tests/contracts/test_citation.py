"""CITATION.cff says what the Citation File Format 1.2.0 requires, and the same version and licence as the package."""

import re
import tomllib

import yaml

from documented import ROOT
from hilum import __version__

CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
KNOWN = {
    "abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license", "license-url",
    "message", "preferred-citation", "references", "repository", "repository-artifact", "repository-code", "title", "type", "url",
    "version",
}  # fmt: skip
"""Keys of the format's schema, which allows no others."""


def test_what_the_schema_requires_is_there() -> None:
    assert CITATION["cff-version"] == "1.2.0"
    assert set(CITATION) >= {"authors", "cff-version", "message", "title"}
    assert set(CITATION) <= KNOWN
    assert all(isinstance(CITATION[key], str) and CITATION[key] for key in ("message", "title", "abstract"))
    assert CITATION["type"] == "software"


def test_authors_are_persons_or_entities_by_name() -> None:
    assert CITATION["authors"]
    for author in CITATION["authors"]:
        assert set(author) & {"name", "family-names", "given-names", "alias"}
        assert all(isinstance(v, str) and v for v in author.values())


def test_keywords_are_each_named_once() -> None:
    assert len(set(CITATION["keywords"])) == len(CITATION["keywords"]) > 0


def test_version_and_licence_are_the_packages() -> None:
    assert str(CITATION["version"]) == __version__ == PROJECT["version"]
    assert CITATION["license"] == PROJECT["license"]


def test_a_release_has_its_date() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = re.search(rf"^## {re.escape(__version__)} \((.+)\)$", changes, flags=re.M)
    assert heading is not None
    if heading[1] == "unreleased":
        assert "date-released" not in CITATION
    else:
        assert str(CITATION["date-released"]) == heading[1]
