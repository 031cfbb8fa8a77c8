"""The operations hilum has, by the name a study file calls them."""

from __future__ import annotations

from typing import Final

from hilum.augment.crop import CropBySize, CropCentre
from hilum.augment.degrade import KeepBorder, ShufflePatches, Thumbnail
from hilum.augment.distort import RandomDistortion
from hilum.augment.enhance import Bcet, Clahe, Complement, Equalize, Gamma
from hilum.augment.flip import FlipLeftRight
from hilum.augment.lungs import CropToLungs, EraseLungs, EraseOutsideLungs
from hilum.augment.operation import Operation
from hilum.augment.resize import Resize
from hilum.augment.resized_crop import RandomResizedCrop
from hilum.augment.rotate import Rotate
from hilum.augment.shear import Shear
from hilum.augment.skew import Skew
from hilum.augment.stretch import Stretch
from hilum.augment.tone import RandomBrightness, RandomContrast
from hilum.augment.translate import Translate
from hilum.augment.zoom import Zoom, ZoomRandom

OPERATIONS: Final[dict[str, type[Operation]]] = {
    operation.op: operation
    for operation in (
        Resize,
        CropCentre,
        CropBySize,
        Rotate,
        RandomDistortion,
        Zoom,
        ZoomRandom,
        RandomResizedCrop,
        Skew,
        Shear,
        Translate,
        RandomBrightness,
        RandomContrast,
        FlipLeftRight,
        Stretch,
        CropToLungs,
        EraseOutsideLungs,
        EraseLungs,
        KeepBorder,
        Thumbnail,
        ShufflePatches,
        Equalize,
        Clahe,
        Gamma,
        Complement,
        Bcet,
    )
}
