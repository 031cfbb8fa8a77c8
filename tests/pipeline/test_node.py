"""The node beside a real Orthanc: films out of it, answers back into the same study, whatever happens between.

The one in the fast suite runs the node in this process; the others start ``hilum node`` as a program, which may then be killed.
"""

from __future__ import annotations

import ast
import io
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from certificates import https_before, make_certificates
from dicom_films import bytes_of
from hilum import RESEARCH_NOTICE
from hilum.node.config import read_config
from needs import needed_module, needed_program
from node_films import PATIENT, STUDY, film, phantom, write_film
from orthanc import Orthanc, configuration, dcmtk, dimse_archive, free_port, wait_for

pydicom = needed_module("pydicom")
needed_module("pynetdicom", "pip install -e '.[node]'")
needed_module("highdicom", "pip install -e '.[node]'")
N_FILMS = 30
TLS = '[tls]\ncertificate = "node.pem"\nkey = "node.key"\nauthorities = "ca.pem"\n'


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    archive = Orthanc(tmp_path / "orthanc", free_port())
    archive.start()
    yield archive
    archive.stop()


def probabilities(path: Path) -> list[float]:
    """Those of a report, in its order."""
    found = []

    def look(at: Any) -> None:
        for item in at.get("ContentSequence", []):
            if item.ValueType == "NUM" and item.ConceptNameCodeSequence[0].CodeMeaning.startswith(
                "Probability of "
            ):
                found.append(item.MeasuredValueSequence[0].FloatingPointValue)
            look(item)

    look(pydicom.dcmread(path))
    return found


@pytest.fixture(autouse=True)
def _no_node_is_left() -> Iterator[None]:
    yield
    while Program.started:
        process = Program.started.pop()
        if process.poll() is None:
            process.kill()
            process.wait()


class Program:
    """``hilum node``, to be started, killed and started again."""

    started: ClassVar[list[subprocess.Popen[bytes]]] = []

    def __init__(self, config: Path) -> None:
        self.config, self.log = config, config.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        before = self.words().count("listening as")
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "hilum.cli.main", "node", "--config", str(self.config)]
            self.process = subprocess.Popen(command, stderr=log)
        self.started.append(self.process)
        wait_for(
            lambda: self.words().count("listening as") > before or self.process.poll() is not None,
            120,
            "no node",
        )  # type: ignore[union-attr]
        assert self.process.poll() is None, self.words()

    def words(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def kill(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)


def send_all(orthanc: Orthanc, count: int) -> None:
    """Put films into Orthanc and have it send them to the node."""
    numbers = [orthanc.post("instances", bytes_of(film(k, phantom(k))))["ID"] for k in range(1, count + 1)]
    for number in numbers:
        orthanc.post("modalities/hilum/store", number.encode())


def deliveries(orthanc: Orthanc) -> dict[str, int]:
    """How many objects of a modality Orthanc has; it keeps one of each UID."""
    found = [i["Modality"] for i in orthanc.instances().values()]
    return {m: found.count(m) for m in ("SR", "OT", "SEG")}


def test_a_film_in_orthanc_gets_its_report_and_heat_map_into_the_same_study(
    orthanc: Orthanc, tiny_study: Path, answering, tmp_path: Path
) -> None:
    from hilum.node.running import Node

    path = configuration(
        tmp_path, tiny_study / "model", orthanc.node_port, dimse_archive(orthanc, "commitment = true")
    )
    node = Node(read_config(path), answering)
    node.start()
    try:
        send_all(orthanc, 1)
        wait_for(lambda: deliveries(orthanc) == {"SR": 1, "OT": 1, "SEG": 1}, 180, "no answers")
        wait_for(lambda: node.queue.counts().get("delivery committed") == 3, 60, lambda: node.queue.counts())
    finally:
        node.stop()
    (study,) = orthanc.get("studies?expand")
    assert study["MainDicomTags"]["StudyInstanceUID"] == STUDY
    assert study["MainDicomTags"]["AccessionNumber"] == PATIENT["AccessionNumber"]
    assert len(study["Series"]) == 4
    (picture,) = orthanc.of("OT")
    shown = Image.open(io.BytesIO(orthanc.raw(f"instances/{picture['id']}/preview", "image/png")))
    assert shown.mode == "RGB"
    colours = np.asarray(shown)[: shown.width].astype(int)
    assert np.ptp(colours, axis=2).max() > 60  # in colours, and not shown wrong as grey
    (report,) = orthanc.of("SR")
    (tmp_path / "report.dcm").write_bytes(orthanc.raw(f"instances/{report['id']}/file"))
    told = subprocess.run(
        [needed_program("dsrdump", "dcmtk"), "+Pl", str(tmp_path / "report.dcm")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert RESEARCH_NOTICE in told.stdout
    assert "Probability of covid" in told.stdout
    (reading,) = node.answering.reader.read([("film", bytes_of(film(1)))])
    assert probabilities(tmp_path / "report.dcm") == list(reading.answer.probabilities.values())


@pytest.mark.slow
def test_kill_9_with_a_full_queue_and_the_archive_away_and_all_is_delivered_once(
    orthanc: Orthanc, tiny_study: Path, tmp_path: Path
) -> None:
    """Thirty films, no archive, and the node is killed four times at odd moments, once while answers go out."""
    more = "[retry]\nfirst_s = 0.5\nlongest_s = 2.0\n"
    node = Program(
        configuration(tmp_path, tiny_study / "model", orthanc.node_port, dimse_archive(orthanc), more)
    )
    films = [str(write_film(tmp_path / f"{k}.dcm", k)) for k in range(1, N_FILMS + 1)]
    orthanc.stop()
    node.start()
    subprocess.run(
        [dcmtk("storescu"), "-aec", "HILUM", "127.0.0.1", str(orthanc.node_port), *films], check=True
    )
    for after in (0.0, 0.7, 2.0):
        time.sleep(after)
        node.kill()
        node.start()
    held = [
        ast.literal_eval(line.rpartition("holds ")[2])
        for line in node.words().splitlines()
        if "holds {" in line
    ]
    assert [h.get("film answered", 0) + h.get("film waiting", 0) for h in held] == [N_FILMS] * 3
    assert held[0]["film waiting"] > N_FILMS / 3
    orthanc.start()
    wait_for(lambda: deliveries(orthanc)["SR"] > 3, 240, node.words)
    node.kill()
    node.start()
    wait_for(lambda: deliveries(orthanc) == {"SR": N_FILMS, "OT": N_FILMS, "SEG": 0}, 400, node.words)
    assert node.stop() == 0
    changes = orthanc.get("changes?limit=1000")["Changes"]
    assert sum(c["ChangeType"] == "NewInstance" for c in changes) == 2 * N_FILMS
    assert {i["StudyInstanceUID"] for i in orthanc.instances().values()} == {STUDY}
    assert {_source_of(orthanc, i) for i in orthanc.of("SR")} == {
        f"{STUDY}.1.{k}" for k in range(1, N_FILMS + 1)
    }
    for word in ("Invented", "INVENTED", "ACC-77", STUDY):
        assert word not in node.words()


def _source_of(orthanc: Orthanc, report: dict[str, Any]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = pydicom.dcmread(io.BytesIO(orthanc.raw(f"instances/{report['id']}/file")))
    (evidence,) = made.CurrentRequestedProcedureEvidenceSequence
    found = {
        i.ReferencedSOPInstanceUID for s in evidence.ReferencedSeriesSequence for i in s.ReferencedSOPSequence
    }
    (source,) = {u for u in found if u.startswith(STUDY)}
    return str(source)


@pytest.mark.slow
def test_orthanc_sends_films_by_itself_with_the_script_of_the_how_to(
    tiny_study: Path, tmp_path: Path
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "dicom-node.md").read_text()
    (tmp_path / "to-hilum.lua").write_text(page.partition("```lua\n")[2].partition("```")[0])
    archive = Orthanc(
        tmp_path / "orthanc", free_port(), more={"LuaScripts": [str(tmp_path / "to-hilum.lua")]}
    )
    archive.start()
    node = Program(configuration(tmp_path, tiny_study / "model", archive.node_port, dimse_archive(archive)))
    node.start()
    archive.post("instances", bytes_of(film(1)))
    wait_for(lambda: deliveries(archive) == {"SR": 1, "OT": 1, "SEG": 0}, 180, node.words)
    time.sleep(3)
    assert node.words().count("took a film from ORTHANC") == 1
    assert "refused" not in node.words()
    assert node.stop() == 0
    archive.stop()


@pytest.mark.slow
def test_an_archive_that_is_away_for_a_while_gets_everything_when_it_is_back(
    orthanc: Orthanc, tiny_study: Path, tmp_path: Path
) -> None:
    """And a node that remembers nothing makes the same objects of the same films again."""
    more = "[retry]\nfirst_s = 0.5\nlongest_s = 2.0\n"
    node = Program(
        configuration(tmp_path, tiny_study / "model", orthanc.node_port, dimse_archive(orthanc), more)
    )
    films = [str(write_film(tmp_path / f"{k}.dcm", k)) for k in (1, 2)]
    store = [dcmtk("storescu"), "-aec", "HILUM", "127.0.0.1", str(orthanc.node_port), *films]
    orthanc.stop()
    node.start()
    subprocess.run(store, check=True)
    wait_for(lambda: node.words().count("cannot be reached") >= 3, 180, node.words)
    orthanc.start()
    wait_for(lambda: deliveries(orthanc) == {"SR": 2, "OT": 2, "SEG": 0}, 180, node.words)
    assert node.stop() == 0
    before = set(orthanc.instances())
    shutil.rmtree(tmp_path / "state")
    node.start()
    sent = node.words().count("answers to orthanc")
    subprocess.run(store, check=True)
    wait_for(lambda: node.words().count("answers to orthanc") > sent, 180, node.words)
    wait_for(lambda: node.words().count("answered film") == 4, 60, node.words)
    assert node.stop() == 0
    assert set(orthanc.instances()) == before


@pytest.mark.slow
def test_dicomweb_in_and_out(orthanc: Orthanc, tiny_study: Path, tmp_path: Path) -> None:
    """QIDO-RS finds the film, WADO-RS fetches it, STOW-RS brings the answers, and what is known is not fetched again."""
    url = f"http://127.0.0.1:{orthanc.http}/dicom-web"
    archive = f'[[archive]]\nname = "web"\nurl = "{url}"\n[[poll]]\nname = "orthanc"\nurl = "{url}"\nevery_s = 1\ndays = 36500\n'
    node = Program(
        configuration(tmp_path, tiny_study / "model", orthanc.node_port, archive, "segmentation = true")
    )
    node.start()
    orthanc.post("instances", bytes_of(film(1)))
    orthanc.post("instances", bytes_of(film(2, Modality="OT", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")))
    wait_for(lambda: deliveries(orthanc) == {"SR": 1, "OT": 2, "SEG": 1}, 180, node.words)
    time.sleep(3)
    assert node.words().count("took a film from poll orthanc") == 1
    assert node.stop() == 0
    assert _source_of(orthanc, orthanc.of("SR")[0]) == f"{STUDY}.1.1"


@pytest.mark.slow
def test_dimse_through_tls_with_the_peer_checked(tiny_study: Path, tmp_path: Path) -> None:
    """dcmtk's storescu is heard with a certificate of the authority, and neither without one, nor with another's, nor in the clear."""
    make_certificates(tmp_path)
    port = free_port()
    archive = '[[archive]]\nname = "none"\nae_title = "NONE"\nhost = "127.0.0.1"\nport = 1\n'
    node = Program(configuration(tmp_path, tiny_study / "model", port, archive, TLS))
    node.start()
    path = str(write_film(tmp_path / "film.dcm"))

    def sent(*words: str) -> int:
        command = [dcmtk("storescu"), "-aec", "HILUM", *words, "127.0.0.1", str(port), path]
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode

    own = ("+tls", str(tmp_path / "peer.key"), str(tmp_path / "peer.pem"), "+cf", str(tmp_path / "ca.pem"))
    other = (
        "+tls",
        str(tmp_path / "stranger.key"),
        str(tmp_path / "stranger.pem"),
        "+cf",
        str(tmp_path / "ca.pem"),
    )
    assert sent() != 0
    assert sent("+tla", "+cf", str(tmp_path / "ca.pem")) != 0
    assert sent(*other) != 0
    assert sent(*own) == 0
    assert node.words().count("took a film from STORESCU") == 1
    assert node.stop() == 0


@pytest.mark.slow
def test_films_and_answers_and_commitment_go_through_tls_between_orthanc_and_node(
    tiny_study: Path, tmp_path: Path
) -> None:
    """Orthanc's own TLS, both ways, each side with a certificate that the other asks for."""
    make_certificates(tmp_path)
    port = free_port()
    more = {
        "DicomTlsEnabled": True, "DicomTlsCertificate": str(tmp_path / "peer.pem"), "DicomTlsPrivateKey": str(tmp_path / "peer.key"),
        "DicomTlsTrustedCertificates": str(tmp_path / "ca.pem"),
        "DicomModalities": {"hilum": {"AET": "HILUM", "Host": "127.0.0.1", "Port": port, "UseDicomTls": True}},
    }  # fmt: skip
    archive = Orthanc(tmp_path / "orthanc", port, more=more)
    archive.start()
    table = dimse_archive(archive, "tls = true\ncommitment = true")
    node = Program(configuration(tmp_path, tiny_study / "model", port, table, TLS))
    node.start()
    try:
        send_all(archive, 1)
        wait_for(lambda: deliveries(archive) == {"SR": 1, "OT": 1, "SEG": 0}, 180, node.words)
        wait_for(lambda: "2 objects are kept, 0 are sent again" in node.words(), 60, node.words)
        assert node.stop() == 0
    finally:
        archive.stop()


@pytest.mark.slow
def test_dicomweb_through_https_with_its_own_authority_and_a_password(
    tiny_study: Path, tmp_path: Path
) -> None:
    """Orthanc behind nginx: the film is found, fetched and answered there, and nothing by who does not know its authority."""
    make_certificates(tmp_path)
    (tmp_path / "password").write_text("secret\n")
    more = {"AuthenticationEnabled": True, "RegisteredUsers": {"hilum": "secret"}}
    archive = Orthanc(tmp_path / "orthanc", free_port(), more=more, login="hilum:secret")
    archive.start()
    with https_before(tmp_path, "peer", archive.http) as port:
        web = f'url = "https://127.0.0.1:{port}/dicom-web"\nuser = "hilum"\npassword_file = "password"\n'
        ours, poll = f'{web}authorities = "ca.pem"\n', "every_s = 1\ndays = 36500\n"
        tables = f'[[archive]]\nname = "web"\n{ours}[[poll]]\nname = "ours"\n{ours}{poll}[[poll]]\nname = "other"\n{web}{poll}'
        node = Program(configuration(tmp_path, tiny_study / "model", archive.node_port, tables))
        node.start()
        archive.post("instances", bytes_of(film(1)))
        wait_for(lambda: deliveries(archive) == {"SR": 1, "OT": 1, "SEG": 0}, 180, node.words)
        assert node.stop() == 0
    archive.stop()
    assert node.words().count("took a film from poll ours") == 1
    assert "poll other: the archive cannot be reached: SSLCertVerificationError" in node.words()
    assert "secret" not in node.words()


@pytest.mark.slow
def test_the_command_checks_its_configuration_before_it_listens(tiny_study: Path, tmp_path: Path) -> None:
    archive = '[[archive]]\nname = "none"\nae_title = "NONE"\nhost = "127.0.0.1"\nport = 1\n'
    path = configuration(tmp_path, tiny_study / "model", free_port(), archive)

    def checked() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hilum.cli.main", "node", "--config", str(path), "--check"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = checked()
    assert (done.returncode, done.stdout.splitlines()[1]) == (0, "the queue is empty")
    path.write_text(path.read_text().replace('name = "none"', 'nmae = "none"'))
    done = checked()
    assert (done.returncode, done.stderr) == (
        2,
        "hilum: node.toml: unknown key 'archive 1.nmae'; did you mean 'name'?\n",
    )
    path.write_text(
        path.read_text().replace("nmae", "name").replace(str(tiny_study / "model"), str(tmp_path / "nothing"))
    )
    done = checked()
    assert done.returncode == 2
    assert "nothing: expected a bundle (a folder with bundle.json)" in done.stderr


@pytest.mark.slow
def test_predict_writes_the_report_that_the_node_would(tiny_study: Path, tmp_path: Path) -> None:
    write_film(tmp_path / "film.dcm")
    Image.fromarray(phantom()).save(tmp_path / "film.png")
    command = [
        sys.executable,
        "-m",
        "hilum.cli.main",
        "predict",
        str(tiny_study / "model"),
        "film.dcm",
        "film.png",
        "--sr",
        "reports",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no report of film.png: no DICOM file" in done.stderr
    assert "1 report of 2 films" in done.stderr
    (written,) = (tmp_path / "reports").iterdir()
    made = pydicom.dcmread(written)
    assert (made.Modality, made.StudyInstanceUID, f"{made.SOPInstanceUID}.dcm") == ("SR", STUDY, written.name)
