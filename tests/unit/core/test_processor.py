from __future__ import annotations

import platform
from pathlib import Path

import pytest

from hilum.core import processor
from hilum.core.processor import accelerator_signs, cpu_name


@pytest.mark.parametrize(
    ("text", "name"),
    [("processor : 0\nmodel name\t: A Chip 7\nflags : x\n", "A Chip 7"), ("processor : 0\n", "fallback")],
)
def test_the_processor_is_called_as_the_system_calls_it(monkeypatch, text, name):
    monkeypatch.setattr(Path, "read_text", lambda _path: text)
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "fallback")
    assert cpu_name() == name


def test_a_system_without_cpuinfo_gives_its_own_name(monkeypatch):
    def missing(path: Path) -> str:
        raise FileNotFoundError(2, "no such file", str(path))

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(platform, "processor", lambda: "arm")
    assert cpu_name() == "arm"


def test_a_driver_and_its_gpus_are_signs(monkeypatch, tmp_path):
    gpus = tmp_path / "gpus"
    monkeypatch.setattr(processor, "_SIGNS", (str(tmp_path / "nvidiactl"), str(gpus)))
    assert accelerator_signs() == []
    (tmp_path / "nvidiactl").touch()
    (gpus / "0000:01:00.0").mkdir(parents=True)
    assert accelerator_signs() == [str(tmp_path / "nvidiactl"), str(gpus), "0000:01:00.0"]
