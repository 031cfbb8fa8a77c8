"""The record of a swap is in the order of the guidance; the bill of materials is valid by CycloneDX' own schema and its digests are the
files'."""

import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from hilum.artifacts.bundle import bundle_version
from hilum.cli.main import main
from hilum.core.errors import InputError
from hilum.monitor.changes import at_work, change_record
from hilum.monitor.sbom import installed_libraries, sbom
from hilum.monitor.watch import Watch
from needs import needed_module
from watched_films import reading, write_bundle, write_reference


def test_the_bill_of_materials_is_valid_and_names_every_file(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    write_reference(tmp_path / "bundle", bundle, 30)
    value = sbom(tmp_path / "bundle")
    validation = needed_module(
        "cyclonedx.validation.json", "pip install 'cyclonedx-python-lib[json-validation]'"
    )
    schema = needed_module("cyclonedx.schema")
    wrong = validation.JsonStrictValidator(schema.SchemaVersion.V1_6).validate_str(json.dumps(value))
    assert wrong is None
    hashes = {c["name"]: c["hashes"][0]["content"] for c in value["components"] if c["type"] == "data"}
    assert set(hashes) == {"bundle.json", "head.safetensors", "reference.safetensors"}
    for name, content in hashes.items():
        assert content == hashlib.sha256((tmp_path / "bundle" / name).read_bytes()).hexdigest()
    (model,) = (c for c in value["components"] if c["type"] == "machine-learning-model")
    assert model["version"] == bundle_version(tmp_path / "bundle")
    refs = [c["bom-ref"] for c in value["components"]]
    assert len(refs) == len(set(refs))
    assert {r for d in value["dependencies"] for r in d["dependsOn"]} <= set(refs)


def test_libraries_are_those_that_are_installed_and_their_own() -> None:
    found = installed_libraries()
    assert found["numpy"].version == version("numpy")
    assert found["torch"].version == version("torch")
    assert {"markupsafe", "pydantic-core"} <= set(found)  # of jinja2, of pydantic
    assert not {"pytest", "mypy", "hilum"} & set(found)


def test_the_same_bundle_gives_the_same_bytes(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle")
    assert json.dumps(sbom(tmp_path / "bundle")) == json.dumps(sbom(tmp_path / "bundle"))


def test_the_command_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "bundle")
    monkeypatch.setattr(
        sys, "argv", ["hilum", "sbom", str(tmp_path / "bundle"), "--out", str(tmp_path / "s.json")]
    )
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert capsys.readouterr().out == f"{tmp_path / 's.json'}\n"
    assert json.loads((tmp_path / "s.json").read_text())["bomFormat"] == "CycloneDX"
    with pytest.raises(SystemExit) as end:
        main()  # hilum's own is replaced
    assert end.value.code == 0
    (tmp_path / "mine.json").write_text('{"mine": 1}')
    monkeypatch.setattr(sys, "argv", [*sys.argv[:-1], str(tmp_path / "mine.json")])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "is no bill of materials that hilum wrote" in capsys.readouterr().err


def test_a_record_is_in_the_guidances_order_and_says_what_differs(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "old", threshold=0.5)
    write_bundle(tmp_path / "new", threshold=0.25)
    watch = Watch(tmp_path / "monitor.db", tmp_path / "old", "chest", a_second=1e9)
    watch.saw("r", reading(bundle, 1), 0.01)
    watch.flush()
    path = change_record(
        at_work(tmp_path / "old"), tmp_path / "new", "more sensitive", tmp_path / "changes",
        who="a | b", evidence=["report.html"], status=watch.status()
    )  # fmt: skip
    watch.close()
    value = json.loads(path.with_suffix(".json").read_text())
    assert list(value)[4:] == ["modification", "protocol", "impact"]
    assert list(value["protocol"]) == [
        "data_management",
        "re_training",
        "performance_evaluation",
        "update_procedure",
    ]
    assert set(value["modification"]["differs"]) == {"operating_point"}
    assert value["modification"]["differs"]["operating_point"]["new"]["threshold"] == 0.25
    assert value["impact"]["what_changes_for_users"] == [
        "The threshold is another: calls change for films between the two thresholds."
    ]
    assert value["impact"]["how_the_old_one_stood"]["films"] == {"answered": 1, "abstained": 0, "failed": 0}
    assert value["header"]["inputs"] == {
        "old": bundle_version(tmp_path / "old"),
        "new": bundle_version(tmp_path / "new"),
    }
    text = path.read_text()
    at = [text.index(f"## {k}. {word}") for k, word in enumerate(("Modification", "Protocol", "Impact"), 1)]
    assert at == sorted(at)
    assert "- performance evaluation: report.html" in text
    assert f"- update procedure, rollback: swap back to {bundle_version(tmp_path / 'old')}" in text


def test_a_first_bundle_has_a_record_and_what_was_not_said_is_said(tmp_path: Path) -> None:
    write_bundle(tmp_path / "new")
    text = change_record(None, tmp_path / "new", "", tmp_path / "changes").read_text()
    assert "Why: not said" in text
    assert "- performance evaluation: not said" in text
    assert "nothing: this is the first bundle" in text


def test_no_change_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "new")
    with pytest.raises(InputError, match="it is the bundle that is at work already"):
        change_record(at_work(tmp_path / "new"), tmp_path / "new", "x", tmp_path / "changes")
    assert not (tmp_path / "changes").exists()
