"""Examples of `hilum` and `hilum.api` run in a folder of their own, with films, a finished run and a model (`tests/tiny_study.py`)."""

from pathlib import Path

import numpy as np
import pytest

import hilum


@pytest.fixture(scope="session")
def tiny_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, to be copied."""
    from tiny_study import make_tiny_study

    root = tmp_path_factory.mktemp("made") / "tiny"
    root.mkdir()
    make_tiny_study(root)
    return root


@pytest.fixture(scope="session")
def answering(tmp_path_factory: pytest.TempPathFactory):
    """A model that answers for the DICOM node with heat map and segmentation."""
    from needs import needed_module

    needed_module("highdicom", "pip install -e '.[node]'")
    from hilum.node.answering import Answering
    from scoring_model import make_model

    folder = tmp_path_factory.mktemp("made") / "model"
    make_model(folder)
    return Answering(folder, heat_map="grad-cam", segmentation=True)


@pytest.fixture(autouse=True)
def _beside_a_tiny_study(request: pytest.FixtureRequest) -> None:
    of = request.node.name
    if not isinstance(request.node, pytest.DoctestItem) or not of.startswith(("hilum.api.", "hilum.__")):
        return
    from tiny_study import copy_tiny_study

    root = request.getfixturevalue("tmp_path") / "here"
    copy_tiny_study(request.getfixturevalue("tiny_study"), root)
    request.getfixturevalue("monkeypatch").chdir(root)
    request.getfixturevalue("doctest_namespace").update(hilum=hilum, np=np, Path=Path)
