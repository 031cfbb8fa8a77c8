"""The pages of the real service in a real browser: what readers do, who may, what axe-core finds, what is asked of whom."""

from __future__ import annotations

import io
import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hilum.core.digests import sha256_bytes
from hilum.core.seeding import generator
from hilum.imaging.decode import decode
from hilum.serve.audit_log import LOG
from hilum.serve.review.store import NAME, ReviewStore
from hilum.serve.service import Service
from hilum.serve.tokens import new_token
from hilum.synthetic.phantom import draw
from page_browser import chromium, grave_findings, new_page, without_sideways_scrolling
from serving import beside, made, running

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
THEMES = ("light", "dark")


@dataclass(frozen=True)
class World:
    """A browser and a service without tokens.

    Attributes:
        guarded: Address of the same service with tokens.
        tokens: By scope.
    """

    browser: Any
    address: str
    run: str
    service: Service
    guarded: str
    tokens: Mapping[str, str]

    def told(self) -> dict[str, Any]:
        """The last entry of the audit log that is a label."""
        lines = (self.service.audit.state / LOG).read_text().splitlines()
        found: dict[str, Any] = next(e for e in map(json.loads, reversed(lines)) if e["event"] == "feedback")
        return found


@pytest.fixture(scope="module")
def world(tiny_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("pages")
    shutil.copytree(tiny_study / "runs", root / "workspace" / "runs")
    service = made(tiny_study / "model", root / "state", names=("one", "two"), workspace=root / "workspace")
    secrets = {s: new_token(root / "guarded", f"Dr {s}", (s,), 1)[0] for s in ("predict", "review", "admin")}
    guarded = beside(service, root / "guarded", root / "workspace", open_to_all=False)
    run = next((root / "workspace" / "runs").iterdir()).name
    with running(service) as address, running(guarded, closes=False) as other, chromium() as browser:
        yield World(browser, address, run, service, other, secrets)


@pytest.fixture(autouse=True)
def _closed_afterwards(world: World) -> Iterator[None]:
    yield
    for context in world.browser.contexts:
        context.close()


def film_file(form: str) -> dict[str, Any]:
    data = io.BytesIO()
    Image.fromarray(draw("covid", generator(1, "browser", form), 96).pixels).save(data, form)
    return {
        "name": f"<img src=x onerror=alert(1)>.{form.lower()}",
        "mimeType": "application/octet-stream",
        "buffer": data.getvalue(),
    }


def named(world: World, name: str, **context: Any) -> tuple[Any, Any]:
    """A page on which a reader has said who they are."""
    page, noted = new_page(world.browser, world.address, **context)
    page.goto("/review")
    page.fill("#name", name)
    page.click("#name-form button")
    page.wait_for_selector("#queue-form")
    return page, noted


def test_films_are_read_mapped_and_compared(world: World) -> None:
    page, noted = new_page(world.browser, world.address)
    page.goto("/")
    page.set_input_files(
        "#files", [film_file("PNG"), {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no film"}]
    )
    page.wait_for_selector(".verdict .big:has-text('overed'), .verdict .big:has-text('alled')")
    assert page.locator(".bars tbody tr").count() == 2
    answer_of, film = world.service.bundles.named("one").reader, film_file("PNG")["buffer"]
    answer, digest = answer_of.read([("f", film)])[0].answer, sha256_bytes(film)
    shown = page.locator(".bars tbody td.num:not(.soft)").all_inner_texts()
    assert shown == [f"{p:.3f}" for p in answer.probabilities.values()]
    assert f"operating point {answer.threshold:.3f}" in page.inner_text(".verdict")
    page.click(".map button[type=submit]")
    page.wait_for_selector(".shown:not([hidden])")
    assert page.evaluate(
        "[...document.querySelectorAll('.part')].every((p) => p.scrollWidth <= p.clientWidth)"
    )
    assert [r.split("\t")[0] for r in page.locator(".checks tbody tr").all_inner_texts()][:3] == [
        "Randomised weights", "Deletion and insertion", "Stability"
    ]  # fmt: skip
    page.click(".nearest button")
    page.wait_for_selector(".nearest .words:has-text('outside its run')")
    page.select_option(".truth", "covid")
    page.click(".telling button")
    page.wait_for_selector(".telling .words:has-text('Sent: covid.')")
    told = world.told()
    assert (told["label"], told["bundle"], told["sha256"]) == ("covid", answer_of.version, digest)
    page.select_option("#bundle-b", "two")
    page.wait_for_selector(".column:nth-child(2) .bars tbody tr")
    page.keyboard.press("n")
    page.wait_for_selector(".column:nth-child(2) .verdict.bad:has-text('No answer')")
    assert "Neither PNG, JPEG, BMP, TIFF nor DICOM" in page.inner_text(".verdict")
    assert noted.requests == []
    assert [line for line in noted.console if "415" not in line] == []  # of the notes


READY = (
    "[...document.querySelectorAll('main :is(button, input, select, textarea)')]"
    ".filter((e) => e.offsetParent && !e.matches(':disabled'))"
)
"""Controls that somebody may use."""


@pytest.mark.parametrize(
    ("address", "script"),
    [
        ("/", "read.js"),
        ("/review", "review.js"),
        ("/review/QUEUE/1", "review_film.js"),
        ("/studies", "tables.js"),
    ],
)
def test_controls_wait_for_their_script(world: World, address: str, script: str) -> None:
    """On a slow line the page is there before its script: what would do nothing yet cannot be pressed."""
    page, noted = named(world, f"Dr Slow {script}")
    page.fill("[name=films]", "1")
    page.click("#queue-form button")
    page.wait_for_url(re.compile(r"/review/\d+$"))
    held: list[Any] = []
    page.route(f"**/static/{script}", lambda route: held.append(route))
    page.goto(address.replace("QUEUE", page.url.rpartition("/")[2]), wait_until="commit")
    page.wait_for_selector(".foot")
    dead = page.locator("main :is(button, select, textarea):disabled:visible").count()
    typed = page.evaluate(f"{READY}.map((e) => e.type)")
    assert (dead > 0, [t for t in typed if t not in ("text", "number", "checkbox", "select-one")]) == (
        True,
        [],
    )
    while not held:
        page.wait_for_timeout(20)
    held.pop().continue_()
    page.wait_for_load_state()
    assert page.locator("main :is(button, select, textarea):disabled:visible:not(#print)").count() == 0
    assert page.evaluate(f"{READY}.length") > len(typed)
    assert noted.console == []


@pytest.mark.slow
def test_window_zoom_and_inversion_change_what_is_drawn(world: World) -> None:
    page, noted = new_page(world.browser, world.address)
    page.goto("/")
    page.click("#example button")
    page.wait_for_selector(".bars tbody tr")

    def middle() -> list[int]:
        time.sleep(0.1)  # it is drawn in the next frame
        return list(
            page.evaluate("(() => { const c = document.querySelector('.column canvas'); "
                          "return [...c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data]; })()")
        )  # fmt: skip

    plain = middle()
    page.focus(".column canvas")
    page.keyboard.press("i")
    assert abs(middle()[0] - (255 - plain[0])) <= 1
    page.keyboard.press("i")
    page.keyboard.press("]")
    for _ in range(8):
        page.keyboard.press("[")
    window = int(page.input_value("#window"))
    assert window == 192
    wanted = (plain[0] - (128 - window / 2)) / (window - 1) * 255
    assert abs(middle()[0] - min(255, max(0, wanted))) <= 2
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#zoom-is") == "120 %"
    page.keyboard.press("r")
    assert (page.inner_text("#zoom-is"), middle()) == ("100 %", plain)
    assert [line for line in noted.console if "getImageData" not in line] == []  # of this test's own reading


@pytest.mark.slow
def test_a_busy_service_is_asked_again_and_failures_are_sentences(world: World) -> None:
    page, _ = new_page(world.browser, world.address)
    problem = {"title": "Too large", "status": 413, "detail": "expected at most 9 bytes a film"}
    answers = [
        lambda route: route.fulfill(
            status=429, headers={"retry-after": "1"}, json={"detail": "64 requests are waiting"}
        ),
        lambda route: route.continue_(),
        lambda route: route.fulfill(status=413, content_type="application/problem+json", json=problem),
        lambda route: route.fulfill(status=401, body="no"),
        lambda route: route.abort(),
    ]
    page.route("**/v1/predict*", lambda route: answers.pop(0)(route))
    page.goto("/")
    for words in (
        "operating point",
        "Expected at most 9 bytes a film.",
        "sign in first",
        "cannot be reached",
    ):
        page.click("#example button")
        page.wait_for_selector(f".verdict:has-text('{words}')")
    assert answers == []


@pytest.mark.slow
def test_a_folder_of_films_is_read_with_its_paths(world: World, tmp_path: Path) -> None:
    for k in range(3):
        film = film_file("PNG")
        (tmp_path / "films" / "ward").mkdir(parents=True, exist_ok=True)
        (tmp_path / "films" / "ward" / f"{k}.png").write_bytes(film["buffer"])
    page, noted = new_page(world.browser, world.address)
    page.goto("/")
    page.set_input_files("#folder", str(tmp_path / "films"))
    page.wait_for_selector(".list li:nth-child(3) .state:has-text('covid')")
    assert sorted(page.locator(".entry .name").all_inner_texts()) == [f"films/ward/{k}.png" for k in range(3)]
    assert page.inner_text("#how-many") == "3"
    page.click("#forget")
    assert page.locator(".list li").count() == 0
    assert noted.console == []


@pytest.mark.slow
def test_films_that_a_browser_cannot_draw_are_drawn_by_the_service(world: World) -> None:
    page, noted = new_page(world.browser, world.address)
    page.goto("/")
    film, sent = film_file("TIFF"), []

    def passed_on(route: Any) -> None:
        response = route.fetch()
        sent.append(response.body())
        route.fulfill(response=response)

    page.route("**/pages/film.png", passed_on)
    page.set_input_files("#files", [film, {**film_file("PNG"), "name": "other.png"}])
    page.wait_for_selector(".on-film:has-text('as the service decoded it')")
    np.testing.assert_array_equal(decode(sent[0]).pixels, decode(film["buffer"]).pixels)
    assert page.locator(".list img").count() == 0  # the film's name is text

    def middle() -> int:
        time.sleep(0.2)
        return int(
            page.evaluate("(() => { const c = document.querySelector('.column canvas'); "
                          "return c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[0]; })()")
        )  # fmt: skip

    first = middle()
    assert first > 0
    page.keyboard.press("n")
    page.wait_for_selector(".on-film:has-text('other.png · as it was sent')")
    page.keyboard.press("p")
    page.wait_for_selector(".on-film:has-text('as the service decoded it')")
    assert middle() == first  # it was put away meanwhile
    assert [line for line in noted.console if "getImageData" not in line] == []


def test_a_blinded_film_is_answered_and_marked(world: World) -> None:
    page, noted = named(world, "Dr Blind")
    page.fill("[name=name] >> nth=1", "blind <i>queue</i>")
    page.fill("[name=films]", "2")
    page.click("#queue-form button")
    page.wait_for_url(re.compile(r"/review/\d+$"))
    page.click("a.button:has-text('Begin')")
    page.wait_for_selector("#on-film", state="hidden")
    assert "The model" not in page.content()
    page.click("#draw-rectangle")
    box = page.locator("#film").bounding_box()
    x, y, side = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, min(box["width"], box["height"])
    page.mouse.move(x - side / 4, y - side / 4)
    page.mouse.down()
    page.mouse.move(x, y, steps=4)
    page.mouse.move(x, y + side / 8)
    page.mouse.up()
    page.click("#add-rectangle")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("2")
    page.fill("#comment", "<script>alert(1)</script>")
    page.click("#answer [type=submit]")
    page.wait_for_selector("#reveal:not([hidden])")
    (kept,) = [
        a
        for q in ReviewStore(world.service.state / NAME).queues()
        for a in ReviewStore(world.service.state / NAME).answers(q.id, "Dr Blind")
    ]
    assert (kept.label, kept.informed, kept.comment) == ("normal", False, "<script>alert(1)</script>")
    drawn, keyed = kept.regions
    for point, wanted in zip(drawn.points, ((0.25, 0.25), (0.5, 0.625)), strict=True):
        assert point == pytest.approx(wanted, abs=0.01)
    assert keyed.points == ((0.36, 0.35), (0.66, 0.66))
    page.click("#onward")
    page.wait_for_selector("#on-film", state="hidden")
    page.keyboard.press("u")
    page.click("#answer [type=submit]")
    page.wait_for_selector("#onward:has-text('To the figures')")
    page.click("#onward")
    page.wait_for_selector("h2:has-text('Agreement')")
    assert "blind <i>queue</i>" in page.inner_text("h1")
    assert noted.requests == []
    assert noted.console == []


@pytest.mark.slow
def test_tables_sort_curves_tell_and_a_matrix_opens_its_films(world: World) -> None:
    page, noted = new_page(world.browser, world.address)
    page.goto("/studies")
    page.click("table a")
    page.wait_for_selector(".plot svg")
    column = "#models ~ .wide tbody td:nth-child(2)"
    figures = [float(t.split("\n")[0]) for t in page.locator(column).all_inner_texts()]
    for order in (sorted(figures, reverse=True), sorted(figures)):
        page.click("#models ~ .wide th:nth-child(2) button")
        assert [float(t.split("\n")[0]) for t in page.locator(column).all_inner_texts()] == order
    assert page.get_attribute("#models ~ .wide th:nth-child(2)", "aria-sort") == "ascending"
    page.focus(".plot svg")
    page.keyboard.press("End")
    assert "false positive rate 1.00" in page.inner_text(".plot .tip")
    assert "1.000" in page.inner_text(".plot .tip")
    n = int(page.inner_text(".matrix .right a >> nth=0"))
    page.click(".matrix .right a >> nth=0")
    page.wait_for_selector(".grid img")
    assert page.locator(".grid img").count() == n
    page.wait_for_load_state("networkidle")
    assert page.evaluate("[...document.images].every((i) => i.complete && i.naturalWidth > 0)")
    assert noted.requests == []
    assert noted.console == []


@pytest.mark.slow
def test_the_theme_is_the_systems_until_the_reader_chooses(world: World) -> None:
    page, _ = new_page(world.browser, world.address, color_scheme="dark")
    page.goto("/studies")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.click("#theme")
    light = page.evaluate(ground)
    assert (page.get_attribute("html", "data-theme"), dark != light) == ("light", True)
    page.goto("/review")
    assert page.evaluate(ground) == light


def signed_in(world: World, scope: str, **context: Any) -> tuple[Any, Any]:
    """A page after somebody gave a token."""
    page, noted = new_page(world.browser, world.guarded, **context)
    page.goto("/login")
    page.fill("#token", world.tokens[scope])
    page.click("button:has-text('Sign in')")
    page.wait_for_selector(f".who:has-text('Dr {scope}')")
    return page, noted


def test_who_has_a_token_signs_in_reads_and_signs_out(world: World) -> None:
    page, noted = new_page(world.browser, world.guarded)
    page.goto("/monitor?from=a%2Fb")
    assert page.url == f"{world.guarded}/login?next=%2Fmonitor%3Ffrom%3Da%252Fb"
    page.fill("#token", "hilum_wrong")
    page.click("button:has-text('Sign in')")
    page.wait_for_selector("[role=alert]:has-text('This token is unknown, revoked or expired.')")
    assert page.evaluate("document.activeElement.id") == "token"
    assert page.input_value("#token") == ""
    page.fill("#token", f" {world.tokens['predict']} ")
    page.keyboard.press("Enter")
    page.wait_for_selector(".who:has-text('Dr predict')")
    assert page.url == f"{world.guarded}/monitor?from=a%2Fb"
    assert page.locator("nav a").all_inner_texts() == ["Read", "Monitor"]
    page.click("nav a:has-text('Read')")
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("hilum-session", True, "Strict")
    assert world.tokens["predict"] not in cookie["value"]
    page.click("#example button")
    page.wait_for_selector(".bars tbody tr")
    assert page.locator(".map:visible, .nearest:visible").count() == 0  # this token may not explain
    page.goto("/review")
    assert "scope 'review'" in page.inner_text("main")
    page.click("button:has-text('Sign out')")
    page.wait_for_url("**/login")
    assert page.context.cookies() == []
    page.context.add_cookies([cookie])
    page.goto("/")
    assert page.url == f"{world.guarded}/login"  # the cookie is worth nothing any more
    assert noted.requests == []
    assert [line for line in noted.console if "401" not in line and "403" not in line] == []


@pytest.mark.slow
def test_a_session_that_ended_meanwhile_is_said_in_a_sentence(world: World) -> None:
    page, _ = signed_in(world, "admin")
    page.goto("/")
    page.context.clear_cookies()
    page.set_input_files("#files", [film_file("PNG")])
    page.wait_for_selector(".verdict:has-text('You are no longer signed in: sign in first.')")


@pytest.mark.slow
def test_a_reader_with_a_token_reviews_under_its_name(world: World) -> None:
    page, _ = signed_in(world, "review")
    assert page.url == f"{world.guarded}/review"
    assert page.locator("#name-form").count() == 0
    page.fill("[name=films]", "1")
    page.click("#queue-form button")
    page.wait_for_url(re.compile(r"/review/\d+$"))
    page.click("a.button:has-text('Begin')")
    page.wait_for_selector("#on-film", state="hidden")
    page.keyboard.press("1")
    page.click("#answer [type=submit]")
    page.wait_for_selector("#reveal:not([hidden])")
    (kept,) = ReviewStore(Path(world.service.state).parent / "guarded" / NAME).answers(1)
    assert (kept.reader, kept.known, kept.label) == ("Dr review", True, "covid")


def test_nothing_grave_is_found_where_people_sign_in(world: World) -> None:
    page, _ = new_page(world.browser, world.guarded, **PHONE)
    page.goto("/login")
    page.fill("#token", "hilum_wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        assert grave_findings(page) == [], theme
    assert without_sideways_scrolling(page)


PAGES = (
    "/", "/#read", "/studies", "/studies/RUN", "/studies/RUN/films?cell=0&label=0&said=0", "/review", "/review/QUEUE", "/review/QUEUE/1",
    "/monitor", "/studies/no", "/none",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", ["desk", "phone"])
def test_nothing_grave_is_found_on_any_page(world: World, theme: str, size: str) -> None:
    page, noted = named(world, f"Dr {theme} {size}", color_scheme=theme, **(PHONE if size == "phone" else {}))
    page.uncheck("[name=blinded]")
    page.fill("[name=films]", "2")
    page.click("#queue-form button")
    page.wait_for_url(re.compile(r"/review/\d+$"))
    queue = page.url.rpartition("/")[2]
    page.goto(f"/review/{queue}/1")
    page.wait_for_selector("#on-film", state="hidden")
    page.keyboard.press("a")
    page.click("#add-rectangle")
    page.click("#answer [type=submit]")
    page.wait_for_selector("#onward:not([hidden])")
    for address in PAGES:
        page.goto(address.replace("RUN", world.run).replace("QUEUE", queue))
        if address == "/#read":
            page.reload()
            page.select_option("#bundle-b", "two")
            page.click("#example button")
            page.wait_for_selector(".column:nth-child(2) .bars tbody tr")
            page.click(".map button[type=submit] >> nth=0")
            page.wait_for_selector(".shown:not([hidden])")
        assert grave_findings(page) == [], address
        assert without_sideways_scrolling(page), address
    assert noted.requests == []
    assert [line for line in noted.console if "404" not in line] == []


def test_axe_finds_what_is_grave(world: World) -> None:
    page, _ = new_page(world.browser, world.address)
    page.goto("/")
    assert grave_findings(page) == []
    page.evaluate("document.querySelector('main').append(new Image(), document.createElement('button'))")
    assert [f.partition(":")[0] for f in grave_findings(page)] == ["button-name", "image-alt"]
