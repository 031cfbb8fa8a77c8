"""The paper's ten claims, each with the paper's evidence, the evidence here, and a verdict by a stated rule.

Convention: a claim's rule is a function of `claim_rules`, `time_rules` or `loss_rules`; the first paragraph of its docstring is printed
under the table. What limits a verdict (a subset, a stand-in, random weights, a rule of thumb) stands beside it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hilum.paper import claim_rules as rules
from hilum.paper import loss_rules, time_rules
from hilum.paper.differences import counts_for_claims
from hilum.paper.member import Member, Paper
from hilum.paper.verdicts import ClaimVerdict, Part, together
from hilum.report.table import Column, Table, text_cell


@dataclass(frozen=True)
class Finding:
    """A claim with its verdict.

    Attributes:
        letter: ``a`` to ``j``.
        claim: One sentence.
        paper: The paper's evidence.
        parts: The evidence here.
        verdict: Of the claim.
        conditions: What to know beside it: subset, stand-in, random weights, rule of thumb.
        rule: How the verdict was reached.
    """

    letter: str
    claim: str
    paper: str
    parts: tuple[Part, ...]
    verdict: ClaimVerdict
    conditions: str
    rule: str

    @property
    def evidence(self) -> str:
        """The parts in words, each with its own verdict where there are several."""
        told = []
        for p in self.parts:
            what = f"{p.what}: " if p.what else ""
            verdict = f" → {p.verdict}" if len(self.parts) > 1 else ""
            told.append(f"{what}{p.evidence}{verdict}.")
        return " ".join(told)


Test = Callable[[Paper], list[Part]]


_CLAIMS: tuple[tuple[str, str, str, tuple[int, ...], Test], ...] = (
    (
        "a", "Cropping raises sensitivity.",
        "DenseNet121 .9580 → .9784 (Table 4); ResNet50 .8715 → .9274, but SqueezeNet .9128 → .8722.",
        (2,), rules.cropping_raises_sensitivity,
    ),
    (
        "b", "Augmentation does not raise, or lowers, specificity and PR-AUC.",
        "Table 4: of nine contrasts, eight lower in specificity and eight lower in PR-AUC.",
        (2,), rules.augmentation_gains_nothing,
    ),
    (
        "c", "DenseNet121 is best in sensitivity, specificity and PR-AUC, and slowest.",
        "Table 4: .9784, .9969 and .9956 are the highest; about 3580 s against 2070 and 1720 s.",
        (2,), rules.densenet_is_best_and_slowest,
    ),
    (
        "d", "SqueezeNet trains in about half DenseNet121’s time.",
        "Table 4: 1721 s over 3583 s, .48.",
        (2,), time_rules.squeezenet_takes_half_the_time,
    ),
    (
        "e", "One cycle beats a constant rate in sensitivity, in 20 % less time than Experiment 2’s DenseNet121.",
        "Schedules 3 and 4: mean .9496 against .9019 (“by at least 0.4”; the tables give .048); 2903 s against 3583 s. Against ResNet50’s "
        "constant runs (2069 s) it took longer.",
        (3, 2), rules.one_cycle_beats_constant,
    ),
    (
        "f", "For reduction on plateau, starting lower is better.",
        "Table 9: start 2e-4 .9544/.9044, start 1e-3 .8637/.8176.",
        (4,), rules.lower_start_is_better,
    ),
    (
        "g", "A large cycle (10 to 15 epochs) is better than a small one (5).",
        "Loss curves of schedules 1 and 2 (Figure 10); no number is given.",
        (3,), loss_rules.large_cycle_is_better,
    ),
    (
        "h", "The CNN from scratch has like specificity and low sensitivity.",
        "Table 10: .9032/.9817 and .8968/.9761 against .948 to .954 in Experiments 3 and 4 (“5e-4 better”: the table has 2e-4 ahead).",
        (5, 3, 4), rules.cnn_is_less_sensitive,
    ),
    (
        "i", "Validation loss stops falling after about 10 epochs.",
        "Figure 5: ResNet50 in Experiment 1, 25 epochs.",
        (1,), loss_rules.loss_stops_after_ten_epochs,
    ),
    (
        "j", "PR-AUC is best with the baseline pipeline for ResNet50 and SqueezeNet.",
        "Table 4: .9795 and .9733 are the highest of their rows.",
        (2,), rules.baseline_has_best_pr_auc,
    ),
)  # fmt: skip


def findings(paper: Paper) -> list[Finding]:
    """Every claim with its verdict, in the order of their letters."""
    found = []
    for letter, claim, evidence, asked, test in _CLAIMS:
        parts = tuple(test(paper))
        members = [m for n in asked if (m := paper.experiment(n)) is not None]
        rule = " ".join((inspect.getdoc(test) or "").split("\n\n")[0].split())
        found.append(
            Finding(
                letter,
                claim,
                evidence,
                parts,
                together([p.verdict for p in parts]),
                _conditions(members, parts),
                rule,
            )
        )
    return found


def _conditions(members: Sequence[Member], parts: Sequence[Part]) -> str:
    """What stands beside a verdict."""
    if not members:
        return ""
    told = []
    if any(p.thumb for p in parts):
        told.append(
            "rule of thumb"
            if all(p.thumb or p.verdict == "not tested here" for p in parts)
            else "rule of thumb in part"
        )
    for m in members:
        if m.subset:
            told.append(f"{_short(m)}: {m.subset}")
        stand_ins = sorted({c.backbone for c in m.folder.cells if m.stands_in(c) and counts_for_claims(c)})
        if stand_ins:
            told.append(f"{_short(m)}: {' and '.join(stand_ins)} for resnet50")
        random = sorted({c.backbone for c in m.folder.cells if not counts_for_claims(c)})
        if random:
            told.append(f"{_short(m)}: {' and '.join(random)} with random weights, not counted")
    if any(m.folder.record.synthetic for m in members):
        told.append("synthetic films")
    return "; ".join(told)


def _short(member: Member) -> str:
    return member.title.replace("Experiment", "Exp.")


def claims_table(found: Sequence[Finding]) -> Table:
    """The claims as a table, for csv and LaTeX."""
    columns = [
        Column("", numeric=False, key="letter"),
        *(Column(c, numeric=False, prose=True) for c in ("Claim", "The paper", "Here")),
        Column("Verdict", numeric=False),
        Column("Beside it", numeric=False, prose=True),
    ]
    body = [
        [
            text_cell(f"({f.letter})", strong=True),
            *(text_cell(t) for t in (f.claim, f.paper, f.evidence)),
            text_cell(f.verdict, strong=True),
            text_cell(f.conditions),
        ]
        for f in found
    ]
    notes = tuple(f"({f.letter}) {f.rule}" for f in found)
    return Table(
        "claims", "Claims", "The paper’s claims, the evidence here, and the verdict.", columns, body, notes
    )
