"""``transformers/ID``: vision encoders by their configuration (``config.json``, ``preprocessor_config.json``), tapped where they pool.

The configuration of an id lies in a folder of that name below ``HILUM_WEIGHTS`` or in the hub's cache, where ``hilum weights fetch`` puts
it; that of the ids in `KNOWN` is written out here, so that they need none. Features are what the library pools (the class token after the
last norm, or the mean of a map); of an encoder that pools by a layer trained for another task they are the class token before it.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from torch import Tensor, nn
from transformers import AutoModel, PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.utils import logging as library_log

from hilum.core.errors import InputError
from hilum.models import hub
from hilum.models.libraries import Cut, Published

_FILES = ("model.safetensors", "pytorch_model.bin")
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CHANCE = re.compile(r"dropout|drop_path")


@dataclass(frozen=True)
class Known:
    """The configuration of an id as its repository has it: what differs from the defaults of its kind, mean and standard deviation."""

    kind: str
    options: dict[str, Any]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    licence: str


KNOWN: dict[str, Known] = {
    **{
        f"facebook/dinov2-{size}": Known(
            "dinov2",
            {"hidden_size": width, "num_hidden_layers": depth, "num_attention_heads": width // 64, "image_size": 518},
            *_IMAGENET, "Apache-2.0",
        )
        for size, width, depth in (("small", 384, 12), ("base", 768, 12), ("large", 1024, 24))
    },
    "microsoft/rad-dino": Known("dinov2", {"image_size": 518}, (0.5307,) * 3, (0.2583,) * 3, "MIT"),
}  # fmt: skip
"""Ids that are known without a file."""

cached = hub.cached


def names() -> Sequence[str]:
    """Those that are known without a file; any other id whose configuration is here will do too."""
    return list(KNOWN)


def _read(name: str, file: str) -> dict[str, Any] | None:
    """A file of a repository that is here."""
    folder = hub.local_folder(name)
    path = folder / file if folder else cached(hub.of_hub(name, file, "", ""))
    return cast(dict[str, Any], json.loads(path.read_text())) if path and path.is_file() else None


@cache
def _config(name: str) -> PreTrainedConfig:
    """The configuration of an encoder, without anything that is left to chance (training draws chance itself)."""
    own = _read(name, "config.json")
    if own is not None:
        kind = own.get("model_type", "")
        if kind not in CONFIG_MAPPING:
            raise InputError(
                f"transformers/{name}: its config.json is of the kind {kind!r}, which the installed transformers does not know"
            )
        config = CONFIG_MAPPING[kind].from_dict(own)
    elif name in KNOWN:
        config = CONFIG_MAPPING[KNOWN[name].kind](**KNOWN[name].options)
    else:
        raise InputError(
            f"unknown backbone 'transformers/{name}': no config.json of it is here; fetch it with `hilum weights fetch "
            f"transformers/{name}`, or put the repository's files into {name} below the folder HILUM_WEIGHTS. Known without: "
            f"{', '.join(KNOWN)}"
        )
    if type(config) not in AutoModel._model_mapping or not hasattr(config, "num_channels"):
        raise InputError(f"transformers/{name}: expected an encoder of images, got {type(config).__name__}")
    for option in vars(config):
        if _CHANCE.search(option):
            setattr(config, option, 0.0)
    if hasattr(config, "use_mask_token"):
        config.use_mask_token = False  # a weight that only pretraining uses
    return config


def published(name: str) -> Published:
    """As its configuration and that of its image processor have it."""
    config, shown, known = _config(name), _read(name, "preprocessor_config.json"), KNOWN.get(name)
    mean, std = _IMAGENET if known is None else (known.mean, known.std)
    if shown is not None:
        mean, std = tuple(shown.get("image_mean", mean)), tuple(shown.get("image_std", std))
    licence = known.licence if known else "as the repository states"
    files = tuple(hub.of_hub(name, file, licence, f"transformers {name}") for file in _FILES)
    return Published(mean[: config.num_channels], std[: config.num_channels], _side(config), files)


def _side(config: PreTrainedConfig) -> int:
    size = getattr(config, "image_size", 224)
    return int(size if isinstance(size, int) else max(size))


class _Pooled(nn.Module):
    """An encoder that gives one vector a film."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        takes = inspect.signature(model.forward).parameters
        self._options = {"interpolate_pos_encoding": True} if "interpolate_pos_encoding" in takes else {}

    def forward(self, films: Tensor) -> Tensor:
        out = self.model(pixel_values=films, **self._options)
        pooled = getattr(out, "pooler_output", None)
        return cast(Tensor, out.last_hidden_state[:, 0] if pooled is None else pooled.flatten(1))


def _class_of(config: PreTrainedConfig) -> tuple[Any, dict[str, bool]]:
    of = AutoModel._model_mapping[type(config)]
    # a layer behind the class token, which a repository of an encoder may lack; a mean of a map has no weights and stays
    own_token = (
        not hasattr(config, "depths") and "add_pooling_layer" in inspect.signature(of.__init__).parameters
    )
    return of, {"add_pooling_layer": False} if own_token else {}


def build(name: str) -> nn.Module:
    """The encoder."""
    of, options = _class_of(_config(name))
    return _Pooled(of(_config(name), **options))


def cut(name: str, net: nn.Module) -> Cut:
    """The whole of it."""
    del net
    config = _config(name)
    of_map = hasattr(config, "depths")
    patch = 1 if of_map else config.patch_size
    registers = int(getattr(config, "num_register_tokens", 0))
    return Cut(
        "pooled by the library" if of_map else "class token after the last norm",
        patch=patch if isinstance(patch, int) else max(patch),
        prefix_tokens=None if of_map else 1 + registers,
    )


def fetch(name: str) -> None:
    """Download configuration and weights into the hub's cache."""
    from huggingface_hub import snapshot_download

    snapshot_download(name, allow_patterns=["config.json", "preprocessor_config.json", *_FILES])


def translated(name: str, state: dict[str, Tensor]) -> dict[str, Tensor] | None:
    """As the library reads a repository's file: older names, prefixes, layers of other tasks left out."""
    of, options = _class_of(_config(name))
    library_log.set_verbosity_error()
    library_log.disable_progress_bar()
    model, found = of.from_pretrained(
        None, config=_config(name), state_dict=dict(state), output_loading_info=True, **options
    )
    if found["missing_keys"] or found["mismatched_keys"]:
        return None
    return {f"model.{k}": v for k, v in model.state_dict().items()}
