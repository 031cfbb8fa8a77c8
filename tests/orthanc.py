"""A real Orthanc for tests: Debian's, on free ports of the loopback, with a folder of its own; and a node's configuration beside it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from needs import missing, needed_program

PLUGINS = ("/usr/share/orthanc/plugins/libOrthancDicomWeb.so", "/usr/lib/orthanc/libOrthancDicomWeb.so.1.7")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def dcmtk(name: str) -> str:
    """A program of dcmtk; pynetdicom puts some of the same names beside Python."""
    beside = Path(sys.executable).parent
    places = [p for p in os.environ["PATH"].split(os.pathsep) if Path(p) != beside]
    return shutil.which(name, path=os.pathsep.join(places)) or missing(
        f"the program {name}", "apt-get install dcmtk"
    )


def plugin() -> str:
    found = [
        p
        for p in (*PLUGINS, *map(str, Path("/usr/lib/orthanc").glob("libOrthancDicomWeb.so*")))
        if Path(p).exists()
    ]
    return found[0] if found else missing("Orthanc's DICOMweb plugin", "apt-get install orthanc-dicomweb")


@dataclass
class Orthanc:
    """An archive that may be stopped and started again; `login` (user:password) where it asks for one."""

    folder: Path
    node_port: int
    http: int = field(default_factory=free_port)
    dicom: int = field(default_factory=free_port)
    more: dict[str, Any] = field(default_factory=dict)
    login: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = needed_program("Orthanc", "orthanc")
        self.folder.mkdir(exist_ok=True)
        settings = {
            "StorageDirectory": str(self.folder / "db"), "IndexDirectory": str(self.folder / "db"), "HttpPort": self.http,
            "DicomPort": self.dicom, "DicomAet": "ORTHANC", "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
            "Plugins": [plugin()], "DicomModalities": {"hilum": ["HILUM", "127.0.0.1", self.node_port]},
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}, "SynchronousCMove": True, **self.more,
        }  # fmt: skip
        (self.folder / "orthanc.json").write_text(json.dumps(settings))
        with (self.folder / "orthanc.log").open("ab") as log:
            self.process = subprocess.Popen(
                [program, str(self.folder / "orthanc.json")], stdout=log, stderr=log
            )
        wait_for(lambda: self._up(), 30, "Orthanc does not start")

    def _up(self) -> bool:
        try:
            return "Version" in self.get("system")
        except OSError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process = None

    def get(self, path: str) -> Any:
        return json.loads(self.raw(path))

    def raw(self, path: str, accept: str = "*/*", data: bytes | None = None) -> bytes:
        headers = {"Accept": accept, "Authorization": f"Basic {b64encode(self.login.encode()).decode()}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/{path}", data, headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return bytes(answer.read())

    def post(self, path: str, data: bytes) -> Any:
        return json.loads(self.raw(path, data=data))

    def instances(self) -> dict[str, dict[str, Any]]:
        """SOP Instance UID -> the tags that say what it is, and Orthanc's own id."""
        found = {}
        for number in self.get("instances"):
            tags = self.get(f"instances/{number}/simplified-tags")
            found[tags["SOPInstanceUID"]] = {"id": number, **tags}
        return found

    def of(self, modality: str) -> list[dict[str, Any]]:
        return [i for i in self.instances().values() if i["Modality"] == modality]


def wait_for(happened: Callable[[], Any], seconds: float, otherwise: str | Callable[[], object]) -> Any:
    """What it gives, once that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := happened():
            return found
        time.sleep(0.1)
    raise AssertionError(otherwise if isinstance(otherwise, str) else otherwise())


def configuration(
    folder: Path,
    bundle: Path,
    port: int,
    archives: str,
    more: str = "",
    titles: tuple[str, ...] = ("ORTHANC", "STORESCU"),
) -> Path:
    """Write a node's file."""
    peers = "".join(f'[[peer]]\nae_title = "{t}"\nhost = "127.0.0.1"\n' for t in titles)
    node = f'[node]\nport = {port}\nbundle = "{bundle}"\nstate = "state"\n'
    path = folder / "node.toml"
    path.write_text(
        node
        + ("" if more.startswith("[") or not more else more + "\n")
        + peers
        + archives
        + (more if more.startswith("[") else "")
    )
    return path


def dimse_archive(orthanc: Orthanc, more: str = "") -> str:
    return f'[[archive]]\nname = "orthanc"\nae_title = "ORTHANC"\nhost = "127.0.0.1"\nport = {orthanc.dicom}\n{more}\n'
