"""Errors keep what they carry across processes, and hints name the nearest word."""

import pickle

import pytest

from hilum.core.errors import (
    FilmError,
    HilumError,
    InputError,
    LeakageError,
    MissingExtraError,
    UnsafeError,
    nearest,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [(HilumError("x"), 1), (InputError("x"), 2), (LeakageError("x"), 3), (UnsafeError("x"), 3)],
)
def test_exit_codes(error: HilumError, code: int) -> None:
    assert error.exit_code == code


def test_film_error_survives_a_process_pool() -> None:
    again = pickle.loads(pickle.dumps(FilmError("truncated", "film ends early")))
    assert (again.reason, str(again)) == ("truncated", "film ends early")


def test_missing_extra_names_the_command() -> None:
    again = pickle.loads(pickle.dumps(MissingExtraError("pydicom", "dicom")))
    assert "pip install 'hilum[dicom]'" in str(again)


def test_nearest_lists_known_words_when_none_is_near() -> None:
    assert nearest("zzz", ["b", "a"]) == "known: a, b"
