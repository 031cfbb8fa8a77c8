"""What the results of a study depend on, member by member (`hilum.core.keys` has the rules).

Not of name and title, of where the manifest lies, or of what is only reported. A table or an option that makes a difference is named here,
with the value that stands for what was done before there was one; `tests/unit/study/test_keys.py` asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hilum.core.keys import ALWAYS, Each, Key, Optional
from hilum.study.ensembles import ENSEMBLE_KEY
from hilum.study.factors import FACTORS
from hilum.study.policies import POLICY
from hilum.study.search import SEARCH

LOSS = Key(kind=ALWAYS, class_weights="none", gamma=2.0, alpha="none")
"""Of every kind of loss."""

TRAINING = Key(
    epochs=20,
    batch=32,
    learning_rate=5e-4,
    early_stopping=None,
    best_epoch=False,
    balanced_batches=False,
    find_rate=False,
    head=None,
    dropout=None,
)

FINETUNE = Key(
    train="all", unfreeze="at_once", head_epochs=1, rate_divisor=100.0, batchnorm="train", precision="32-true", accumulate=1, devices=1,
    reset_first_conv=False,
)  # fmt: skip

STUDY = Key(
    seed=20210427,
    redraw_with_trial=["split", "sampling", "augmentation", "head"],
    data=Key(
        classes=[], merge={}, positive="", include=[], exclude=[], one_per_patient=[], near_duplicates=True,
        strata="class", subset=Optional(Key(name=ALWAYS, films=ALWAYS)), task="classes", findings=[], uncertain="ignore",
    ),
    split=Key(method="set2", fractions={"train": 0.7, "valid": 0.1, "test": 0.2}, crossing="refuse"),
    grid=Key(**{f.key: list(f.levels) for f in FACTORS if f.in_grid}, trials=3),
    probes=Key(kinds=[]),
    sampling={},
    augment=Key(size_px=244, gate="exact", pipeline=[]),
    lungs=Key(model="shipped", sha256=None, convention="lungs", own=True, failed="leave-out"),
    weights=Each(Key(file=ALWAYS, sha256=None)),
    features=Key(precision="auto", batch=None, engine="auto"),
    precomputed=Each(Key(file=ALWAYS, sha256=None)),
    training=TRAINING,
    finetune=Optional(FINETUNE),
    policy=Each(POLICY),
    loss=Each(LOSS),
    ensemble=Each(ENSEMBLE_KEY),
    search=Optional(SEARCH),
    statistics=Key(resamples=2000, operating_point="youden", prevalences=[], thresholds=[], own_threshold=None),
    compare=Each(Key(name=ALWAYS, factor=ALWAYS, reference=ALWAYS, metrics=["sensitivity", "specificity", "pr_auc"])),
    contrast=Each(Key(name=ALWAYS, positive=None, negative=ALWAYS, score="all")),
    subgroup=Each(Key(by="", name="", films=None)),
    unsafe=Key(
        overlapping_test_draw=False, unseeded_draws=False, test_as_validation=False, unequal_crop=False, batchnorm_in_train_mode=False,
        softmax_before_loss=False, second_softmax=False, films_drawn_one_by_one=False,
    ),
    as_run=Key(augmentor_gate=False, no_pretrained_weights=False, misspelt_freezing=False, new_first_conv=False),
)  # fmt: skip


def study_digest(table: Mapping[str, Any]) -> str:
    """Digest of what makes a difference to the results of a study, given as ``model_dump(mode="json")`` has it and a run records it."""
    return STUDY.digest(table)
