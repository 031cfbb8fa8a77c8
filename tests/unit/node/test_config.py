"""The node's file: every mistake is named, with what to do; secrets are in files of their own and never go out in the clear."""

from pathlib import Path
from typing import get_args

import pytest

from hilum.core.errors import InputError
from hilum.node.config import HeatMap, read_config, secret
from hilum.study.explanations import METHODS

GOOD = """
[node]
bundle = "bundle"
[[peer]]
ae_title = "PACS"
host = "127.0.0.1"
[[archive]]
name = "pacs"
ae_title = "PACS"
host = "127.0.0.1"
port = 104
"""


def read(tmp_path: Path, text: str):
    (tmp_path / "node.toml").write_text(text)
    return read_config(tmp_path / "node.toml")


def test_what_is_left_out_is_filled_in_and_paths_are_seen_from_the_file(tmp_path: Path) -> None:
    config = read(tmp_path, GOOD)
    assert (config.node.ae_title, config.node.host, config.node.port) == ("HILUM", "127.0.0.1", 11112)
    assert config.node.bundle == tmp_path / "bundle"
    assert config.node.state == tmp_path / "hilum-node"
    assert (config.limits.associations, config.limits.megabytes) == (20, 128)


def test_the_configuration_of_the_how_to_is_whole_and_says_the_defaults(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "dicom-node.md").read_text()
    config = read(tmp_path, page.partition("```toml\n")[2].partition("```")[0])
    plain = read(tmp_path, GOOD)
    assert config.node == plain.node.model_copy(update={"bundle": tmp_path / "bundle"})
    assert (config.limits, config.retry) == (plain.limits, plain.retry)
    for table in (config.node, config.poll[0], config.limits, config.retry, config.tls):
        left_out = {"token_file", "authorities"} if table is config.poll[0] else set()
        assert table is not None
        assert set(type(table).model_fields) - left_out <= table.model_fields_set
    named = config.archive[0].model_fields_set | config.archive[1].model_fields_set
    assert set(type(config.archive[0]).model_fields) - {"token_file", "authorities"} <= named


def test_every_method_of_explanation_can_be_asked_for() -> None:
    assert set(get_args(HeatMap)) == {*METHODS, "none"}


WRONG = {
    ("[node]", "[node]\nprot = 1"): "unknown key 'node.prot'; did you mean 'port'?",
    ("port = 104", "port = 70000"): "archive 1.port must be at most 65535, got 70000",
    ('"PACS"\nhost', '"A PACS WITH A LONG NAME"\nhost'): "peer 1.ae_title must be 1 to 16 ASCII letters",
    ("port = 104", ""): "archive 1 needs ae_title, host and port, or a url",
    ("port = 104", 'port = 104\nurl = "http://127.0.0.1/dicom-web"'): "archive 1 has a url and an AE title",
    ("port = 104", "port = 104\ntls = true"): "archive 1.tls needs a table [tls]",
    ('[[peer]]\nae_title = "PACS"\nhost = "127.0.0.1"', ""): "nobody may send films: name a [[peer]], or a [[poll]]",
    ("[node]", '[node]\nheat_map = "gradcam"'): "node.heat_map got 'gradcam'; did you mean 'grad-cam'?",
}  # fmt: skip


@pytest.mark.parametrize(("change", "words"), WRONG.items(), ids=[w[:40] for w in WRONG.values()])
def test_a_mistake_is_named(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, GOOD.replace(*change, 1))
    assert words in str(refused.value)
    assert str(refused.value).startswith("node.toml: ")


WEB = """
[node]
bundle = "b"
[[archive]]
name = "web"
url = "%s"
user = "u"
password_file = "secret"
[[poll]]
name = "p"
url = "%s"
"""


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "http://pacs.example/dicom-web",
            "a password or a token may not be sent to pacs.example without TLS",
        ),
        ("https://u:pw@pacs.example/dicom-web", "url must hold no user or password"),
        ("ftp://pacs.example", "url must begin with http:// or https://"),
    ],
)
def test_a_password_goes_out_only_through_tls(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, WEB % (url, "http://127.0.0.1:1/d"))
    assert read(tmp_path, WEB % ("https://pacs.example/d", "http://127.0.0.1:1/d")).archive[0].user == "u"
    assert read(tmp_path, WEB % ("http://127.0.0.1:8042/d", "http://127.0.0.1:1/d")).archive[0].url


def test_a_secret_is_what_its_file_says(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("word\n")
    assert secret(tmp_path / "secret") == "word"
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(InputError, match="expected a password or a token, got an empty file"):
        secret(tmp_path / "secret")
