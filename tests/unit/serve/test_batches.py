"""The queue in front of a network: order, batches, cancelled films, an error that stays with its film, an end that finishes."""

from __future__ import annotations

import threading

import pytest

from hilum.inference.opened import Opened
from hilum.serve.batches import Batches


class Network:
    """Answers with a film's name; waits until it is let go."""

    def __init__(self):
        self.go, self.seen = threading.Event(), []

    def __call__(self, films):
        self.go.wait()
        names = [f.name for f in films]
        self.seen.append(names)
        if "bad" in names:
            raise ValueError("bad")
        return names


def test_films_that_wait_go_in_together_and_a_bad_one_harms_no_other():
    network = Network()
    batches = Batches(network, 4)
    first = batches.submit(Opened("first"))
    while batches.waiting:
        pass
    names = ["a", "b", "bad", "c", "d", "e"]
    done = {name: batches.submit(Opened(name)) for name in names}
    gone = batches.submit(Opened("gone"))
    assert gone.cancel()
    network.go.set()
    batches.close()
    assert first.result() == "first"
    assert [done[n].result() for n in names if n != "bad"] == ["a", "b", "c", "d", "e"]
    with pytest.raises(ValueError, match="bad"):
        done["bad"].result()
    assert network.seen == [["first"], ["a", "b", "bad", "c"], ["a"], ["b"], ["bad"], ["c"], ["d", "e"]]
    assert batches.n_films == 6
