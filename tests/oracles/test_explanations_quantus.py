"""The checks of heat maps against Quantus 0.6 on the same maps and the same network. Quantus is GPL and imported here only.

The same numbers where the definitions are the same; where they are not, the test states the relation.
"""

import warnings

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients

from explained_models import film, random_bundle
from hilum.explain.checks import Asked, checked
from hilum.explain.faithful import SHIFT_PX, curves, moved, order_of, rank_correlation
from hilum.explain.methods import heat_map
from hilum.explain.network import explained
from hilum.explain.places import hits, share_in

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    quantus = pytest.importorskip("quantus")

SIDE, STEPS = 32, 8
X = film(SIDE).astype(np.float32)[None, None]
PLAIN = {"normalise": False, "abs": False, "disable_warnings": True}


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> Asked:
    """A small network trained as a whole, a map without ties, and a sign."""
    model = explained(random_bundle(tmp_path_factory.mktemp("bundle"), "cnn", SIDE, "whole"))
    made = heat_map(model, film(SIDE), 1, "integrated-gradients", steps=8)
    made = made + np.random.default_rng(0).normal(0, 1e-7, made.shape).astype(np.float32)
    truth = np.zeros((SIDE, SIDE), bool)
    truth[SIDE // 4 : SIDE // 2, SIDE // 4 : SIDE // 2] = True
    return Asked(model, film(SIDE), 1, "integrated-gradients", made, options={"steps": 8}, truth=truth)


def ask(metric, asked: Asked, heat: np.ndarray, **more):
    """Quantus's answer for the one film."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = metric(
            model=asked.model.net, x_batch=X, y_batch=np.array([asked.target]), a_batch=heat[None, None], device="cpu", channel_first=True,
            **more,
        )  # fmt: skip
    return found if isinstance(found, dict) else found[0]


def test_pixel_flipping_is_the_deletion_curve(asked, monkeypatch) -> None:
    monkeypatch.setattr(
        np, "trapz", np.trapezoid, raising=False
    )  # Quantus 0.6 calls it by the name that numpy took away
    order = order_of(asked.map, np.random.default_rng(0))
    ours = curves(asked, [order], insert=False, steps=STEPS)[0]
    flipping = {"features_in_step": SIDE * SIDE // STEPS, "perturb_baseline": float(X.mean()), **PLAIN}
    theirs = ask(quantus.PixelFlipping(**flipping), asked, asked.map, softmax=True)
    assert np.ptp(ours) > 1e-3
    assert ours[1:] == pytest.approx(theirs, abs=1e-6)  # Quantus leaves the whole film out
    area = ask(quantus.PixelFlipping(**flipping, return_auc_per_sample=True), asked, asked.map, softmax=True)
    whole = float(np.trapezoid(ours, dx=1 / STEPS))  # its area is in steps and begins at the first
    assert whole * STEPS - (ours[0] + ours[1]) / 2 == pytest.approx(area, abs=1e-5)


@pytest.mark.parametrize("at", [0, 8, 20])
def test_the_pointing_game(asked, at) -> None:
    truth = np.zeros((SIDE, SIDE), bool)
    truth[at : at + 12, at : at + 12] = True
    for seed in range(6):
        heat = np.random.default_rng(seed).normal(size=(SIDE, SIDE)).astype(np.float32)
        theirs = ask(quantus.PointingGame(**PLAIN), asked, heat, s_batch=truth[None, None])
        assert hits(heat, truth) == bool(theirs)


def test_mass_in_the_sign_is_relevance_mass_accuracy_and_attribution_localisation(asked) -> None:
    positive = np.clip(
        asked.map, 0, None
    )  # both divide by the map's sum, which for signed maps can be anything
    ours = share_in(asked.map, asked.truth)
    signs = asked.truth[None, None]
    assert 0 < ours < 1
    assert ask(quantus.RelevanceMassAccuracy(**PLAIN), asked, positive, s_batch=signs) == pytest.approx(
        ours, abs=1e-5
    )
    localisation = quantus.AttributionLocalisation(positive_attributions=True, **PLAIN)
    assert ask(localisation, asked, asked.map, s_batch=signs) == pytest.approx(ours, abs=1e-4)


def integrated(model, inputs, targets, **_):
    """Integrated gradients of any network, as captum gives them."""
    x = torch.as_tensor(inputs, dtype=torch.float32)
    found = IntegratedGradients(model).attribute(x, float(x.mean()), torch.as_tensor(targets), n_steps=8)
    return found.detach().numpy()


def test_the_randomisation_test_measures_the_same_likeness(asked) -> None:
    """Quantus draws the weights anew, layer by layer from the top, where ours shuffles those of the later half: with its
    network in the place of ours, the correlation is the same."""
    metric = quantus.MPRT(layer_order="top_down", skip_layers=True, seed=3, **PLAIN)
    found = ask(metric, asked, asked.map, explain_func=integrated)
    (theirs,) = (v[0] for k, v in found.items() if k != "original")
    kept = {k: v.clone() for k, v in asked.model.net.state_dict().items()}
    try:
        for module in [m for m in asked.model.net.modules() if hasattr(m, "reset_parameters")][::-1]:
            torch.manual_seed(4)
            module.reset_parameters()
        ours = rank_correlation(asked.map, asked.again(film(SIDE)))
    finally:
        asked.model.net.load_state_dict(kept)
    assert abs(ours) < 0.9
    assert ours == pytest.approx(theirs, abs=2e-3)
    assert found["original"][0] == pytest.approx(1, abs=1e-3)


def test_max_sensitivity_to_our_shift_is_the_stability_checks_second_number(asked) -> None:
    down, right = SHIFT_PX

    def overlapping(heat: np.ndarray) -> np.ndarray:
        """A map of the film moved, moved back; nothing where it has nothing."""
        back = np.zeros_like(heat)
        back[: SIDE - down, : SIDE - right] = heat[down:, right:]
        return back

    def explain(model, inputs, targets, **_):  # noqa: ARG001 - by name
        return overlapping(asked.again(np.asarray(inputs, np.float32)[0, 0].round().astype(np.uint8)))[
            None, None
        ]

    def shift(arr, **_):
        return moved(arr.reshape(SIDE, SIDE).astype(np.uint8), down, right).astype(np.float32).reshape(1, -1)

    here = asked.map.copy()
    here[SIDE - down :], here[:, SIDE - right :] = 0, 0
    theirs = ask(
        quantus.MaxSensitivity(nr_samples=1, perturb_func=shift, **PLAIN), asked, here, explain_func=explain
    )
    (ours,) = checked(asked, ["stability"])
    assert ours.also["sensitivity"] > 0.01
    assert ours.also["sensitivity"] == pytest.approx(theirs, rel=1e-4)
