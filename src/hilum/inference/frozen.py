"""The frozen backbone of a bundle: computed by what computed the features that its head was trained on, where that is at hand.

Where it is not (no extra ``onnx``, a GPU), torch computes them in fp32, within `hilum.models.onnx_backbone.TOLERANCE` of those: that is
said in a line, and stands in the header of predictions. Torch comes not near enough to features in whole numbers: there their bundle is
refused.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.header import require_digest
from hilum.augment.pipeline import Pipeline
from hilum.core.errors import InputError
from hilum.core.progress import say
from hilum.models.backbone import FeatureNetwork, Precision
from hilum.models.feature_engine import FeatureEngine, load_features, not_at_hand, onnx_engine
from hilum.models.onnx_backbone import INT8
from hilum.models.registry import backbone
from hilum.models.weights import find


def precision_of(bundle: Bundle) -> Precision:
    """The precision that a bundle is scored in."""
    return "bf16" if bundle.precision == "bf16" else "fp32"


def engine_of_features(bundle: Bundle, device: str) -> FeatureEngine:
    """What computes a bundle's features here; `why` has words where it is another than its run had.

    Raises:
        InputError: They are of whole numbers, and ONNX Runtime is not here.
    """
    if not bundle.engine:
        return FeatureEngine()
    theirs = FeatureEngine(**bundle.engine)
    words = f"its head was trained on features of {theirs.words}"
    if wrong := not_at_hand(device):
        if theirs.name == INT8:
            raise InputError(f"{words}, from which torch's are too far away: {wrong}")
        return FeatureEngine(why=f"{words}, which is not taken: {wrong}")
    here = onnx_engine(theirs.name, "").version
    return replace(theirs, version=here, why="" if here == theirs.version else words)


def load_backbone(bundle: Bundle, folder: Path, device: str) -> FeatureNetwork:
    """The frozen backbone of a bundle that lies in `folder`.

    Raises:
        InputError: Its weights cannot be found here.
        DigestError: Those found are not those that the bundle was trained on.
    """
    engine, size_px = engine_of_features(bundle, device), Pipeline.from_dict(bundle.preparation).output_size
    if engine.why:
        say(f"{folder}: computed by {engine.words}; {engine.why}")
    b = backbone(bundle.backbone)
    weights, seed = find(b, bundle.weights["choice"]), bundle.weights["seed"]
    frozen = load_features(engine, b, weights, seed, precision_of(bundle), device, size_px)
    require_digest("backbone weights", bundle.state_sha256, frozen.state_sha256, folder)
    return frozen
