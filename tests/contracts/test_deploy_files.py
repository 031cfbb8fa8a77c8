"""Files of the how-to on deployment, held by the programs that they are for: systemd, nginx, and a look at the image's file."""

import http.client
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from documented import ROOT
from needs import needed_program

HERE = ROOT / "docs" / "how-to"
UNIT, CONF, IMAGE = HERE / "hilum.service", HERE / "nginx-hilum.conf", HERE / "Containerfile"
MIB = 2**20


def test_systemd_takes_the_unit_and_finds_it_little_exposed(tmp_path: Path) -> None:
    analyze = needed_program("systemd-analyze", "systemd")
    unit = tmp_path / "hilum.service"
    unit.write_text(UNIT.read_text().replace("/opt/hilum/bin/hilum", "/bin/true"))
    done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", str(unit)], capture_output=True, text=True, check=False
    )  # fmt: skip
    exposure = re.search(r"Overall exposure level for hilum.service: ([0-9.]+)", done.stdout)
    assert exposure is not None, done.stderr
    assert float(exposure[1]) <= 1.5


def test_the_image_has_no_root_and_no_films() -> None:
    text = IMAGE.read_text()
    assert re.search(r"^USER 10001:10001$", text, re.M)
    assert text.index("USER 10001") < text.index("ENTRYPOINT")
    assert "--read-only" in text
    assert re.findall(r"^COPY (?!--from)(.*)$", text, re.M) == ["hilum-*.whl /wheels/"]


def free_ports(n: int) -> list[int]:
    held = [socket.socket() for _ in range(n)]
    for s in held:
        s.bind(("127.0.0.1", 0))
    ports = [int(s.getsockname()[1]) for s in held]
    for s in held:
        s.close()
    return ports


class Service(BaseHTTPRequestHandler):
    """Says what it got."""

    protocol_version = "HTTP/1.1"
    got: list[tuple[str, str, dict[str, str], int]] = []  # noqa: RUF012

    def do_POST(self) -> None:
        left = int(self.headers.get("Content-Length", 0))
        read = 0
        while left > read:
            read += len(self.rfile.read(min(MIB, left - read)))
        self.got.append((self.command, self.path, dict(self.headers), read))
        body = b"seen"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[tuple[int, int, Path]]:
    """(port of https, port of http, folder with the log) of a real nginx before a small service."""
    nginx, openssl = needed_program("nginx", "nginx"), needed_program("openssl", "openssl")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    https, plain = free_ports(2)
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=hilum.example.org", "-addext",
         "subjectAltName=DNS:hilum.example.org", "-keyout", str(tmp_path / "hilum.key"), "-out", str(tmp_path / "hilum.crt")],
        check=True, capture_output=True,
    )  # fmt: skip
    conf = CONF.read_text()
    for old, new in {
        "listen 443 ": f"listen 127.0.0.1:{https} ", "listen 80;": f"listen 127.0.0.1:{plain};",
        "127.0.0.1:8080": f"127.0.0.1:{server.server_port}",
        "/etc/ssl/hilum/": f"{tmp_path}/", "/var/log/nginx/": f"{tmp_path}/",
    }.items():  # fmt: skip
        assert old in conf
        conf = conf.replace(old, new)
    (tmp_path / "hilum.conf").write_text(conf)
    for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (tmp_path / name).mkdir()
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/{name};\n"
        for kind, name in (
            ("client_body", "body"),
            ("proxy", "proxy"),
            ("fastcgi", "fastcgi"),
            ("uwsgi", "uwsgi"),
            ("scgi", "scgi"),
        )
    )
    tmp_path.chmod(0o755)
    main = tmp_path / "nginx.conf"
    main.write_text(
        f"daemon off;\npid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\n"
        f"http {{\n{temporary}include {tmp_path}/hilum.conf;\n}}\n"
    )
    checked = subprocess.run([nginx, "-t", "-c", str(main)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr
    running = subprocess.Popen([nginx, "-c", str(main)], stderr=subprocess.DEVNULL)
    try:
        _wait_for(https, running)
        yield https, plain, tmp_path
    finally:
        running.terminate()
        running.wait(20)
        server.shutdown()
        server.server_close()
        shutil.rmtree(tmp_path / "body", ignore_errors=True)


def _wait_for(port: int, running: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        assert running.poll() is None
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("nginx does not listen")


class Named(http.client.HTTPSConnection):
    """To this machine, but asked for by the name of the certificate, which is verified."""

    def connect(self) -> None:
        raw = socket.create_connection(("127.0.0.1", self.port), 20)
        self.sock = self._context.wrap_socket(raw, server_hostname="hilum.example.org")  # type: ignore[attr-defined]


def ask(
    port: int, folder: Path, method: str, path: str, body: bytes | None = None, **headers: str
) -> http.client.HTTPResponse:
    connection = Named(
        "hilum.example.org", port, context=ssl.create_default_context(cafile=str(folder / "hilum.crt"))
    )
    connection.request(method, path, body, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    answer.body = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


@pytest.mark.slow
def test_a_real_nginx_passes_films_on_and_nothing_else(proxied: tuple[int, int, Path]) -> None:
    https, plain, folder = proxied
    Service.got.clear()
    answer = ask(
        https,
        folder,
        "POST",
        "/v1/predict?bundle=chest",
        b"x" * (20 * MIB),
        X_Forwarded_For="6.6.6.6",
        Authorization="Bearer t",
    )
    assert (answer.status, answer.body) == (200, b"seen")  # type: ignore[attr-defined]
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert answer.headers["Server"] == "nginx"  # no version
    _, path, headers, read = Service.got[-1]
    assert (path, read) == ("/v1/predict?bundle=chest", 20 * MIB)
    assert (headers["Host"], headers["X-Forwarded-Proto"], headers["X-Forwarded-For"]) == (
        "hilum.example.org",
        "https",
        "127.0.0.1",
    )
    assert headers["Authorization"] == "Bearer t"
    assert ask(https, folder, "GET", "/metrics").status == 404
    assert ask(https, folder, "POST", "/v1/predict", b"", Content_Length=str(257 * MIB)).status == 413
    assert [p for _, p, _, _ in Service.got] == ["/v1/predict?bundle=chest"]
    connection = http.client.HTTPConnection("127.0.0.1", plain, timeout=20)
    connection.request("GET", "/v1/bundles", headers={"Host": "hilum.example.org"})
    moved = connection.getresponse()
    assert (moved.status, moved.headers["Location"]) == (308, "https://hilum.example.org/v1/bundles")
    connection.close()
    log = (folder / "hilum.log").read_text()
    assert "/v1/predict 200" in log
    assert "bundle=chest" not in log  # no query


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(proxied: tuple[int, int, Path]) -> None:
    https, _, folder = proxied
    old = ssl.create_default_context(cafile=str(folder / "hilum.crt"))
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    old.options &= ~(ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1)
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", https), 20) as raw,
        pytest.raises(ssl.SSLError, match=r"(?i)alert protocol version"),
    ):
        old.wrap_socket(raw, server_hostname="hilum.example.org")
