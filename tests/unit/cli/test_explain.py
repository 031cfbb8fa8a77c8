"""`hilum explain` as typed: the page is printed, what cannot be explained is said."""

from pathlib import Path

from called import called
from hilum.artifacts.explanations import EXPLANATIONS, Explanations


def test_films_get_maps_and_one_that_cannot_be_read_its_reason(tiny_study: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no film")
    films = (str(tiny_study / "films" / "covid" / "0.png"), str(broken))
    out = tmp_path / "out"
    done = called(
        "explain", str(tiny_study / "model"), *films, "--check", "completeness",
        "--lungs", "none", "--neighbours", "0", "--out", str(out), "--quiet",
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, str(out / "explanations.html")), done.stderr
    found = Explanations.read(out / EXPLANATIONS)
    assert [bool(f.error) for f in found.films] == [False, True]
    assert f"not explained, {found.films[1].error}: broken.png" in done.stderr
    unknown = called("explain", str(tiny_study / "model"), films[0], "--lungs", "mine", "--out", str(out))
    assert (unknown.returncode, "--lungs: unknown choice" in unknown.stderr) == (2, True)
