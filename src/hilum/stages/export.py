"""export: a bundle -> a model that runs without hilum, checked on films before it is there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from hilum import RESEARCH_NOTICE, __version__
from hilum.artifacts.bundle import Bundle, bundle_version
from hilum.artifacts.export import FACTS, PROGRAM, README, facts_path, model_path
from hilum.artifacts.header import Header, write_json
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import sha256_file
from hilum.core.errors import FilmError, HilumError, InputError
from hilum.core.files import write_text, writing
from hilum.core.seeding import generator
from hilum.core.text import first_of
from hilum.imaging.as_ingested import film_as_ingested
from hilum.inference.exported import (
    LOGITS,
    PROBABILITIES,
    Logits,
    of_network,
    of_onnx,
    of_torch,
    write_onnx,
    write_torch,
)
from hilum.inference.judged import probabilities
from hilum.inference.predictor import Predictor, plain_network
from hilum.models.onnx_graph import PIXELS, needs_onnx
from hilum.models.registry import backbone
from hilum.models.weights import known_file
from hilum.sources.named_films import named_films
from hilum.study.several_findings import ONE_FINDING, require_one_class
from hilum.synthetic.phantom import LABELS, draw

Form = Literal["onnx", "torch"]

TOLERANCE = 1e-4
"""Largest difference of a probability between what was exported and the network that it was made of, both in single precision."""
SYNTHETIC_FILMS = 8


@dataclass(frozen=True)
class Exported:
    """What was written, and how it compares.

    Attributes:
        path: The ONNX file, or the folder.
        facts: What goes with it as metadata.
        difference: Largest difference of a probability from the network it was made of.
        from_bundle: Likewise from the bundle's own scores, which may be in half precision.
        decided_otherwise: Films on which the operating point decides otherwise than the bundle.
    """

    path: Path
    facts: dict[str, Any]
    difference: float
    from_bundle: float
    decided_otherwise: int

    @cached_property
    def words(self) -> str:
        """One line for the user."""
        checked, licence = self.facts["checked"], self.facts["weights"]["licence"]
        return (
            f"checked on {checked['films']}: probabilities differ by {self.difference:.1e} at most from the network in fp32, "
            f"by {self.from_bundle:.1e} from the bundle's own ({self.facts['precision']}); {self.decided_otherwise} of {checked['n']} "
            f"decided otherwise. Licence of the backbone's weights: {licence}"
        )


def export_bundle(folder: Path, out: Path, form: Form, films: Sequence[Path] = ()) -> Exported:
    """Write a bundle's network for another program.

    Args:
        folder: The bundle.
        out: The ONNX file, or the folder for torch.
        form: Which.
        films: Files, folders or manifests that it is checked on; synthetic ones where none is named.

    Raises:
        InputError: No bundle, a film that cannot be read, or the extra ``onnx`` is not installed.
        UnsafeError: The bundle is unsafe, or a probe.
        HilumError: What was exported does not say what the network says; nothing is left of it.
    """
    if form == "onnx":
        needs_onnx()
    bundle, _, state = Bundle.read(folder)
    bundle.require_a_model(folder)
    require_one_class(bundle.task, f"{folder}: an export", ONE_FINDING)
    network = plain_network(bundle, folder, state)
    predictor = Predictor(folder)
    shown, of = _films(predictor, films)
    facts = _facts(bundle, folder, form) | {"checked": {"films": of, "n": len(shown)}}
    size_px = Pipeline.from_dict(bundle.preparation).output_size
    model = model_path(out)
    with writing(model) as beside:
        if form == "onnx":
            metadata = {"hilum": json.dumps(facts), "notice": RESEARCH_NOTICE}
            write_onnx(network, size_px, metadata, beside)
            found = of_onnx(beside, network)
        else:
            write_torch(network, size_px, beside)
            found = of_torch(beside)
        exported = _compared(found, of_network(network), predictor, shown, (out, facts))
    options = {"form": form, "sha256": sha256_file(model)}
    header = Header("export", inputs={"bundle": bundle_version(folder)}, options=options)
    if form == "torch":
        write_text(out / README, _readme(facts))
    write_json(facts_path(out), {"header": header, **facts})
    return exported


def _facts(bundle: Bundle, folder: Path, form: Form) -> dict[str, Any]:
    """All that whoever runs the model must know of it."""
    b = backbone(bundle.backbone)
    known = known_file(b, bundle.weights.get("sha256") or "-")
    takes = (
        f"{PIXELS}: float32 (n, {len(b.mean)}, height, width): grey prepared films / 255, the same in each channel, less mean, by std"
        if form == "onnx"
        else "uint8 (n, height, width): grey prepared films"
    )
    return {
        "notice": RESEARCH_NOTICE,
        "hilum": __version__,
        "bundle": bundle_version(folder),
        "input": takes,
        "output": f"{LOGITS}, {PROBABILITIES}: float32 (n, {len(bundle.classes)}), in the order of classes",
        "classes": list(bundle.classes),
        "positive": bundle.positive,
        "operating_point": bundle.operating_point,
        "calibration": bundle.calibration,
        "preparation": bundle.preparation,
        "size_px": list(Pipeline.from_dict(bundle.preparation).output_size),
        "mean": list(b.mean),
        "std": list(b.std),
        "backbone": bundle.backbone,
        "weights": {
            "source": bundle.weights["source"],
            "licence": known.licence if known else "not stated",
        },
        "precision": bundle.precision,
    }


def _films(predictor: Predictor, paths: Sequence[Path]) -> tuple[NDArray[np.uint8], str]:
    """Prepared films to compare on, and what they are."""
    if paths:
        rows = named_films(paths).rows
        decoded = []
        for row in rows:
            try:
                decoded.append(film_as_ingested(row.image_id, row.path, row.sha256).pixels)
            except FilmError as e:
                raise InputError(
                    f"{row.image_id}: {e.reason}; the model is checked on films that can be read"
                ) from None
        of = f"{len(rows)} films"
    else:
        labels = [LABELS[k % len(LABELS)] for k in range(SYNTHETIC_FILMS)]
        decoded = [draw(label, generator(0, "export", k)).pixels for k, label in enumerate(labels)]
        of = f"{len(labels)} synthetic films"
    made = predictor.prepared(decoded)
    wrong = [m for m in made if isinstance(m, str)]
    if wrong:
        raise InputError(
            f"films that the model is checked on cannot be prepared; name others with --films:\n{first_of(wrong)}"
        )
    return np.stack([m for m in made if not isinstance(m, str)]), of


def _compared(
    found: Logits,
    network: Logits,
    predictor: Predictor,
    films: NDArray[np.uint8],
    of: tuple[Path, dict[str, Any]],
) -> Exported:
    bundle, batch = predictor.bundle, predictor.bundle.batch
    starts = range(0, len(films), batch)

    def all_of(logits: Logits) -> NDArray[np.float64]:
        z = np.concatenate([logits(films[k : k + batch]) for k in starts])
        return probabilities(torch.from_numpy(z))

    own = all_of(lambda some: np.asarray(predictor.passed(some).double().cpu().numpy(), np.float64))
    theirs = all_of(found)
    difference = float(np.abs(theirs - all_of(network)).max())
    if not difference <= TOLERANCE:
        raise HilumError(
            f"what was exported differs from {bundle.backbone} by {difference:.2g} in a probability, more than {TOLERANCE}; "
            "nothing was written"
        )
    k, threshold = bundle.classes.index(bundle.positive), bundle.operating_point["threshold"]
    otherwise = int(((theirs[:, k] >= threshold) != (own[:, k] >= threshold)).sum())
    out, facts = of
    measured = {"largest_difference": difference, "from_bundle": float(np.abs(theirs - own).max())}
    facts["checked"] |= measured
    return Exported(out, facts, difference, measured["from_bundle"], otherwise)


def _readme(facts: dict[str, Any]) -> str:
    height, width = facts["size_px"]
    return f"""# {facts["backbone"]} for {", ".join(facts["classes"])}

{RESEARCH_NOTICE}

A model of hilum {facts["hilum"]}, bundle {facts["bundle"]}. It needs torch and nothing else:

    import torch
    model = torch.export.load("{PROGRAM}").module()
    films = torch.zeros(1, {height}, {width}, dtype=torch.uint8)  # grey films as prepared
    logits, probabilities = model(films)

`films` are uint8 (n, {height}, {width}); normalisation is inside. How a film is prepared, the order of the classes, the operating point and
the licence of the backbone's weights ({facts["weights"]["licence"]}) are in `{FACTS}`.
"""
