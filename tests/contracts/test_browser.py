"""The check of pages sees what it is there to see."""

from pathlib import Path

from browser import opened

BAD = """<title>t</title><p id="x">before</p><img src="http://films.invalid/a.png">
<link rel="stylesheet" href="https://fonts.googleapis.com/css?family=Any">
<script>document.getElementById("x").textContent = "after"; console.error("went wrong"); notThere()</script>
"""


def test_errors_of_the_console_and_requests_elsewhere_are_seen(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(BAD)
    found = opened(page, tmp_path)
    assert '<p id="x">after</p>' in found.dom
    assert len(found.console) == 2
    assert "went wrong" in found.console[0]
    assert "notThere is not defined" in found.console[1]
    assert sorted(found.requests) == [
        "http://films.invalid/a.png",
        "https://fonts.googleapis.com/css?family=Any",
    ]
