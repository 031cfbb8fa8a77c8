"""Figures of a queue against scikit-learn and by hand; which answer counts; which films come into a queue."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, recall_score

from hilum.core.errors import InputError
from hilum.serve.review.exports import FIGURE_COLUMNS, figures_csv, labels_csv
from hilum.serve.review.figures import counted, queue_figures
from hilum.serve.review.queues import queue_items
from hilum.serve.review.records import Answer, Item, Queue, QueueAsked
from hilum.serve.review.runs import FinishedRun, Runs
from hilum.stats.agreement import Agreement
from hilum.stats.confusion import Undefined

CLASSES = ("covid", "normal", "viral")


def queue(blinded: bool = True, n: int = 60) -> Queue:
    return Queue(
        name="q", run="r", cell="c", kind="random", films=n, blinded=blinded, id=1, classes=CLASSES, positive="covid", n_items=n,
        made_by="m", made_at="2026-01-01T00:00:00+00:00",
    )  # fmt: skip


def items(n: int = 60) -> list[Item]:
    rng = np.random.default_rng(1)
    pairs = rng.integers(3, size=(n, 2))
    return [
        Item(
            n=k,
            image_id=f"a/{k}",
            label=CLASSES[i],
            unit=f"patient {k // 2}",
            said=CLASSES[j],
            probabilities={},
            votes={},
        )
        for k, (i, j) in enumerate(pairs, 1)
    ]


def answer(id: int, n: int, reader: str, label: str, verdict: str = "label") -> Answer:
    return Answer(
        id=id, n=n, reader=reader, known=False, verdict=verdict, label=label, regions=(), comment="", informed=False,  # type: ignore[arg-type]
        at="2026-01-01T00:00:00+00:00",
    )  # fmt: skip


def answers_of(films: list[Item], seed: int, readers: int) -> list[Answer]:
    rng = np.random.default_rng(seed)
    found = []
    for r in range(readers):
        for i in films:
            label = i.label if rng.random() < 0.7 else CLASSES[rng.integers(3)]
            found.append(answer(len(found) + 1, i.n, f"reader {r}", label))
    return found


def test_figures_are_scikit_learns() -> None:
    films = items()
    said = answers_of(films, 2, 3)
    figures = queue_figures(queue(), films, said)
    assert [r.reader for r in figures.readers] == ["reader 0", "reader 1", "reader 2"]
    first, second = ([a.label for a in said if a.reader == f"reader {k}"] for k in (0, 1))
    truth, model = [i.label for i in films], [i.said for i in films]
    (a, b, found) = figures.pairs[0]
    assert (a, b) == ("reader 0", "reader 1")
    assert isinstance(found, Agreement)
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second))
    assert found.n_clusters == 31
    mine = figures.readers[0]
    assert isinstance(mine.with_model, Agreement)
    assert mine.with_model.kappa == pytest.approx(cohen_kappa_score(first, model))
    for rows, called in ((mine.reader_rows, first), (mine.model_rows, model)):
        is_covid, calls = [t == "covid" for t in truth], [c == "covid" for c in called]
        assert rows["sensitivity"].estimate == pytest.approx(recall_score(is_covid, calls))
        assert rows["specificity"].estimate == pytest.approx(
            recall_score([not v for v in is_covid], [not v for v in calls])
        )
        low, estimate, high = (getattr(rows["sensitivity"], k) for k in ("low", "estimate", "high"))
        assert low < estimate < high
    assert mine.reader_rows["sensitivity"].unit == "patient or group"
    assert isinstance(figures.all_readers, Agreement)


def test_blind_the_first_answer_counts_and_else_the_last() -> None:
    said = [answer(1, 1, "A", "covid"), answer(2, 1, "A", "normal"), answer(3, 1, "B", "viral")]
    assert {r: a[1].label for r, a in counted(queue(True), said).items()} == {"A": "covid", "B": "viral"}
    assert {r: a[1].label for r, a in counted(queue(False), said).items()} == {"A": "normal", "B": "viral"}


def test_films_without_a_class_are_left_out_and_counted() -> None:
    films = items(4)
    said = [answer(1, 1, "A", "covid"), answer(2, 2, "A", "", "cannot tell"), answer(3, 2, "B", "normal")]
    figures = queue_figures(queue(n=4), films, said)
    assert [(r.reader, r.n_answered, r.n_without) for r in figures.readers] == [("A", 2, 1), ("B", 1, 0)]
    assert figures.pairs[0][2] == Undefined("no film that both read")
    assert figures.all_readers == Undefined("no film that all read")


def test_a_label_is_exported_where_more_than_half_gave_it() -> None:
    films = items(2)
    said = [answer(k, 1, f"r{k}", c) for k, c in enumerate(("covid", "covid", "normal"))]
    said += [answer(7, 2, "a", "covid"), answer(8, 2, "b", "viral")]
    lines = labels_csv(queue(n=2), films, said).splitlines()
    assert lines[1] == f'a/1,covid,,{films[0].label},"covid 2, normal 1",'
    assert lines[2] == f'a/2,,,{films[1].label},"covid 1, viral 1",'


def test_the_figures_are_exported_with_their_intervals() -> None:
    films = items()
    figures = queue_figures(queue(), films, answers_of(films, 2, 2))
    rows = list(csv.DictReader(io.StringIO(figures_csv(figures))))
    assert tuple(rows[0]) == FIGURE_COLUMNS
    of = {(r["figure"], r["first"], r["second"]): r for r in rows}
    assert len(of) == len(rows) == 2 * 2 * 5 + 2 * 3 + 1 + 1 + 4
    for t in figures.tests:
        row = of[f"{t.metric}, reader minus model", t.reader, "the model"]
        ends = [t.estimate, t.low_one, t.high_one, t.low, t.high]
        columns = ("estimate", "low", "high", "low_together", "high_together")
        assert [float(row[c]) for c in columns] == ends
        assert (
            float(row["low_together"]) < float(row["low"]) < float(row["high"]) < float(row["high_together"])
        )
        assert (int(row["gained"]), int(row["lost"]), row["verdict"]) == (t.gained, t.lost, t.verdict)
        assert (row["method"], row["note"]) == (t.method, t.note)
    mine, model = of["accuracy", "reader 0", ""], of["accuracy", "the model", "films of reader 0"]
    difference = of["accuracy, reader minus model", "reader 0", "the model"]
    assert float(mine["estimate"]) - float(model["estimate"]) == pytest.approx(float(difference["estimate"]))
    pair = figures.pairs[0][2]
    assert isinstance(pair, Agreement)
    assert float(of["kappa", "reader 0", "reader 1"]["low"]) == pair.low
    none = queue_figures(queue(n=4), films[:4], [answer(1, 1, "=A", "covid"), answer(2, 2, "B", "normal")])
    said = {(r["figure"], r["first"], r["second"]): r for r in csv.DictReader(io.StringIO(figures_csv(none)))}
    row = said["kappa", "'=A", "B"]
    assert (row["estimate"], row["note"]) == ("", "no film that both read")


@pytest.fixture(scope="module")
def run(tiny_study: Path) -> FinishedRun:
    runs = Runs(tiny_study)
    found = runs.get(runs.names()[0])
    assert found is not None
    return found


def asked(run: FinishedRun, kind: str, **more: object) -> QueueAsked:
    values = {
        "name": "q",
        "run": run.name,
        "cell": run.folder.cells[0].name,
        "kind": kind,
        "films": 500,
        "blinded": False,
        **more,
    }
    return QueueAsked.model_validate(values)


def test_each_kind_of_queue_has_its_films_in_its_order(run: FinishedRun) -> None:
    errors = queue_items(run, asked(run, "errors"))
    assert all(i.said != i.label for i in errors)
    sure = [max(i.probabilities.values()) for i in errors]
    assert sure == sorted(sure, reverse=True)
    unsure = [max(i.probabilities.values()) for i in queue_items(run, asked(run, "uncertain"))]
    assert unsure == sorted(unsure)
    assert all(len(i.votes) > 1 for i in queue_items(run, asked(run, "apart")))
    drawn, again, other = (queue_items(run, asked(run, "random", seed=s, films=5)) for s in (1, 1, 2))
    assert drawn == again
    assert [i.image_id for i in drawn] != [i.image_id for i in other]
    tested = {f.image_id for f in run.tested.films}
    assert {i.image_id for i in queue_items(run, asked(run, "random"))} == tested


def test_the_order_of_a_blinded_queue_says_nothing_of_the_model(run: FinishedRun) -> None:
    plain, blinded = (queue_items(run, asked(run, "uncertain", blinded=b)) for b in (False, True))
    assert {i.image_id for i in plain} == {i.image_id for i in blinded}
    assert [i.image_id for i in plain] != [i.image_id for i in blinded]


def test_a_model_that_is_not_there_is_named(run: FinishedRun) -> None:
    with pytest.raises(InputError, match="has no model 'nothing'"):
        queue_items(run, asked(run, "random", cell="nothing"))


def test_a_run_is_read_anew_when_its_files_change(tiny_study: Path) -> None:
    runs = Runs(tiny_study)
    name = runs.names()[0]
    first = runs.get(name)
    assert runs.get(name) is first
    assert runs.get("../x") is None
    assert Runs(None).names() == []
