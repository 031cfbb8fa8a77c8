"""The coded concepts of a report: those of DICOM and SNOMED CT where they have one that means the same, else hilum's own, ``99HILUM``.

| what is said | concept | from |
|---|---|---|
| probability of a class | ``P.CLASS`` with the finding (121071, DCM) it is of, unit 1 | 99HILUM; the finding from SCT where known |
| operating point | 122411, Threshold Value | DCM |
| whether it is reached | ``called`` = Yes or No | 99HILUM; SCT 373066001, 373067005 |
| the likeliest class | ``likeliest`` = the class | 99HILUM |
| abstained, passed by the gate | ``abstained``, ``gate.passed`` = Yes or No | 99HILUM |
| why the gate did not pass it; why it has no answer | ``gate.why``, ``not.answered`` = a code | 99HILUM |
| what is odd about it | 111052, Quality Finding = a code | DCM; 99HILUM |
| a conformal set | ``set.90`` = a class, once for each in it | 99HILUM |
| the procedure, the site | 399208008 Chest X-ray, 816094009 Chest | SCT |
| kind of algorithm | 123110, Artificial Intelligence | DCM |
| sentences for people | 121106, Comment | DCM |

A code is at most 16 characters long (VR SH); a longer name ends in eight digits of its digest. Everything is ASCII.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from pydicom.sr.coding import Code

from hilum.core.digests import sha256_bytes
from hilum.core.names import folded_name

SCHEME: Final = "99HILUM"
SCHEME_NAME: Final = "hilum, research software for chest films"
_CODE, _MEANING = 16, 64

YES, NO = Code("373066001", "SCT", "Yes"), Code("373067005", "SCT", "No")
UNIT: Final = Code("1", "UCUM", "no units")
PROCEDURE: Final = Code("399208008", "SCT", "Chest X-ray")
CHEST: Final = Code("816094009", "SCT", "Chest")
THRESHOLD: Final = Code("122411", "DCM", "Threshold Value")
FINDING: Final = Code("121071", "DCM", "Finding")
QUALITY: Final = Code("111052", "DCM", "Quality Finding")
COMMENT: Final = Code("121106", "DCM", "Comment")
FAMILY: Final = Code("123110", "DCM", "Artificial Intelligence")
ILLUSTRATION: Final = Code("125201", "DCM", "Illustration of Finding")
SALIENCY: Final = Code("130404", "DCM", "Saliency")
TITLE: Final = Code("126000", "DCM", "Imaging Measurement Report")

_CLASSES: Final = {
    "covid": Code("840539006", "SCT", "COVID-19"),
    "covid19": Code("840539006", "SCT", "COVID-19"),
    "normal": Code("17621005", "SCT", "Normal"),
    "viral": Code("75570004", "SCT", "Viral pneumonia"),
    "bacterial": Code("53084003", "SCT", "Bacterial pneumonia"),
    "pneumonia": Code("233604007", "SCT", "Pneumonia"),
    "tuberculosis": Code("154283005", "SCT", "Pulmonary tuberculosis"),
    "tb": Code("154283005", "SCT", "Pulmonary tuberculosis"),
}
"""Name of a class, folded -> its concept."""


_SHORT: Final = {"outside-the-training-films": "stranger", "not a chest film modality": "other-modality"}
"""hilum's own words that are too long for a code."""


def plain(words: str, most: int) -> str:
    """ASCII of at most so many characters.

    >>> plain("Größe – 5", 64)
    'Groe - 5'
    """
    text = unicodedata.normalize("NFKD", words.replace("–", "-").replace("—", "-"))
    return text.encode("ascii", "ignore").decode()[:most]


def own(code: str, meaning: str) -> Code:
    """A concept of hilum's.

    >>> own("not an image", "x").value, own("outside-the-training-films", "x").value, own("P.a class of many words", "x").value
    ('not-an-image', 'stranger', 'P.a-clas39f4fd0a')
    """
    word = plain(_SHORT.get(code, code), 1000).replace(" ", "-")
    if len(word) > _CODE or not code.isascii():
        word = f"{word[: _CODE - 8]}{sha256_bytes(code.encode())[:8]}"
    return Code(word, SCHEME, plain(meaning, _MEANING) or word)


def of_class(name: str) -> Code:
    """The concept of a class.

    >>> of_class("covid").value, of_class("Viral").meaning, of_class("effusion").value
    ('840539006', 'Viral pneumonia', 'c.effusion')
    """
    key = folded_name(name).replace("-", "").replace("_", "").replace(" ", "")
    return _CLASSES.get(key) or own(f"c.{name}", name)
