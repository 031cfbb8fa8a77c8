"""Heat maps are of the film's size, signed where the method is, the same at every run, and options are named."""

import numpy as np
import pytest

from explained_models import film, random_bundle
from hilum.core.errors import InputError
from hilum.explain.methods import METHODS, heat_map
from hilum.explain.network import explained
from hilum.study.explanations import settled

FEW = {
    "integrated-gradients": {"steps": 4},
    "occlusion": {"window_px": 16, "stride_px": 16},
    "lime": {"samples": 24, "patches": 9},
    "rise": {"masks": 20},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return explained(random_bundle(tmp_path_factory.mktemp("bundle"), "squeezenet1_0"))


@pytest.fixture(scope="module")
def shown(model) -> int:
    """A class that the random network says something of: its logit is above zero."""
    return int(model.probabilities(film()).argmax())


@pytest.mark.parametrize("method", METHODS)
def test_a_map_is_of_the_films_size_signed_where_the_method_is_and_the_same_again(
    model, shown, method
) -> None:
    made, again = (heat_map(model, film(), shown, method, **FEW.get(method, {})) for _ in range(2))
    assert made.shape == (64, 64)
    assert made.dtype == np.float32
    assert np.ptp(made) > 0
    assert (made.min() < 0) == METHODS[method].signed
    assert made.tobytes() == again.tobytes()


@pytest.mark.parametrize("method", ["lime", "rise"])
def test_what_is_drawn_follows_from_the_seed_and_not_from_torchs(model, shown, method) -> None:
    import torch

    torch.manual_seed(1)
    one = heat_map(model, film(), shown, method, seed=1, **FEW[method])
    before = torch.random.get_rng_state()
    again, other = (heat_map(model, film(), shown, method, seed=s, **FEW[method]) for s in (1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_the_batch_of_occluded_films_changes_nothing_but_the_time(model, shown) -> None:
    asked = {"window_px": 16, "stride_px": 8}
    one, many = (heat_map(model, film(), shown, "occlusion", batch=b, **asked) for b in (1, 16))
    assert np.abs(one - many).max() < 1e-5


def test_occlusion_is_the_fall_of_the_logit_averaged_over_the_windows_of_a_pixel(model, shown) -> None:
    x = film()
    logits = lambda pixels: float(model.net(model.tensor(pixels).clone())[0, shown])  # noqa: E731
    falls = np.zeros((4, 4))
    for down in range(4):
        for right in range(4):
            covered = model.tensor(x)
            covered[0, 0, 16 * down : 16 * down + 16, 16 * right : 16 * right + 16] = float(x.mean())
            falls[down, right] = logits(x) - float(model.net(covered)[0, shown])
    made = heat_map(model, x, shown, "occlusion", window_px=16, stride_px=16)
    assert np.abs(made - np.kron(falls, np.ones((16, 16)))).max() < 1e-5


def test_rise_without_covering_is_the_probability(model, shown) -> None:
    made = heat_map(model, film(), shown, "rise", masks=4, kept=1.0)
    assert made == pytest.approx(model.probabilities(film())[shown], abs=1e-4)


def test_wrong_options_classes_and_methods_are_named(model) -> None:
    with pytest.raises(InputError, match="unknown method of explanation 'gradcam'; did you mean 'grad-cam'"):
        heat_map(model, film(), 0, "gradcam")
    with pytest.raises(InputError, match="unknown option 'windowpx' of occlusion; did you mean 'window_px'"):
        settled("occlusion", {"windowpx": 3})
    with pytest.raises(InputError, match="option 'window_px' of occlusion: expected int above 0, got '24'"):
        settled("occlusion", {"window_px": "24"})
    with pytest.raises(InputError, match="expected a class number from 0 to 1, got 2"):
        heat_map(model, film(), 2, "grad-cam")
    with pytest.raises(InputError, match="unknown baseline 'meen'; did you mean 'mean'"):
        heat_map(model, film(), 0, "occlusion", baseline="meen")
    with pytest.raises(InputError, match="got stride_px 16 and window_px 80"):
        heat_map(model, film(), 0, "occlusion", window_px=80)
    assert settled("rise", {"kept": 1})["kept"] == 1
