"""What a process that opens films does, called here: ready, a film, one with too many pixels, one that ended the process."""

import hashlib

from hilum.core.workers import WorkerLost
from hilum.inference.opener import Opener
from hilum.inference.opening import LOST, opened, ready, unopened
from serving import film


def test_a_film_is_opened_and_one_of_too_many_pixels_is_not():
    ready()
    data = film(side_px=40)
    found = opened(Opener(None, pixels=True), "a.png", data, 1600)
    assert (found.name, found.size_px, found.error) == ("a.png", (40, 40), "")
    refused = opened(Opener(None), "a.png", data, 1599)
    assert (refused.pixels, refused.error) == (None, "too large")


def test_a_film_that_ended_its_process_has_words_and_its_digest():
    data = b"whatever"
    lost = unopened("a.dcm", data, WorkerLost("it took more than 3 seconds"))
    assert (lost.sha256, lost.error) == (hashlib.sha256(data).hexdigest(), LOST)
    assert lost.words == "the film cannot be opened: it took more than 3 seconds"
    assert unopened("a.dcm", data, MemoryError()).error == "too large"
