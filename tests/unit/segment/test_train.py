"""A training follows from its seed, goes on from where it was, and takes a film's mask along with the film."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torchmetrics.functional.segmentation import dice_score

from hilum.augment.operation import Operation
from hilum.segment import train as module
from hilum.segment.films import LungFilms, phantoms
from hilum.segment.network import CONVENTIONS, LungNet
from hilum.segment.train import AUGMENTATION, LungTraining, agreeing, lung_loss, train

OPTIONS = LungTraining(epochs=2, films=4, batch=2, seed=3)


@pytest.fixture(scope="module")
def films() -> LungFilms:
    return phantoms(6, seed=1)


@pytest.fixture(scope="module")
def unbroken(films):
    states = []
    return train(films, OPTIONS, save=states.append), states


def same(a: LungNet, b: LungNet) -> bool:
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_a_training_follows_from_its_seed(films, unbroken):
    done, _ = unbroken
    again = train(films, OPTIONS)
    assert done.losses == again.losses
    assert same(done.network, again.network)
    assert train(films, replace(OPTIONS, seed=4)).losses != done.losses


def test_a_resumed_training_equals_an_unbroken_one(films, tmp_path, unbroken):
    done, _ = unbroken
    kept = tmp_path / "state"

    def killed(state):
        torch.save(state, kept)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(films, OPTIONS, save=killed)
    resumed = train(films, OPTIONS, torch.load(kept, weights_only=True))
    assert resumed.losses == done.losses
    assert same(resumed.network, done.network)


def test_every_source_has_an_equal_share(films):
    sources = ("a", "a", "a", "a", "a", "b")
    mixed = replace(films, sources=sources)
    order = module._order(mixed, np.ones(6, bool), LungTraining(films=10), 0)
    assert sorted(sources[k] for k in order) == ["a"] * 5 + ["b"] * 5
    assert {k for k in order.tolist() if sources[k] == "a"} == {0, 1, 2, 3, 4}


def test_the_mask_goes_where_the_film_goes(films):
    """Lungs of the augmented film, where the film is white on lung and black elsewhere, are the augmented mask."""
    bright = replace(films, pixels=films.masks)
    pixels, masks = module._batch(bright, np.arange(6), OPTIONS, 0)
    for film, mask in zip(pixels, masks, strict=True):
        if float(film.max()) > float(film.min()):
            middle = (film.max() + film.min()) / 2
            assert float(((film > middle) == (mask > 0.5)).float().mean()) > 0.97
    moved = [s.op for s in AUGMENTATION.steps if type(s).move is not Operation.move]
    assert moved == ["resize", "flip_left_right", "rotate", "zoom", "zoom_random", "shear"]


def test_the_loss_is_cross_entropy_and_dice_of_the_film_s_own_convention():
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(3, len(CONVENTIONS), 8, 8, generator=rng) * 50
    masks = (torch.rand(3, 8, 8, generator=rng) > 0.5).float()
    conventions = torch.tensor([0, 1, 0])
    own = torch.stack([logits[0, 0], logits[1, 1], logits[2, 0]])
    entropy = torch.nn.BCEWithLogitsLoss()(own, masks)
    hard = dice_score((own > 0).long()[:, None], masks.long()[:, None], num_classes=1, input_format="one-hot")
    # logits of this size are nearly 0 or 1, so soft Dice is hard Dice but for the 1 that both its parts have
    assert float(lung_loss(logits, masks, conventions)) == pytest.approx(
        float(entropy + 1 - hard.mean()), abs=0.02
    )


def test_a_mask_of_another_film_is_left_out_once_the_network_has_learned(films, monkeypatch):
    class Knows(LungNet):
        """Answers with the mask of the film that it is shown."""

        def forward(self, pixels):
            found = torch.stack([known[p.numpy().tobytes()] for p in pixels])
            return (found[:, None].float() - 127.5).repeat(1, len(CONVENTIONS), 1, 1)

    known = {p.tobytes(): torch.from_numpy(m) for p, m in zip(films.pixels, films.masks, strict=True)}
    wrong = films.masks.copy()
    wrong[2] = 0
    assert agreeing(Knows(), replace(films, masks=wrong)).tolist() == [True, True, False, True, True, True]
    monkeypatch.setattr(module, "LEARNED", 1.1)
    assert agreeing(Knows(), replace(films, masks=wrong)).all()
