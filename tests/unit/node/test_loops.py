"""Threads of a node: none ends with an error, and one that is not the node's own and does is named in the log."""

import threading

import pytest

from hilum.core.errors import InputError
from hilum.node.loops import Loops, say_which_end


def test_what_a_loop_raises_is_said_without_a_films_words_and_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hilum.node.loops._AFTER_ERROR_S", 0.001)
    errors = [ValueError("Invented^Patient"), InputError("the disk is full"), MemoryError()]
    loops, done = Loops(), threading.Event()

    def once() -> float:
        if errors:
            raise errors.pop(0)
        done.set()
        return 60.0

    loops.run("work", once)
    assert done.wait(20)
    loops.stop.set()
    loops.join(20)
    assert caplog.messages == ["work: ValueError", "work: the disk is full", "work: MemoryError"]


def test_a_thread_that_ends_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # to be put back

    def ends() -> None:
        raise ValueError("Invented^Patient")

    say_which_end()
    thread = threading.Thread(target=ends, name="AcceptorThread")
    thread.start()
    thread.join()
    assert caplog.messages == ["the thread AcceptorThread ended: ValueError"]
