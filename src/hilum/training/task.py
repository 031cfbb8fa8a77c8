"""A trial as a task: all that its training depends on, typed, and the key by which it is found again.

`TrainTask` is what every training has; its `body` says what becomes of the backbone: `Frozen`, a head is trained on its features, or
`Whole`, the network is trained end to end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Final, cast

from torch import Tensor

from hilum.artifacts.bundle import Bundle
from hilum.artifacts.drawn_films import DrawnFilms
from hilum.artifacts.features import FeatureSpec, FeatureStore, Labels
from hilum.artifacts.header import Header
from hilum.artifacts.prepared import ArrayStore, PreparedStore
from hilum.artifacts.trial_files import FINDER
from hilum.augment.pipeline import Pipeline
from hilum.core.digests import SHORT
from hilum.core.keys import ALWAYS, Key, Optional
from hilum.core.mirror import brought
from hilum.core.seeding import generator
from hilum.models.registry import backbone
from hilum.models.weights import Weights
from hilum.study.keys import FINETUNE, LOSS, TRAINING
from hilum.study.losses import Loss
from hilum.study.policies import POLICY, Policy
from hilum.study.probes import LABELS_SHUFFLED
from hilum.study.several_findings import MULTILABEL
from hilum.study.tables import FinetuneTable, TrainingTable
from hilum.training.checkpoints import EVERY_S
from hilum.training.finding_losses import build_finding_loss
from hilum.training.losses import build_loss
from hilum.training.regimen import LabelledRows, Regimen

TRIAL: Final = Key(
    split=ALWAYS, train=ALWAYS, valid=ALWAYS, seed=ALWAYS, policy=POLICY, loss=LOSS, softmax_first=False, training=TRAINING,
    threshold_rule="youden",
    model=Key(
        classes=ALWAYS, positive=ALWAYS, backbone=ALWAYS, head=ALWAYS, precision=ALWAYS, batch=ALWAYS, pipeline=ALWAYS,
        pipeline_name=ALWAYS, unsafe=[], probe="", lungs="", task="classes",
    ),
    frozen=Optional(Key(features=ALWAYS, state_sha256=ALWAYS, gradients="autograd")),
    whole=Optional(
        Key(weights=ALWAYS, finetune=FINETUNE, device=ALWAYS, machine=ALWAYS, threads=ALWAYS, versions=ALWAYS)
    ),
)  # fmt: skip
"""What a trial depends on (`hilum.core.keys` has the rules). Of the bundle it leaves out what training finds, and what only says in words
where it comes from."""

GRADIENTS = "explicit"
"""How a head is trained, where it makes a difference to the last bits: by autograd and torch's optimisers at first, now by
`hilum.training.loop`."""


def shuffled_labels(image_ids: Sequence[str], labels: Labels, seed: int) -> Labels:
    """The labels of training films dealt out anew among the films; copies of a film, which have one id, keep one label."""
    own = dict(sorted(zip(image_ids, labels, strict=True)))
    values = list(own.values())
    dealt = generator(seed, "labels shuffled").permutation(len(values))
    anew = {i: values[k] for i, k in zip(own, dealt, strict=True)}
    return cast(Labels, tuple(anew[i] for i in image_ids))


@dataclass(frozen=True)
class Frozen:
    """The backbone stays as it is, and a head is trained on its features.

    Attributes:
        features: What the features depend on.
        stores: The workspace's ``features`` folder.
        prepared: Its ``prepared`` folder, whose films a gate is fitted on.
    """

    features: FeatureSpec
    stores: Path
    prepared: Path
    finetune: ClassVar = FinetuneTable()
    options: ClassVar[dict[str, Any]] = {}

    @property
    def inputs(self) -> dict[str, str]:
        """Digests of what goes in beside the films."""
        return {"features": self.features.digest}

    def depends_on(self, template: Bundle) -> dict[str, Any]:
        """The members that this body adds to the trial's key."""
        return {"frozen": {**self.inputs, "state_sha256": template.state_sha256, "gradients": GRADIENTS}}

    def store(self, drawn: DrawnFilms) -> ArrayStore:
        """Where the films' features are."""
        del drawn
        return FeatureStore(self.stores, self.features)


@dataclass(frozen=True)
class Whole:
    """The backbone is trained too.

    Attributes:
        weights: What the backbone starts from. Random ones are drawn from the task's seed, so they differ from trial to trial as the
            head's do.
        finetune: The study's ``[finetune]``, with the cell's faults.
        prepared: The workspace's ``prepared`` folder.
        device: ``cpu`` or ``cuda``.
        machine: Name of the device; sums may be taken in another order on another one.
        threads: On a CPU, of all processes together; 0 leaves what torch has.
        checkpoint_every_s: Seconds between checkpoints within an epoch; makes no difference to the result.
    """

    weights: Weights
    finetune: FinetuneTable
    prepared: Path
    device: str = "cpu"
    machine: str = ""
    threads: int = 0
    checkpoint_every_s: float = EVERY_S

    @property
    def inputs(self) -> dict[str, str]:
        """Digests of what goes in beside the films."""
        return {"weights": self.weights.sha256 or ""}

    @property
    def options(self) -> dict[str, Any]:
        """The options of the training that was asked for."""
        return {"finetune": self.finetune.model_dump()}

    def depends_on(self, template: Bundle) -> dict[str, Any]:
        """The members that this body adds to the trial's key."""
        # a whole network's state is found by training
        return {
            "whole": {
                **self.inputs,
                **self.options,
                "device": self.device,
                "machine": self.machine,
                "threads": self.threads,
                "versions": {
                    n: version(n)
                    for n in ("torch", "torchvision", "timm", *_other_library(template.backbone))
                },
            }
        }

    def store(self, drawn: DrawnFilms) -> ArrayStore:
        """Where the prepared films are."""
        return PreparedStore(self.prepared).located(drawn.shards)


def _other_library(name: str) -> list[str]:
    """The library that makes a backbone which is none of the registry's own."""
    b = backbone(name)
    return [b.library] if b.made_of else []


@dataclass(frozen=True)
class TrainTask:
    """One trial of one cell.

    Attributes:
        folder: The workspace's ``trials`` folder.
        drawn: The file that says what the trial draws (`hilum.artifacts.drawn_films`).
        train_digest: Digest of the training films in it.
        valid_digest: Digest of the validation films.
        template: The bundle, but for what training finds.
        policy: A learning-rate policy, its rate filled in (``Study.policy_of``).
        loss: A loss.
        training: The study's ``[training]``.
        threshold_rule: How the operating point is chosen.
        split_digest: Digest of the split.
        seed: Of first weights that are drawn, the order of films and dropout.
        body: What becomes of the backbone.
        softmax_first: A fault of the published scripts: the loss takes probabilities for logits.
    """

    folder: Path
    drawn: Path
    train_digest: str
    valid_digest: str
    template: Bundle
    policy: Policy
    loss: Loss
    training: TrainingTable
    threshold_rule: str
    split_digest: str
    seed: int
    body: Frozen | Whole
    softmax_first: bool = False

    @property
    def inputs(self) -> dict[str, str]:
        """Digests of what goes in."""
        films = {"split": self.split_digest, "train": self.train_digest, "valid": self.valid_digest}
        return {**self.body.inputs, **films}

    @property
    def _learning(self) -> dict[str, Any]:
        return {
            "policy": self.policy.model_dump(),
            "loss": self.loss.model_dump(),
            "softmax_first": self.softmax_first,
        }

    @property
    def options(self) -> dict[str, Any]:
        """What was asked for; in the bundle's header and record."""
        return {**dict(sorted(self.training.model_dump().items())), **self._learning, **self.body.options}

    @property
    def header(self) -> Header:
        """Header of the bundle that comes of the task."""
        return Header("bundle", inputs=self.inputs, options=self.options, seed=self.seed)

    @property
    def key(self) -> str:
        """Digest of all that makes a difference."""
        t = self.template
        pipeline = Pipeline.from_dict(t.preparation)
        model = {
            "classes": t.classes, "positive": t.positive, "backbone": t.backbone, "head": t.head, "precision": t.precision,
            "batch": t.batch, "pipeline": pipeline.digest, "pipeline_name": pipeline.name, "unsafe": list(t.unsafe),
            "probe": t.probe,
            "lungs": t.lungs.get("model", ""),
            "task": t.task,
        }  # fmt: skip
        return TRIAL.digest(
            {
                **self.inputs,
                **self._learning,
                "seed": self.seed,
                "training": self.training.model_dump(),
                "threshold_rule": self.threshold_rule,
                "model": model,
                **self.body.depends_on(t),
            }
        )

    @property
    def output(self) -> Path:
        """The trial's folder."""
        return self.folder / self.key[:SHORT]

    @property
    def finished(self) -> bool:
        """Whether the trial is there, and the finder's curve where the study asks for one."""
        output = self.output
        if not output.is_dir():
            brought(output)
        return output.is_dir() and (not self.training.find_rate or (output / FINDER).is_file())

    def films(self) -> tuple[LabelledRows, LabelledRows]:
        """What is stored of the films of train and valid; under the probe of that name the training labels are shuffled among the films."""
        drawn = DrawnFilms.read(self.drawn)
        store = self.body.store(drawn)
        train, valid = (drawn.found(drawn.parts[p], self.template.classes, store) for p in ("train", "valid"))
        if self.template.probe == LABELS_SHUFFLED:
            train = replace(train, labels=shuffled_labels(train.image_ids, train.labels, self.seed))
        return LabelledRows.of(train), LabelledRows.of(valid)

    def regimen(self, labels: Tensor) -> Regimen:
        """How the model is trained.

        Args:
            labels: Class indices of the training films as they are drawn, or what is known of their findings.

        Raises:
            InputError: The loss does not fit the classes or findings.
        """
        classes, drawn = self.template.classes, labels.numpy()
        if self.template.task == MULTILABEL:
            loss = build_finding_loss(self.loss, classes, drawn)
        else:
            loss = build_loss(self.loss, classes, drawn, self.softmax_first)
        return Regimen(self.policy, loss, self.training, self.seed, self.body.finetune)
