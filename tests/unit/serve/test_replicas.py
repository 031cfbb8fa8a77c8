"""What is asked of replicas, without a cluster: what was lost is asked again, and nothing of a patient is sent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from called import called
from hilum.core.engine.ray.work import sent
from hilum.core.errors import InputError
from hilum.inference.opened import Opened
from hilum.inference.predictor import Scored
from hilum.serve import replicas
from hilum.serve.problems import Problem
from needs import needed_module

needed_module("ray.serve")
FILMS = [Opened(f"ward-3/{k}.dcm", facts={"PatientName": f"Doe {k}"}, words="") for k in range(2)]


class Handle:
    """In the place of Ray Serve's: raises what it is given, one after the other, and then answers."""

    def __init__(self, *raised: Exception, answer: tuple[bool, Any, str] | None = None) -> None:
        self.raised, self.answer, self.tasks = list(raised), answer, []

    def remote(self, task: bytes) -> Any:
        self.tasks.append(task)
        return SimpleNamespace(result=self._result)

    def _result(self, timeout_s: float) -> bytes:
        assert timeout_s > 30, "longer than a request may take"
        if self.raised:
            raise self.raised.pop(0)
        scored = [Scored("", np.full(2, 0.5), k == 1) for k in range(2)]
        return sent(self.answer or (True, scored, ""), None)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "_AGAIN_S", 0.0)


def test_what_was_lost_is_asked_again_and_names_and_headers_stay_here() -> None:
    from ray.exceptions import RayActorError
    from ray.serve.exceptions import ReplicaUnavailableError

    handle = Handle(RayActorError(), ReplicaUnavailableError("gone"))
    found = replicas.Replicas(handle, "one", 2).scored(FILMS)
    assert [(s.name, s.facts["PatientName"], s.positive) for s in found] == [
        ("ward-3/0.dcm", "Doe 0", False),
        ("ward-3/1.dcm", "Doe 1", True),
    ]
    assert len(handle.tasks) == 3
    assert all(b"Doe" not in task and b"ward-3" not in task for task in handle.tasks)


def test_no_replica_or_none_in_time_is_a_503_and_an_error_of_a_replica_comes_as_it_was_raised() -> None:
    from ray.exceptions import RayActorError

    lost = Handle(*(RayActorError() for _ in range(3)))
    for handle, asked in ((lost, 3), (Handle(TimeoutError()), 1)):
        with pytest.raises(Problem, match="no replica answers") as e:
            replicas.Replicas(handle, "one", 2).scored(FILMS)
        assert e.value.status == 503
        assert len(handle.tasks) == asked
    refused = Handle(answer=(False, InputError("not this film"), "there"))
    with pytest.raises(InputError, match=r"^not this film$"):
        replicas.Replicas(refused, "one", 2).scored(FILMS)


def test_a_scorer_refuses_a_folder_that_holds_another_bundle(tiny) -> None:
    scorer = replicas.Scorer(tiny / "model", "0" * 64, "torch", "cpu", 1)
    with pytest.raises(InputError, match="holds another bundle than the one that is served"):
        scorer([])


def test_options_of_ray_are_refused_without_it(tiny) -> None:
    for words in (("--replicas", "2"), ("--address", "auto")):
        refused = called("serve", str(tiny / "model"), *words)
        assert refused.returncode == 2
        assert (
            "--replicas and --address are of a Ray cluster; say --engine ray, or leave them out"
            in refused.stderr
        )
