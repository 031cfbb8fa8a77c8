"""Ten families of networks, from four libraries, with random weights: features, a step of training, prediction, stages, a stored state."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

from hilum.artifacts.bundle import Bundle
from hilum.core.errors import InputError
from hilum.explain.network import last_map
from hilum.inference.predictor import load_head, plain_network
from hilum.models.backbone import FrozenBackbone, require_size
from hilum.models.cost import cost_of
from hilum.models.libraries import stages_of
from hilum.models.networks import NetworkScorer, build_whole, whole_from_state
from hilum.models.registry import Backbone, backbone
from hilum.models.weights import RANDOM, find, libraries_weights, state_sha256

TINY = "clinic/tiny-dinov2"
CONFIG = {
    "model_type": "dinov2", "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3, "image_size": 28, "patch_size": 14,
    "hidden_dropout_prob": 0.1, "num_channels": 3,
}  # fmt: skip
SWIN = "clinic/tiny-swin"
SWIN_CONFIG = {
    "model_type": "swin",
    "embed_dim": 12,
    "depths": [1, 1],
    "num_heads": [2, 2],
    "window_size": 4,
    "image_size": 32,
}
FAMILIES = {
    "timm/resnet10t": (512, 6), "torchvision/squeezenet1_1": (512, 9), "timm/efficientnet_b0": (1280, 9), "timm/convnext_atto": (320, 6),
    f"transformers/{SWIN}": (24, 4), "timm/vit_tiny_patch16_224": (192, 14), f"transformers/{TINY}": (48, 4),
    "torchxrayvision/densenet121-res224-all": (1024, 9), "timm/mobilenetv3_small_050": (1024, 7), "torchvision/regnet_y_400mf": (440, 5),
}  # fmt: skip
"""Name -> channels, and stages before the head."""
NOT_BY_THE_BIT = {"torchvision/regnet_y_400mf"}
"""A film's features may differ in their last bit with its place in the batch, though not with the films beside it."""


@pytest.fixture(autouse=True)
def here(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path_factory.mktemp("weights", numbered=True)
    shown = {"image_mean": [0.53] * 3, "image_std": [0.26] * 3}
    for repository, config in ((TINY, CONFIG), (SWIN, SWIN_CONFIG)):
        (root / repository).mkdir(parents=True)
        (root / repository / "config.json").write_text(json.dumps(config))
        (root / repository / "preprocessor_config.json").write_text(json.dumps(shown))
    monkeypatch.setenv("HILUM_WEIGHTS", str(root))
    monkeypatch.setenv("HF_HUB_CACHE", str(root / "hub"))
    return root


def films_of(b: Backbone) -> np.ndarray:
    side = 2 * b.patch if b.patch > 4 else 64
    return np.random.default_rng(0).integers(0, 256, (3, side, side), dtype=np.uint8)


def by_hand(b: Backbone, films: np.ndarray) -> Tensor:
    mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in (b.mean, b.std))
    return (torch.from_numpy(films).float()[:, None].expand(-1, len(b.mean), -1, -1) / 255 - mean) / std


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_does_all_that_a_backbone_does(name: str, tmp_path: Path) -> None:
    b = backbone(name)
    channels, n_stages = FAMILIES[name]
    films, side = films_of(b), films_of(b).shape[1]
    require_size(b, side, side)
    # frozen features are the library's own, whoever shares the batch
    frozen = FrozenBackbone(b, RANDOM, seed=3)
    got = frozen.features(films, 3).clone()
    assert (got.shape, b.channels, b.head) == ((3, channels), channels, "linear")
    alone = frozen.features(films[2:], 3)
    assert (
        torch.allclose(alone, got[2:], rtol=1e-5, atol=1e-6)
        if name in NOT_BY_THE_BIT
        else torch.equal(alone, got[2:])
    )
    whole = build_whole(b, RANDOM, 4, (side, side), seed=3).eval()
    with torch.inference_mode():
        plain = whole.body(by_hand(b, films))
    assert float((got - plain).abs().max()) <= 1e-3 * float(plain.abs().max())
    frozen.check_unchanged()
    rough = FrozenBackbone(b, RANDOM, seed=3, precision="bf16").features(films, 3)
    assert float((rough - got).norm() / got.norm()) < 0.1

    # there is a map to explain, of a film's places: patches where there are tokens
    seen: list[torch.Size] = []
    handle = last_map(whole, (side, side)).register_forward_hook(lambda *a: seen.append(a[2].shape))
    whole(torch.from_numpy(films))
    handle.remove()
    assert len(seen[-1]) == 4
    assert seen[-1][2:] == ((2, 2) if b.prefix_tokens is not None else seen[-1][2:])
    assert min(seen[-1][2:]) > 1

    # every weight in one stage; a step of training moves every stage, and nothing in it is left to chance
    stages = whole.stages()
    names = [n for weights in stages.values() for n in weights]
    assert sorted(names) == sorted(n for n, _ in whole.named_parameters())
    assert len(stages) == n_stages + 1
    assert all(stages.values())
    whole.train()
    pixels = torch.from_numpy(films)
    assert torch.equal(whole(pixels), whole(pixels))
    optimizer = torch.optim.AdamW(whole.parameters(), 1e-3)
    before = {n: p.detach().clone() for n, p in whole.named_parameters()}
    nn.functional.cross_entropy(whole(pixels), torch.tensor([0, 1, 2])).backward()
    assert all(p.grad is not None for p in whole.parameters())
    optimizer.step()
    # a norm that begins at zero holds up what stands before it for a step
    assert all(any(not torch.equal(p, before[n]) for n, p in weights.items()) for weights in stages.values())

    # a stored state is the same network; so is a bundle of a head on the frozen one
    state = {k: v.numpy() for k, v in whole.state_dict().items()}
    again = whole_from_state(b, 4, state)
    assert state_sha256(again) == state_sha256(whole)
    expected = NetworkScorer(whole).logits(films, 3)
    assert torch.allclose(NetworkScorer(again).logits(films, 3), expected, atol=1e-4, rtol=1e-4)
    head = {"weight": np.eye(4, channels, dtype=np.float32), "bias": np.zeros(4, np.float32)}
    bundle = Bundle(
        ("a", "b", "c", "d"), "a", name, {"choice": "none", "seed": 3}, frozen.state_sha256, "fp32", 3, {}, "linear", {}, {}, {},
    )  # fmt: skip
    logits = plain_network(bundle, tmp_path, head)(pixels)
    assert torch.allclose(load_head(bundle, head)(got), logits, atol=1e-3 * float(got.abs().max()))
    costs = cost_of(name, side, 4)
    assert costs["parameters"] == sum(p.numel() for p in whole.parameters())
    assert costs["multiply_adds"] > 0


@pytest.mark.parametrize("name", ["timm/resnet10t", "timm/vit_tiny_patch16_224"])
def test_timms_features_are_what_its_classifier_is_given(name: str, tmp_path: Path) -> None:
    b = backbone(name)
    net = timm.create_model(name.partition("/")[2], num_classes=7).eval()
    own = net.state_dict()
    path = tmp_path / "w.safetensors"
    save_file(own, str(path))
    weights = find(b, str(path))
    assert weights.source.startswith("file w.safetensors; classifier")
    assert weights.source.endswith("of 7 outputs left out")
    film = np.random.default_rng(1).integers(0, 256, (1, 224, 224), dtype=np.uint8)
    with torch.inference_mode():
        expected = net.forward_head(net.forward_features(by_hand(b, film)), pre_logits=True)
    assert torch.allclose(FrozenBackbone(b, weights).features(film, 1), expected, atol=1e-3)
    config = timm.get_pretrained_cfg(name.partition("/")[2])
    assert (b.mean, b.std, b.size_px) == (config.mean, config.std, config.input_size[1])
    assert b.weights[0].licence == config.license


def test_torchvisions_entry_is_its_weights() -> None:
    b, weights = backbone("torchvision/resnet18"), torchvision.models.ResNet18_Weights.DEFAULT
    assert (b.cut, b.channels, b.size_px) == ("fc", 512, 224)
    assert (b.weights[0].url, b.weights[0].sha256) == (weights.url, "f37072fd")
    assert backbone("resnet18").stages[1:] == b.stages[1:]  # hilum's own entry calls the first the stem


def test_xrays_of_torchxrayvision_have_one_channel_and_its_range() -> None:
    import torchxrayvision as xrv

    b = backbone("torchxrayvision/densenet121-res224-all")
    film = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    ours = by_hand(b, film)[0, 0].numpy()
    assert np.allclose(ours, xrv.datasets.normalize(film[0].astype(np.float32), 255), atol=1e-3)
    net = xrv.models.DenseNet(num_classes=18)
    frozen = FrozenBackbone(b, RANDOM, seed=3)
    plain = build_whole(b, RANDOM, 2, (64, 64), seed=3).body.net
    net.features.load_state_dict(plain.state_dict())
    films = films_of(b)
    with torch.inference_mode():
        expected = net.eval().features2(by_hand(b, films))
    assert torch.allclose(frozen.features(films, 3), expected, atol=1e-3 * float(expected.abs().max()))


def test_a_repository_of_transformers_is_read_as_it_is_published(here: Path) -> None:
    """Older names, a prefix, a mask token and a classifier, as files of the hub have them; by the library's own reading."""
    from transformers import Dinov2Config, Dinov2ForImageClassification

    own = {k: v for k, v in CONFIG.items() if k != "model_type"}
    published = Dinov2ForImageClassification(Dinov2Config(**own)).eval()
    renamed = {"attention.q_proj": "attention.attention.query", "attention.k_proj": "attention.attention.key", "attention.v_proj":
        "attention.attention.value", "attention.o_proj": "attention.output.dense"}  # fmt: skip
    held = {}
    for k, v in published.state_dict().items():
        for new, old in renamed.items():
            k = k.replace(new, old)
        held[k] = v.clone()
    save_file(held, str(here / TINY / "model.safetensors"))
    b = backbone(f"transformers/{TINY}")
    weights = find(b)
    assert (weights.choice, weights.path) == ("imagenet", here / TINY / "model.safetensors")
    films = films_of(b)
    with torch.inference_mode():
        expected = published.dinov2(by_hand(b, films)).pooler_output
    assert torch.allclose(FrozenBackbone(b, weights).features(films, 3), expected, atol=1e-4)
    assert (b.mean, b.std, b.prefix_tokens, b.patch) == ((0.53,) * 3, (0.26,) * 3, 1, 14)


def test_what_is_known_of_dinov2_and_rad_dino_needs_no_file() -> None:
    small, rad = backbone("transformers/facebook/dinov2-small"), backbone("transformers/microsoft/rad-dino")
    assert (small.channels, rad.channels, rad.size_px, rad.patch, rad.mean[0], rad.std[0]) == (
        384,
        768,
        518,
        14,
        0.5307,
        0.2583,
    )
    with pytest.raises(
        InputError, match=r"multiples of 14 px, such as 238 or 252; got 244 x 244: set augment.size_px"
    ):
        require_size(rad, 244, 244)
    require_size(rad, 252, 252)
    with pytest.raises(InputError, match="takes films of 224 x 224 px only"):
        require_size(backbone("torchvision/vit_b_16"), 256, 256)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tim/resnet18", "unknown library 'tim' of backbones; known: timm/"),
        ("timm/resnet19", "unknown backbone 'timm/resnet19'; did you mean 'timm/resnet18'"),
        ("torchvision/resnet19", "did you mean 'torchvision/resnet1"),
        ("torchxrayvision/all", "lists them"),
        ("torchvision/googlenet", "trains a second classifier beside the first"),
        ("transformers/nobody/nothing", "no config.json of it is here; fetch it with"),
    ],
)
def test_an_unknown_name_gets_the_nearest(name: str, message: str) -> None:
    with pytest.raises(InputError) as e:
        backbone(name)
    assert message in str(e.value)


def test_weights_of_a_library_are_listed_and_not_guessed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = libraries_weights("torchvision/vit_b_*")
    assert [(r[0], r[1], r[3]) for r in rows] == [
        ("torchvision/vit_b_16", 224, "-"),
        ("torchvision/vit_b_32", 224, "-"),
    ]
    with pytest.raises(InputError, match="no backbone of timm is called 'timm/xyz"):
        libraries_weights("timm/xyz*")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(here))
    with pytest.raises(
        InputError, match=r"no default weights of timm/resnet10t here.*weights.\"timm/resnet10t\" = \"none\""
    ):
        find(backbone("timm/resnet10t"))


def test_stages_open_the_trunk_and_keep_what_is_beside_it() -> None:
    def block(n: int) -> nn.Sequential:
        return nn.Sequential(*[nn.Linear(n, n) for _ in range(3)])

    net = nn.Sequential()
    net.add_module("stem", nn.Conv2d(3, 8, 3))
    net.add_module("norm", nn.BatchNorm2d(8))
    net.add_module("trunk", nn.Sequential(block(8), block(9)))
    net.add_module("head", nn.LayerNorm(9))
    assert list(stages_of(net)) == [
        ("stem", ("stem", "norm")), ("trunk.0", ("trunk.0",)), ("trunk.1", ("trunk.1",)), ("top", ("head",)),
    ]  # fmt: skip


def test_hilum_starts_without_a_library() -> None:
    code = (
        "import sys, hilum.cli.main, hilum.models.registry as r; r.backbone('resnet50'); "
        "print([m for m in ('torch', 'timm', 'transformers', 'torchxrayvision') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        == "[]\n"
    )
