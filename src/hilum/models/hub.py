"""Files as libraries name and keep them: those of the Hugging Face hub in its cache, those of a plain address in torch's."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from hilum.models.registry import WeightsFile

_HUB = "https://huggingface.co/"


def of_hub(repository: str, file: str, licence: str, source: str) -> WeightsFile:
    """A file of a repository of the hub, which says nothing of its digest beforehand."""
    return WeightsFile(f"{repository}/{file}", "", f"{_HUB}{repository}/resolve/main/{file}", licence, source)


def in_torch(file: WeightsFile) -> Path:
    """Where torch keeps a file that it has downloaded."""
    return Path(torch.hub.get_dir()) / "checkpoints" / file.filename


def cached(file: WeightsFile) -> Path | None:
    """Where a downloaded file lies, if it does: in the hub's cache, or in torch's."""
    if not (file.url or "").startswith(_HUB):
        path = in_torch(file)
        return path if path.is_file() else None
    from huggingface_hub import try_to_load_from_cache

    repository, _, name = file.filename.rpartition("/")
    found = try_to_load_from_cache(repository, name)
    return Path(found) if isinstance(found, str) else None


def fetch(file: WeightsFile) -> None:
    """Download a file to where `cached` looks; where its name has digits of its digest, they are checked."""
    assert file.url is not None
    if file.url.startswith(_HUB):
        from huggingface_hub import hf_hub_download

        repository, _, name = file.filename.rpartition("/")
        hf_hub_download(repository, name)
        return
    target = in_torch(file)
    target.parent.mkdir(parents=True, exist_ok=True)
    torch.hub.download_url_to_file(file.url, str(target), hash_prefix=file.sha256 or None, progress=True)


def local_folder(repository: str) -> Path | None:
    """The folder of a repository below ``HILUM_WEIGHTS``, as ``hf download --local-dir`` makes it."""
    root = os.environ.get("HILUM_WEIGHTS")
    folder = Path(root) / repository if root else None
    return folder if folder is not None and folder.is_dir() else None
