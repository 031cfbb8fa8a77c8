"""predictions.csv from elsewhere: every dialect of csv gives the same predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hilum.artifacts.predictions import Predictions
from hilum.core.errors import InputError

TEXT = (
    "image_id,patient_id,part,y_true,p_covid,p_None\n"
    "f0,P0,test,covid,0.25,0.75\n"
    "none,nan,test,None,0.5,0.5\n"
    "f2,?,test,NA,1,0\n"
)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_they_are_read_alike_whoever_wrote_them(tmp_path: Path, separator: str, encoding: str) -> None:
    text = TEXT.replace(",", separator)
    (tmp_path / "p.csv").write_bytes(
        (text.replace("0.", "0,") if separator == ";" else text).encode(encoding)
    )
    p = Predictions.read(tmp_path / "p.csv")
    assert p.image_ids == ("f0", "none", "f2")
    assert p.patient_ids == ("P0", "", "")
    assert p.y_true == ("covid", "None", "")  # a class may be called None, a missing one is missing
    assert np.array_equal(p.probabilities, [[0.25, 0.75], [0.5, 0.5], [1, 0]])


def test_what_is_wrong_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_bytes(TEXT.replace("f2", "f\u00e9").encode("latin-1"))
    with pytest.raises(InputError, match=r"p.csv line 4: .*Windows-1252 \(Latin-1\).*0xE9 is 'é'"):
        Predictions.read(path)
    path.write_text(TEXT.replace(",1,0", ",1,nan"))
    with pytest.raises(InputError, match=r"p.csv line 4: p_None must be a number, got 'nan'"):
        Predictions.read(path)
    path.write_text(TEXT.replace(",1,0", ",1,0.5"))
    with pytest.raises(InputError, match=r"p.csv line 4: the probabilities must be >= 0 and add up to 1"):
        Predictions.read(path)


def test_a_film_that_could_not_be_read_has_its_reason_and_takes_no_part(tmp_path: Path) -> None:
    text = TEXT.splitlines()
    rows = [f"{text[0]},group,operating_point,error", f"{text[1]},,1,", "bad,P9,test,covid,,,,,truncated"]
    (tmp_path / "p.csv").write_text("\n".join(rows) + "\n")
    p = Predictions.read(tmp_path / "p.csv")
    assert p.errors == ("", "truncated")
    assert np.isnan(p.probabilities[1]).all()
    assert p.of_part("test").image_ids == ("f0",)
    assert p.of_part("test").y_index().tolist() == [0]
