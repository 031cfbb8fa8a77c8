"""What a test needs besides hilum and may be without on a person's machine: a library, a program.

Continuous integration sets CI and installs them all (.ci/run). There, what cannot be found fails the test; elsewhere the test is
skipped and says what to install. So an oracle cannot fall silent where it is relied on.
"""

from __future__ import annotations

import importlib
import os
import shutil
import warnings
from types import ModuleType
from typing import NoReturn

import pytest


def missing(what: str, install: str) -> NoReturn:
    """Fail where CI is set, else skip; at the head of a test module too."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        pytest.fail(
            f"{what} cannot be found, and continuous integration has to have it: {install}", pytrace=False
        )
    pytest.skip(f"{what} cannot be found: {install}", allow_module_level=True)


def needed_module(name: str, install: str = "pip install -e '.[dev]'") -> ModuleType:
    """A library, imported."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the import, which is not what is tested
            return importlib.import_module(name)
    except ImportError:
        missing(f"the library {name}", install)


def needed_program(name: str, package: str) -> str:
    """The path of a program of a Debian package."""
    found = shutil.which(name)
    return found if found is not None else missing(f"the program {name}", f"apt-get install {package}")
