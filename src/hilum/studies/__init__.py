"""Study files that ship with hilum, and how a study is named."""

from __future__ import annotations

from pathlib import Path

from hilum.core.errors import InputError, nearest


def shipped() -> dict[str, Path]:
    """Name -> file of each study and each suite that ships."""
    root = Path(__file__).parent
    return {p.relative_to(root).with_suffix("").as_posix(): p for p in sorted(root.rglob("*.toml"))}


def study_path(name: str, beside: Path | None = None) -> Path:
    """A study file by path, or by the name of one that ships; a member's path lies beside its suite's file.

    Raises:
        InputError: Neither.
    """
    if beside is not None and (beside / name).is_file():
        return beside / name
    path, known = Path(name), shipped()
    if path.suffix == ".toml" or path.is_file():
        return path
    if name not in known:
        raise InputError(
            f"no study {name!r}; give a .toml file or the name of one that ships; {nearest(name, known)}"
        )
    return known[name]
