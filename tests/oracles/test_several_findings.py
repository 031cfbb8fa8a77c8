"""Figures of several findings against torchmetrics' masked multilabel metrics and scikit-learn, on films of which some are not known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, recall_score, roc_auc_score
from torchmetrics.functional.classification import multilabel_auroc, multilabel_average_precision

from hilum.artifacts.comparisons import Pair
from hilum.stats.several import FoundFilms, MacroCells, finding_cells, macro_rows
from hilum.stats.summary import cell_statistics

FINDINGS = ["effusion", "mass", "nodule"]
N = 160


def trial(seed: int, signal: float = 1.5, training: int = 0) -> FoundFilms:
    """Films with findings, a fifth of them not known; scores that follow the findings."""
    rng = np.random.default_rng(seed)
    there = rng.random((N, 3)) < [0.4, 0.25, 0.2]
    known = np.where(rng.random((N, 3)) < 0.2, -1, there).astype(np.int64)
    noise = np.random.default_rng([seed, training]).normal(size=(N, 3))
    p = 1 / (1 + np.exp(-(signal * (there - 0.5) + noise)))
    clusters = np.array([f"patient {k // 2}" for k in range(N)])
    return FoundFilms(
        known, p, (0.5, 0.4, 0.6), clusters, [f"f{k:03d}" for k in range(N)], f"w{training}-{signal}"
    )


def test_macro_areas_are_torchmetrics_with_what_is_not_known_ignored() -> None:
    films = trial(1)
    rows = {r.metric: r for r in macro_rows([films], FINDINGS, "patient", 0, 200, "test")}
    p, known = torch.from_numpy(films.probabilities), torch.from_numpy(films.known)
    auroc = multilabel_auroc(p, known, 3, average="macro", ignore_index=-1).item()
    precision = multilabel_average_precision(p, known, 3, average="macro", ignore_index=-1).item()
    assert rows["roc_auc"].estimate == pytest.approx(auroc, abs=1e-6)  # torchmetrics computes in float32
    assert rows["average_precision"].estimate == pytest.approx(precision, abs=1e-6)
    assert rows["roc_auc"].low < auroc < rows["roc_auc"].high
    assert rows["roc_auc"].n_clusters == N // 2
    assert rows["roc_auc"].class_ == "macro"


def test_a_finding_alone_is_scikit_learns_on_the_films_of_which_it_is_known() -> None:
    films = trial(2)
    for k, finding in enumerate(FINDINGS):
        rows = cell_statistics([films.alone(k)], [f"without {finding}", finding], finding, n_resamples=50)
        found = {r.metric: r for r in rows if r.class_ == finding}
        mask = films.known[:, k] >= 0
        y, p = films.known[mask, k], films.probabilities[mask, k]
        said = p >= films.thresholds[k]
        assert found["roc_auc"].estimate == pytest.approx(roc_auc_score(y, p), abs=1e-12)
        assert found["average_precision"].estimate == pytest.approx(average_precision_score(y, p), abs=1e-12)
        assert found["sensitivity"].estimate == pytest.approx(recall_score(y, said), abs=1e-12)
        assert found["specificity"].estimate == pytest.approx(recall_score(y, said, pos_label=0), abs=1e-12)
        assert (found["roc_auc"].n, found["roc_auc"].n_positive) == (mask.sum(), y.sum())


def test_the_macro_average_at_the_thresholds_is_the_mean_of_scikit_learns() -> None:
    films = trial(3)
    rows = {r.metric: r.estimate for r in macro_rows([films], FINDINGS, "patient", 0, 20, "test")}
    each = []
    for k in range(3):
        mask = films.known[:, k] >= 0
        each.append(recall_score(films.known[mask, k], films.probabilities[mask, k] >= films.thresholds[k]))
    assert rows["sensitivity@operating_point"] == pytest.approx(np.mean(each), abs=1e-12)


def test_a_probability_that_is_its_threshold_reaches_it() -> None:
    films = trial(4)
    at = FoundFilms(
        films.known, films.probabilities, tuple(films.probabilities[0]), films.clusters, films.image_ids
    )
    alone = at.alone(0)
    first = list(alone.image_ids).index("f000") if "f000" in list(alone.image_ids) else None
    if first is not None:
        assert alone.y_score[first, 1] > alone.y_score[first, 0]
    assert ((alone.y_score[:, 1] > alone.y_score[:, 0]) == (alone.y_score[:, 1] >= at.thresholds[0])).all()


def cells() -> dict[str, list[FoundFilms]]:
    return {
        "strong": [trial(7, 3.0, t) for t in range(3)],
        "weak": [trial(7, 0.3, 10 + t) for t in range(3)],
        "weak too": [trial(7, 0.3, 20 + t) for t in range(3)],
    }


def test_a_family_has_each_finding_and_the_macro_average_and_is_adjusted_over_all() -> None:
    first, *others = finding_cells(cells(), FINDINGS, ["roc_auc", "sensitivity"], "patient", 0, 400)
    pairs = [Pair("strong", "weak", "strong against weak"), Pair("weak too", "weak", "weak too against weak")]
    rows = first.compare("models", pairs, ["roc_auc", "sensitivity"], others)
    assert {r.n_family for r in rows} == {2 * 4}
    assert len(rows) == 2 * 2 * 4
    areas = {(r.class_, r.cell): r for r in rows if r.metric == "roc_auc"}
    for cell in ("strong", "weak too"):
        mean = np.mean([areas[f, cell].estimate for f in FINDINGS])
        assert areas["macro", cell].estimate == pytest.approx(mean, abs=1e-12)
    # Holm's first step, by hand: the smallest p times the number of comparisons
    smallest = min((r for r in areas.values()), key=lambda r: r.p)
    assert smallest.p_adjusted == pytest.approx(min(1, 8 * smallest.p))
    assert areas["macro", "strong"].verdict == "better"
    assert areas["macro", "weak too"].verdict == "not distinguishable"
    # the mean of three findings is known no worse than the worst of them
    assert areas["macro", "strong"].standard_error < max(areas[f, "strong"].standard_error for f in FINDINGS)


def test_the_resamples_of_the_macro_average_are_those_of_all_findings_at_once() -> None:
    made = cells()
    macro = MacroCells(made, FINDINGS, ["roc_auc"], "patient", 0, 64)
    films, draws = made["strong"][0], macro._counted.draws[0, :, 0]
    numbers = np.unique(films.clusters, return_inverse=True)[1]
    from hilum.stats.resampling import draw_counts

    counts = draw_counts(N // 2, 64, 0, 0)
    for b in (0, 17):
        weights = counts[numbers, b]
        each = [
            roc_auc_score(films.known[m, k], films.probabilities[m, k], sample_weight=weights[m])
            for k in range(3)
            if (m := (films.known[:, k] >= 0) & (weights > 0)).any()
        ]
        assert draws[b] == pytest.approx(np.mean(each), abs=1e-12)
