"""An authority of a test's own, and certificates that it vouches for."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from needs import needed_program
from orthanc import free_port, listens, wait_for

KEY = (
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
)  # made at once, where RSA takes seconds


def make_certificates(folder: Path) -> Path:
    """``ca.pem``; of it ``node``, ``peer`` (both of 127.0.0.1) and ``elsewhere`` (of another host); and ``stranger``, which vouches for
    itself, each as ``.pem`` and ``.key``."""
    openssl = needed_program("openssl", "openssl")

    def run(*words: str) -> None:
        subprocess.run([openssl, *words], cwd=folder, capture_output=True, check=True)

    def request(name: str, *words: str) -> None:
        run("req", *words, *KEY, "-keyout", f"{name}.key", "-subj", f"/CN={name}")

    own = ("-x509", "-days", "2", "-addext", "subjectAltName=IP:127.0.0.1")
    for name in ("ca", "stranger"):
        request(name, *own, "-out", f"{name}.pem")
    for name, host in (("node", "IP:127.0.0.1"), ("peer", "IP:127.0.0.1"), ("elsewhere", "IP:192.0.2.1")):
        request(name, "-out", f"{name}.csr")
        (folder / f"{name}.ext").write_text(f"subjectAltName={host}\n")
        signed = (
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            f"{name}.ext",
        )
        run("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    return folder


def server_context(folder: Path, name: str) -> ssl.SSLContext:
    """How a server of a name speaks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


@contextmanager
def https_before(folder: Path, name: str, port: int) -> Iterator[int]:
    """nginx with a certificate, before a server of this machine: its port."""
    own = free_port()
    conf = folder / "nginx.conf"
    conf.write_text(NGINX.format(folder=folder, name=name, own=own, port=port))
    program = subprocess.Popen(
        [needed_program("nginx", "nginx"), "-e", "stderr", "-p", str(folder), "-c", str(conf)]
    )
    try:
        wait_for(lambda: listens(own), 10, "nginx does not start")
        yield own
    finally:
        program.terminate()
        program.wait(10)


NGINX = """daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
events {{}}
http {{
  access_log off; client_max_body_size 0; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{own} ssl; ssl_certificate {folder}/{name}.pem; ssl_certificate_key {folder}/{name}.key;
    location / {{ proxy_pass http://127.0.0.1:{port}; proxy_set_header Host $http_host; }}
  }}
}}
"""
