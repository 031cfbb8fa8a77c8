"""From a run to corrected labels: films are read in Chromium, what was typed is exported, and `hilum ingest --labels` takes it."""

import base64
import csv
import hashlib
import html
import io
import json
import re
import runpy
from pathlib import Path

import pytest

from browser import check_page, opened
from hilum.core.engine import Local
from hilum.sources.layout import IngestOptions
from hilum.stages.gallery import write_gallery
from hilum.stages.ingest import ingest

SMALL = runpy.run_path(str(Path(__file__).parents[1] / "small_workspace.py"))
TRICKY = "=cmd|' /C calc'!A0, says \"Dr. B\"\nsecond line; <script>alert(1)</script>"
# what was typed is told by the page itself, as text: the dump has what its scripts left
TELL = """
const say = (id, text) => document.body.append(Object.assign(document.createElement("pre"), { id, textContent: text }));
const type = (id, label, words) => {
  const f = figures[data.films.findIndex((x) => x.id === id)];
  const [s, t] = [f.querySelector(".reading"), f.querySelector("textarea")];
  if (label) { s.value = label; s.dispatchEvent(new Event("change")); }
  if (words) { t.value = words; t.dispatchEvent(new Event("input")); }
};
const press = (k) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true, cancelable: true }));
URL.createObjectURL = (blob) => { blob.text().then((text) => say("csv", text)); return "#"; };
"""


def acting(page: Path, script: str) -> Path:
    """A copy of the page whose own script goes on with another; its policy is told of the whole."""
    text = page.read_text()
    own = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)[0]
    made = own + TELL + script.replace("</", "<\\u002f")

    def of(code: str) -> str:
        return base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()

    assert of(own) in text
    copy = page.with_name("acting.html")
    copy.write_text(text.replace(f"<script>{own}", f"<script>{made}").replace(of(own), of(made)))
    return copy


def told(dom: str, name: str) -> str:
    return html.unescape(re.search(f'<pre id="{name}">(.*?)</pre>', dom, re.DOTALL)[1])


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("gallery")
    return write_gallery(SMALL["make_workspace"](root / "ws"), root / "out", Local(0)).page


def test_the_page_opens_says_nothing_to_the_console_and_asks_nobody(page: Path, tmp_path: Path) -> None:
    check_page(page, tmp_path, "Films of ")


def test_comments_are_kept_exported_and_become_corrected_labels(page: Path, tmp_path: Path) -> None:
    films = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)[1])["films"]
    covid, normal = ([f["id"] for f in films if f["label"] == c] for c in ("covid", "normal"))
    typed = [
        (covid[0], "normal", TRICKY), (covid[1], "cannot tell", ""), (normal[0], "not a usable film", "rotated"),
        (normal[1], "", "right as it is"), (normal[2], "normal", ""),
    ]  # fmt: skip
    calls = "".join(f"type({json.dumps(i)}, {json.dumps(r)}, {json.dumps(c)});" for i, r, c in typed)
    undone = f'type({json.dumps(normal[3])}, "covid", ""); figures[data.films.findIndex((x) => x.id === {json.dumps(normal[3])})]'
    undone += '.querySelector(".reading").value = ""; type(data.films[0].id, "", "");'
    undone += "document.querySelectorAll('.film').forEach((f) => f.querySelector('.reading').dispatchEvent(new Event('change')));"
    found = opened(acting(page, f'{calls}{undone} $("export").click();'), tmp_path)
    assert found.console == []
    assert "5 films read, kept in this browser." in found.dom
    text = told(found.dom, "csv")
    rows = {r["image_id"]: r for r in csv.DictReader(io.StringIO(text))}
    assert {i: (r["label"], r["leave_out"], r["reading"]) for i, r in rows.items()} == {
        covid[0]: ("normal", "", "normal"),
        covid[1]: ("", "", "cannot tell"),
        normal[0]: ("", "not a usable film", "not a usable film"),
        normal[1]: ("", "", ""),
        normal[2]: ("normal", "", "normal"),
    }
    assert rows[covid[0]]["comment"] == f"'{TRICKY}"
    assert {r["given_label"] for i, r in rows.items() if i in covid} == {"covid"}

    # the browser keeps them: the page opened again exports the same
    again = opened(acting(page, '$("export").click();'), tmp_path)
    assert told(again.dom, "csv") == text

    comments = tmp_path / "comments.csv"
    comments.write_text(f"\ufeff{text}", newline="")
    sources = [f"clinic={page.parents[1] / 'ws' / 'films'}"]
    before = ingest(sources, tmp_path / "a.csv", IngestOptions(["clinic"]), Local(0)).manifest
    after = ingest(sources, tmp_path / "b.csv", IngestOptions(["clinic"], comments), Local(0)).manifest
    assert len(before) == len(after) + 1 == 32
    assert {i: f.label for i, f in after.by_id.items() if f != before.by_id[i]} == {covid[0]: "normal"}
    assert set(before.by_id) - set(after.by_id) == {normal[0]}


def test_keys_go_from_film_to_film_and_a_cell_of_the_matrix_shows_its_films(
    page: Path, tmp_path: Path
) -> None:
    script = """
    choose(1, "cell-0-0");
    const ids = () => [...document.querySelectorAll(".film:not([hidden]) .id")].map((x) => x.textContent);
    const listed = ids();
    document.querySelector('#matrix [data-key="cell-1-1"]').click();
    const others = ids();
    choose(1, "cell-0-0");
    document.querySelector('#lists [aria-current="false"]').focus();
    press("n"); const first = document.activeElement.querySelector(".id").textContent;
    press("ArrowRight"); press("Enter");
    const enlarged = (x) => document.querySelector(`#large ${x}`);
    const large = dialog.open && enlarged(".id").textContent, rows = enlarged(".trials").querySelectorAll("tr").length;
    press("n"); const third = enlarged(".id").textContent;
    press("p"); press("p"); press("p"); const start = $("place").textContent;
    dialog.close();
    const seen = { listed, others, first, large, third, rows, start };
    setTimeout(() => say("seen", JSON.stringify({ ...seen, after: ids(), hash: location.hash })), 50);
    """
    found = opened(acting(page, script), tmp_path)
    assert found.console == []
    seen = json.loads(told(found.dom, "seen"))
    data = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)[1])
    of = {x["key"]: [data["films"][k]["id"] for k in x["films"]] for x in data["lists"][1]}
    assert len(of["cell-0-0"]) >= 3
    assert (seen["listed"], seen["others"], seen["after"]) == (of["cell-0-0"], of["cell-1-1"], of["cell-0-0"])
    assert [seen["first"], seen["large"], seen["third"]] == of["cell-0-0"][:3]
    assert seen["rows"] == 1 + 2 * 3  # two models, each with its name and two trials
    assert seen["start"] == f"1 of {len(of['cell-0-0'])}"
    assert seen["hash"] == "#1/cell-0-0"


def test_a_page_may_be_opened_at_a_list_of_a_model(page: Path, tmp_path: Path) -> None:
    dom = opened(page, tmp_path, "#1/wrong-for-all").dom
    assert '<h2 id="title" tabindex="-1">Wrong for every model</h2>' in dom
