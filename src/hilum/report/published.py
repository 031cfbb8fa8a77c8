"""The paper's own numbers for Experiment 2: its Tables 4 and 5, by backbone and pipeline.

Source: X. Guo, "Exploration on Data Augmentation and Learning Rate Optimization on Detection of COVID-19 via
Chest X-ray Images", 2021. The values are copied as printed. They are for covid as the positive class, on the
paper's Set 2, at a constant learning rate. Tables 6 and 7 name the cells whose confusion matrices the paper
prints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

PIPELINES = ("baseline", "crop", "crop-distortion", "crop-zoom")
METRICS = ("sensitivity", "specificity", "pr_auc", "seconds")

_TABLE_4: Mapping[tuple[str, str], tuple[float, float, float, float]] = {
    ("resnet50", "sensitivity"): (0.8715, 0.9274, 0.9303, 0.8752),
    ("resnet50", "specificity"): (0.9812, 0.9219, 0.9055, 0.9626),
    ("resnet50", "pr_auc"): (0.9795, 0.9424, 0.9291, 0.9634),
    ("resnet50", "seconds"): (1997, 2176, 2041, 2063),
    ("squeezenet1_0", "sensitivity"): (0.9128, 0.8722, 0.9134, 0.9045),
    ("squeezenet1_0", "specificity"): (0.9730, 0.9761, 0.9718, 0.9673),
    ("squeezenet1_0", "pr_auc"): (0.9733, 0.9680, 0.9693, 0.9657),
    ("squeezenet1_0", "seconds"): (1673, 1796, 1708, 1706),
    ("densenet121", "sensitivity"): (0.9580, 0.9784, 0.9718, 0.9596),
    ("densenet121", "specificity"): (0.9969, 0.9909, 0.9897, 0.9912),
    ("densenet121", "pr_auc"): (0.9950, 0.9956, 0.9945, 0.9939),
    ("densenet121", "seconds"): (3567, 3581, 3605, 3579),
}

_TABLE_5: Mapping[tuple[str, str], tuple[float, float, float, float]] = {
    ("resnet50", "sensitivity"): (0.0542, 0.0195, 0.0234, 0.0428),
    ("resnet50", "specificity"): (0.0132, 0.0099, 0.0251, 0.0251),
    ("resnet50", "pr_auc"): (0.0011, 0.0134, 0.0047, 0.0021),
    ("resnet50", "seconds"): (16.7, 141.0, 4.6, 33.6),
    ("squeezenet1_0", "sensitivity"): (0.0148, 0.0364, 0.0085, 0.0109),
    ("squeezenet1_0", "specificity"): (0.0052, 0.0089, 0.0056, 0.0051),
    ("squeezenet1_0", "pr_auc"): (0.0008, 0.0010, 0.0006, 0.0012),
    ("squeezenet1_0", "seconds"): (9.9, 86.7, 7.3, 18.3),
}

CONFUSION_CELLS = {"Table 6": ("resnet50", "baseline"), "Table 7": ("resnet50", "crop-distortion")}
SCHEDULE = "constant"
_POSITIVE = "covid"
_CLASSES = {"bacterial", "covid", "normal", "viral"}

NOTE_4 = (
    "The paper’s columns are copied as printed and do not stand on equal terms with this study: half of "
    "its test films (50.0 % by replay of its scripts) were also in train or validation, its DenseNet121 "
    "was trained whole and once, and its seconds are those of a Kaggle GPU."
)
NOTE_5 = (
    "The paper ran DenseNet121 once and gives no standard error for it; its PR-AUC errors come from two "
    "of its three runs with divisor n."
)


def _look_up(
    table: Mapping[tuple[str, str], tuple[float, float, float, float]],
    backbone: str,
    pipeline: str,
    metric: str,
) -> float | None:
    values = table.get((backbone, metric))
    return values[PIPELINES.index(pipeline)] if values and pipeline in PIPELINES else None


def table_4(backbone: str, pipeline: str, metric: str) -> float | None:
    """The paper's mean of a metric (Table 4), or None where it has none.

    >>> table_4("resnet50", "crop", "sensitivity"), table_4("tf_efficientnet_lite0", "crop", "sensitivity")
    (0.9274, None)
    """
    return _look_up(_TABLE_4, backbone, pipeline, metric)


def table_5(backbone: str, pipeline: str, metric: str) -> float | None:
    """The paper's standard error of a metric (Table 5), or None where it has none.

    >>> table_5("squeezenet1_0", "crop-zoom", "seconds"), table_5("densenet121", "crop", "pr_auc")
    (18.3, None)
    """
    return _look_up(_TABLE_5, backbone, pipeline, metric)


def is_positive(class_: str) -> bool:
    """Whether a class is the one that the paper's numbers are about, however a study spells it."""
    return class_.casefold() == _POSITIVE


def is_of(classes: Sequence[str], positive: str) -> bool:
    """Whether a study asks what the paper asks, so that its figures and tables are the paper's; no other study's page names the paper.

    >>> is_of(["bacterial", "COVID", "normal", "viral"], "COVID"), is_of(["covid", "normal"], "covid")
    (True, False)
    """
    return is_positive(positive) and {c.casefold() for c in classes} == _CLASSES


def in_paper(classes: Sequence[str], positive: str, what: str) -> str:
    """What a figure is in the paper, in brackets behind a blank; empty where the study is not the paper's.

    >>> in_paper(["0", "1"], "1", "Figure 8"), in_paper(sorted(_CLASSES), "covid", "Figure 8")
    ('', ' (the paper’s Figure 8)')
    """
    return f" (the paper’s {what})" if is_of(classes, positive) else ""
