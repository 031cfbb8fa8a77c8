"""A folder at an address: puts are whole or not there, a create is exclusive, and what goes wrong is said without a secret."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hilum.core import address as address_module
from hilum.core.address import MARK, Address, address_in
from hilum.core.errors import InputError
from s3_server import BUCKET, KEYS, s3_server

URL = f"s3://{BUCKET}/some/ws"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture(params=["s3", "file", "memory"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Address:
    if request.param == "s3":
        request.getfixturevalue("server")
    return Address(
        {
            "s3": f"s3://{BUCKET}/{tmp_path.name}",
            "file": f"file://{tmp_path}/far",
            "memory": f"memory://{tmp_path.name}",
        }[request.param]
    )


def a_file(folder: Path, data: bytes) -> Path:
    path = folder / "here.bin"
    path.write_bytes(data)
    return path


def test_a_path_that_lost_a_slash_is_still_an_address() -> None:
    assert address_in(Path("s3://bucket/ws")) == "s3://bucket/ws"
    assert address_in("s3:/bucket/ws/") == "s3://bucket/ws"
    assert address_in("C:/folder") is None
    assert address_in("ws") is None


def test_what_is_put_is_there(address: Address, tmp_path: Path) -> None:
    version = address.put(a_file(tmp_path, b"abcdef"), "a/b.bin", create=True)
    there = address.listing("")
    assert {n: e.size for n, e in there.items()} == {"a/b.bin": 6}
    assert there["a/b.bin"].version == version == address.entry("a/b.bin").version  # type: ignore[union-attr]
    address.get("a/b.bin", to := tmp_path / "back" / "b.bin")
    assert to.read_bytes() == b"abcdef"
    assert address.ranges("a/b.bin", [(0, 2), (3, 6)]) == [b"ab", b"def"]
    address.put(a_file(tmp_path, b"xy"), "top.bin", create=True)
    assert set(address.listing("", below=False)) == {"top.bin"}
    assert set(address.listing("a")) == {"a/b.bin"}
    assert address.entry("a") is None
    assert address.entry("nothing") is None
    address.remove("a/b.bin")
    address.remove("a/b.bin")
    assert set(address.listing("")) == {"top.bin"}


def test_a_create_is_exclusive_and_a_put_replaces(address: Address, tmp_path: Path) -> None:
    first = address.put(a_file(tmp_path, b"first"), "x", create=True)
    with pytest.raises(FileExistsError):
        address.put(a_file(tmp_path, b"second"), "x", create=True)
    assert address.ranges("x", [(0, 9)]) == [b"first"]
    assert address.put(a_file(tmp_path, b"third"), "x", create=False) != first
    assert address.ranges("x", [(0, 9)]) == [b"third"]


def test_a_workspace_is_tried_out_before_anything(address: Address) -> None:
    assert not address.is_workspace()
    assert address.require()
    assert address.is_workspace()
    assert not address.require()
    assert set(address.listing("")) == {MARK}


def test_a_store_that_does_not_know_the_condition_is_refused(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, placed = type(address._fs).pipe_file, address_module._placed

    def without_condition(to: str, data: bytes, **_: object) -> None:
        real(address._fs, to, data)

    def replacing(beside: Path, to: Path, **_: object) -> None:
        placed(beside, to, create=False)

    monkeypatch.setattr(address._fs, "pipe_file", without_condition, raising=False)
    monkeypatch.setattr(address_module, "_placed", replacing)
    with pytest.raises(
        InputError, match=r"this store replaces a file that may only be created once .*If-None-Match"
    ):
        address.require()


def test_half_a_put_is_none(server: str) -> None:
    """A connection that ends within the body, as a killed process's does: the store has nothing under the name."""
    host, _, port = server.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as wire:
        wire.sendall(
            f"PUT /{BUCKET}/some/ws/half HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\n".encode()
            + b"x" * 400
        )
    assert Address(URL).entry("half") is None


@pytest.mark.usefixtures("server")
def test_a_large_put_that_fails_in_a_part_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """s3fs puts 100 MiB in parts, which become a file with one last request."""
    address, called = Address(URL), []
    real = type(address._fs)._call_s3

    async def failing(self: object, method: str, *args: object, **kwargs: object) -> object:
        called.append(method)
        if called.count("upload_part") == 2:
            raise ConnectionResetError
        return await real(self, method, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(type(address._fs), "_call_s3", failing)
    with (tmp_path / "large").open("wb") as f:
        f.truncate(101 * 2**20)
    with pytest.raises(InputError, match=r"large: cannot be reached"):
        address.put(tmp_path / "large", "large", create=True)
    assert called[0] == "create_multipart_upload"
    assert "abort_multipart_upload" in called
    monkeypatch.undo()
    assert address.entry("large") is None


def refusal(url: str) -> str:
    with pytest.raises(InputError) as e:
        Address(url).require()
    text = str(e.value)
    assert not any(secret in text for secret in KEYS.values() if "-" in secret and secret != "us-east-1")
    return text


@pytest.mark.usefixtures("server")
def test_what_is_wrong_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "there is no such bucket or file; make the bucket first" in refusal("s3://no-such-bucket/ws")
    assert "expected an address with a bucket" in refusal("s3://")
    assert "an address holds no user and no password" in refusal("s3://me:a-secret-word@bucket/ws")
    assert "addresses that begin with nowhere:// are not known" in refusal("nowhere://bucket/ws")
    assert "'gcsfs'; install it with: pip install gcsfs" in refusal("gs://bucket/ws")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    assert "no credentials were found" in refusal(URL)


@pytest.mark.usefixtures("server")
def test_a_server_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{s.getsockname()[1]}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        assert "cannot be reached; look at the network, and at AWS_ENDPOINT_URL" in refusal(URL)
