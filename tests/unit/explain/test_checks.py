"""Checks of maps: a map that follows the network passes, one that does not fails, and each says so."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from explained_models import film, random_bundle
from hilum.core.errors import InputError
from hilum.explain import checks
from hilum.explain.checks import CHECKS, Asked, checked
from hilum.explain.faithful import curves, moved, order_of, rank_correlation, shuffled
from hilum.explain.methods import heat_map
from hilum.explain.network import explained


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> Asked:
    model = explained(random_bundle(tmp_path_factory.mktemp("bundle"), "squeezenet1_0"))
    target = int(model.probabilities(film()).argmax())
    options = {"window_px": 16, "stride_px": 8}
    made = heat_map(model, film(), target, "occlusion", **options)
    return Asked(model, film(), target, "occlusion", made, options=options)


def test_the_weights_are_as_they_were_after_a_shuffle(asked) -> None:
    before = {k: v.clone() for k, v in asked.model.net.state_dict().items()}
    with shuffled(asked.model, 0):
        changed = {k for k, v in asked.model.net.state_dict().items() if not torch.equal(v, before[k])}
        state = asked.model.net.state_dict()
        assert all(torch.equal(state[k].flatten().sort()[0], before[k].flatten().sort()[0]) for k in changed)
    assert changed
    kept = (".net.0.", ".net.3.", ".net.4.", ".net.5.")  # stem and fire 2-4 of five stages
    later = {k for k in before if not any(s in k for s in kept)}
    assert changed == {k for k in later if before[k].ndim > 1}
    assert all(torch.equal(v, before[k]) for k, v in asked.model.net.state_dict().items())


def test_a_map_that_does_not_look_at_the_weights_fails(asked, monkeypatch) -> None:
    """Edges of the film, whatever the network: what Adebayo et al. found some methods to show."""
    edges = np.hypot(*np.gradient(film().astype(np.float32))).astype(np.float32)
    monkeypatch.setattr(
        checks, "heat_map", lambda _m, x, *_a, **_o: np.hypot(*np.gradient(x.astype(np.float32)))
    )
    (result,) = checked(replace(asked, map=edges), ["randomised"])
    assert result.value == pytest.approx(1)
    assert (result.passed, result.required, result.title) == (False, True, "Randomised weights")
    assert "it shows the film, not what was learned" in result.words
    (blank,) = checked(replace(asked, map=np.zeros((64, 64), np.float32)), ["randomised"])
    assert blank.passed is False
    assert "it shows nothing" in blank.words


def test_deletion_and_insertion_know_a_good_order_from_a_bad_one(asked, monkeypatch) -> None:
    """The network is replaced by one that answers by the grey of the square alone."""

    class Square(torch.nn.Module):
        def forward(self, x):
            z = (x[:, 0, 16:32, 16:32].mean((1, 2)) - 100) / 10
            return torch.stack([z, -z], 1)

    where = np.zeros((64, 64), np.float32)
    where[16:32, 16:32] = 1
    monkeypatch.setattr(asked.model, "net", Square())
    (good,) = checked(replace(asked, map=where, target=0), ["deletion-insertion"])
    (bad,) = checked(replace(asked, map=1 - where, target=0), ["deletion-insertion"])
    assert (good.passed, bad.passed) == (True, False)
    assert good.value > good.bound
    assert good.also["deletion"] < good.also["deletion at random"]
    assert good.also["insertion"] > good.also["insertion at random"]
    assert good.value == pytest.approx(good.also["insertion"] - good.also["deletion"])
    assert good.words.startswith(
        "the answer follows what the map marks: better than 9 of 9 maps moved at random (probability"
    )


def test_a_class_that_never_has_a_probability_passes_no_map(asked, monkeypatch) -> None:
    """On films of another hospital a class had .009 whatever was removed, and maps of it beat random ones in the fourth decimal."""

    class Square(torch.nn.Module):
        def forward(self, x):
            z = x[:, 0, 16:32, 16:32].mean((1, 2)) / 1000 - 6
            return torch.stack([z, torch.zeros_like(z)], 1)

    where = np.zeros((64, 64), np.float32)
    where[16:32, 16:32] = 1
    monkeypatch.setattr(asked.model, "net", Square())
    (found,) = checked(replace(asked, map=where, target=0), ["deletion-insertion"])
    assert found.also["beaten"] >= 8
    assert found.passed is False
    assert found.words.startswith("the answer hardly moves, whatever is removed: better than ")


def test_a_deletion_curve_is_the_plain_loop(asked) -> None:
    order = order_of(asked.map, np.random.default_rng(0))
    values = asked.map.ravel()[order]
    assert (np.diff(values) <= 0).all()
    found = curves(asked, [order, order[::-1].copy()], insert=False, steps=4)
    x = film().astype(np.float32).ravel()
    expected = []
    for k in range(5):
        x[order[: 1024 * k]] = film().mean(dtype=np.float32)
        z = asked.model.net(torch.from_numpy(x.reshape(1, 1, 64, 64)))
        expected.append(float(z.softmax(1)[0, asked.target]))
    assert found[0] == pytest.approx(expected, abs=1e-6)
    assert found[1, [0, 4]] == pytest.approx([expected[0], expected[4]], abs=1e-6)
    shown = curves(asked, [order[::-1].copy()], insert=True, steps=4)
    assert shown[0] == pytest.approx(expected[::-1], abs=1e-6)


def test_a_film_that_is_moved_and_its_map_moved_back(asked, monkeypatch) -> None:
    assert np.array_equal(moved(film(), 3, 3)[3:, 3:], film()[:-3, :-3])
    monkeypatch.setattr(checks, "heat_map", lambda _m, x, *_a, **_o: x.astype(np.float32))
    (still,) = checked(replace(asked, map=film().astype(np.float32)), ["stability"])
    assert (still.value, still.also["sensitivity"], still.passed) == (pytest.approx(1), 0, True)
    noise = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    (other,) = checked(replace(asked, map=noise), ["stability"])
    assert other.passed is False
    assert abs(other.value) < 0.1


def test_completeness_is_asked_of_methods_that_promise_it(asked) -> None:
    assert checked(asked, ["completeness"]) == []
    model, target = asked.model, asked.target
    made = heat_map(model, film(), target, "integrated-gradients", steps=64)
    whole = Asked(model, film(), target, "integrated-gradients", made, options={"steps": 64})
    (good,) = checked(whole, ["completeness"])
    assert good.value < 0.05
    assert good.passed
    assert good.also["sum"] == pytest.approx(good.also["difference"], rel=0.05)
    (bad,) = checked(replace(whole, map=made * 1.2), ["completeness"])
    assert bad.passed is False


def test_rank_correlation_is_scipys() -> None:
    from scipy.stats import spearmanr

    a, b = np.random.default_rng(0).integers(0, 9, (2, 12, 12)).astype(np.float32)
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a.ravel(), b.ravel())[0])
    assert rank_correlation(a, np.ones((12, 12), np.float32)) == 0
    assert rank_correlation(np.full((61, 61), 0.1, np.float32), np.ones((61, 61), np.float32)) == 0


def test_all_checks_that_apply_are_made_in_their_order(asked) -> None:
    lungs = np.zeros((64, 64), bool)
    lungs[8:56, 8:28] = True
    found = checked(replace(asked, lungs=lungs, truth=lungs))
    assert [r.name for r in found] == [c for c in CHECKS if c != "completeness"]
    assert [r.name for r in checked(asked, ["lungs", "border", "mass"])] == ["lungs", "border"]
    assert checked(asked, ["lungs"])[0].words == "where the lungs are is not known"
    with pytest.raises(InputError, match="unknown check of a heat map 'lung'; did you mean 'lungs'"):
        checked(asked, ["lung"])
