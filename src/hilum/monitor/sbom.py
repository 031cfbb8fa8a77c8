"""What a service is made of, as a CycloneDX 1.6 document: hilum, the libraries installed here that it asks for, and the bundle with its
weights.

Convention: libraries are those that hilum requires, extras included where they are installed, and what these require in turn, by what
Python's own metadata says of this environment; files of the bundle have the SHA-256 of their bytes, weights that lie elsewhere the one
that bundle.json names. No clock time: the same environment and bundle give the same bytes. Not in it: the system's own packages.
"""

from __future__ import annotations

import json
import platform
import re
import uuid
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import Requirement

from hilum import RESEARCH_NOTICE, __version__
from hilum.artifacts.bundle import Bundle, bundle_version
from hilum.artifacts.header import Header, write_with_header
from hilum.core.digests import digest, sha256_file

SPECIFICATION: Final = "1.6"
KIND: Final = "bill of materials"
_NAMESPACE: Final = uuid.UUID("0b6d1c57-6c0f-5d5a-9f5e-9c8a4a3f3d11")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def sbom(folder: Path) -> dict[str, Any]:
    """The document of a bundle and of the environment that it runs in.

    Raises:
        InputError: No bundle.
    """
    libraries = installed_libraries()
    model, files = _model(folder)
    main = f"hilum@{__version__}"
    components = [_library(d) for d in libraries.values()] + [model, *files]
    tree = {
        main: sorted(
            {_ref(d) for d in _required_by(distribution("hilum"), libraries)} | {str(model["bom-ref"])}
        ),
        **{_ref(d): sorted({_ref(r) for r in _required_by(d, libraries)}) for d in libraries.values()},
        str(model["bom-ref"]): sorted(str(f["bom-ref"]) for f in files),
    }
    value = {
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": {
            "component": {
                "type": "application", "bom-ref": main, "name": "hilum", "version": __version__, "description": RESEARCH_NOTICE,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
            "properties": [
                {"name": "hilum:python", "value": platform.python_version()}, {"name": "hilum:platform", "value": platform.platform()},
            ],
        },
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": on} for ref, on in tree.items()],
    }  # fmt: skip
    return {**value, "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, digest(value))}"}


def write_sbom(folder: Path, out: Path) -> dict[str, Any]:
    """Write the document of a bundle, whole or not at all, its header beside it, by which it is known as hilum's; gives the document."""
    value = sbom(folder)
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    write_with_header(out, text, Header(KIND, inputs={"bundle": bundle_version(folder)}))
    return value


def installed_libraries() -> dict[str, Distribution]:
    """Normalised name -> library: what hilum requires, with every extra of its own, and what that requires in turn, if it is here."""
    found: dict[str, Distribution] = {}
    waiting = [distribution("hilum")]
    while waiting:
        for library in _requirements(waiting.pop()):
            name = _normalised(library)
            if name not in found and name != "hilum":
                try:
                    found[name] = distribution(library)
                except PackageNotFoundError:
                    continue
                waiting.append(found[name])
    return dict(sorted(found.items()))


def _requirements(of: Distribution) -> Iterator[str]:
    """Names that a library requires here: hilum's with all its extras, but the developers'; others' without extras."""
    extras = _service_extras(of) if _normalised(of.metadata["Name"]) == "hilum" else [""]
    for text in of.requires or ():
        required = Requirement(text)
        if required.marker is None or any(_applies(required, extra) for extra in extras):
            yield required.name


def _service_extras(of: Distribution) -> list[str]:
    every = of.metadata.get_all("Provides-Extra") or []
    return ["", *(e for e in every if e not in ("dev", "docs", "notebook", "all"))]


def _applies(required: Requirement, extra: str) -> bool:
    assert required.marker is not None
    try:
        return required.marker.evaluate({"extra": extra})
    except UndefinedEnvironmentName:
        return False


def _required_by(of: Distribution, known: dict[str, Distribution]) -> list[Distribution]:
    return [known[name] for text in _requirements(of) if (name := _normalised(text)) in known]


def _said(of: Distribution, field: str) -> str:
    """A field of a library's metadata; empty where it has none."""
    return str(of.metadata[field] or "") if field in of.metadata else ""


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _ref(of: Distribution) -> str:
    return f"pkg:pypi/{_normalised(of.metadata['Name'])}@{of.version}"


def _library(of: Distribution) -> dict[str, Any]:
    value: dict[str, Any] = {
        "type": "library", "bom-ref": _ref(of), "name": of.metadata["Name"], "version": of.version,
        "purl": _ref(of),
    }  # fmt: skip
    if summary := _said(of, "Summary"):
        value["description"] = summary
    if licence := _licence(of):
        value["licenses"] = licence
    return value


def _licence(of: Distribution) -> list[dict[str, Any]]:
    """As the library says it: an expression, else the names of its classifiers, else the first line of its text."""
    if expression := _said(of, "License-Expression"):
        return [{"expression": expression}]
    named = [
        c.rpartition(" :: ")[2]
        for c in of.metadata.get_all("Classifier") or ()
        if c.startswith("License :: ") and c.count("::") > 1
    ]
    text = _said(of, "License").strip().splitlines()
    names = named or ([text[0][:120]] if text and text[0] else [])
    return [{"license": {"name": name}} for name in names]


def _model(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The bundle as a model, and its files and its backbone's weights as data; of an ensemble its members' too."""
    bundle, _, trained = Bundle.described(folder)
    version = bundle_version(folder)
    own = [p for p in sorted(folder.iterdir()) if p.suffix in (".json", ".safetensors")]
    files = [_file(p.name, sha256_file(p), f"{version[:16]}/{p.name}") for p in own]
    weights = str(bundle.weights.get("sha256") or "")
    if _SHA256.fullmatch(weights):
        words = (
            f"weights of {bundle.backbone}: {bundle.weights.get('source', bundle.weights.get('choice', ''))}"
        )
        files.append(_file(words, weights, f"weights/{weights[:16]}"))
    model = {
        "type": "machine-learning-model", "bom-ref": f"bundle/{version[:16]}",
        "name": f"{bundle.training.get('study', 'model')} ({bundle.backbone})",
        "version": version, "description": f"classes {', '.join(bundle.classes)}; positive {bundle.positive}. {RESEARCH_NOTICE}",
        "hashes": [{"alg": "SHA-256", "content": version}],
        "properties": [
            {"name": "hilum:bundle", "value": version}, {"name": "hilum:trained_weights_sha256", "value": trained},
            {"name": "hilum:backbone_state_sha256", "value": bundle.state_sha256},
            {"name": "hilum:operating_point", "value": str(bundle.operating_point.get("threshold"))},
        ],
    }  # fmt: skip
    for member in bundle.members:
        files += [f for f in _model(folder / member.path)[1] if f not in files]
    return model, files


def _file(name: str, sha256: str, ref: str) -> dict[str, Any]:
    return {"type": "data", "bom-ref": ref, "name": name, "hashes": [{"alg": "SHA-256", "content": sha256}]}
