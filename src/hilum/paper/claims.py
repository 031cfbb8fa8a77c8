"""The paper's ten claims, each with the paper's evidence, the evidence here, and a verdict by a stated rule.

Convention: ``claims.toml`` has the claims and their rules in words, which are printed under the table; how a rule is computed is in
`claim_rules`, `time_rules` and `loss_rules`. What limits a verdict (a subset, a stand-in, random weights, a rule of
thumb) stands beside it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from pydantic import TypeAdapter

from hilum.paper import loss_rules, time_rules
from hilum.paper.claim_rules import Comparison, cnn_is_less_sensitive, compared
from hilum.paper.studies import Paper, PaperStudy
from hilum.paper.verdicts import ClaimVerdict, Part, not_tested, together
from hilum.report.table import Cell, Column, Table, text_cell


@dataclass(frozen=True)
class Claim:
    """A claim as ``claims.toml`` has it.

    Attributes:
        letter: ``a`` to ``j``.
        says: One sentence.
        paper: The paper's evidence.
        experiments: Numbers; the first that was run is tested.
        rule: How a verdict is reached.
        parts: Comparisons, and names of `TESTS`.
        against: Other experiments that the verdict reads.
    """

    letter: str
    says: str
    paper: str
    experiments: tuple[int, ...]
    rule: str
    parts: tuple[Comparison | str, ...]
    against: tuple[int, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A claim with its verdict.

    Attributes:
        claim: The claim.
        parts: The evidence here.
        conditions: What to know beside the verdict: subset, stand-in, random weights, rule of thumb.
    """

    claim: Claim
    parts: Sequence[Part]
    conditions: str

    @property
    def verdict(self) -> ClaimVerdict:
        """The verdict on all parts of the claim together."""
        return together([p.verdict for p in self.parts])

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """(what, its evidence, its verdict where there are several) of each part."""
        return [(p.what, p.evidence, f"→ {p.verdict}" if len(self.parts) > 1 else "") for p in self.parts]

    @property
    def evidence(self) -> str:
        """`told` in words."""
        return " ".join(
            f"{f'{what}: ' if what else ''}{' '.join(filter(None, rest))}." for what, *rest in self.told
        )


CLAIMS = TypeAdapter(tuple[Claim, ...]).validate_python(
    tomllib.loads(files("hilum.paper").joinpath("claims.toml").read_text("utf-8"))["claim"]
)
"""In the order of their letters."""

TESTS: Mapping[str, Callable[[PaperStudy, Paper], list[Part]]] = {
    "densenet is slowest": time_rules.slowest,
    "squeezenet takes half the time": time_rules.squeezenet_takes_half_the_time,
    "one cycle saves time": time_rules.one_cycle_saves_time,
    "a large cycle is better": loss_rules.large_cycle_is_better,
    "the CNN is less sensitive": cnn_is_less_sensitive,
    "the loss stops falling": loss_rules.loss_stops_after_ten_epochs,
}
"""What no comparison of cells can tell: seconds, losses, and two experiments side by side."""


def findings(paper: Paper) -> list[Finding]:
    """Every claim with its verdict."""
    found = []
    for claim in CLAIMS:
        tested = next((m for n in claim.experiments if (m := paper.experiment(n))), None)
        parts = [not_tested("", f"Experiment {claim.experiments[0]} was not run")]
        if tested is not None:
            parts = [part for asked in claim.parts for part in _parts(asked, tested, paper)]
        studies = [m for m in (tested, *map(paper.experiment, claim.against)) if m is not None]
        found.append(Finding(claim, parts, _conditions(studies, parts)))
    return found


def _parts(asked: Comparison | str, tested: PaperStudy, paper: Paper) -> list[Part]:
    return TESTS[asked](tested, paper) if isinstance(asked, str) else [compared(asked, tested, paper)]


def _conditions(studies: Sequence[PaperStudy], parts: Sequence[Part]) -> str:
    """What stands beside a verdict."""
    if not studies:
        return ""
    told = []
    if any(p.thumb for p in parts):
        told.append(
            "rule of thumb"
            if all(p.thumb or p.verdict == "not tested here" for p in parts)
            else "rule of thumb in part"
        )
    for m in studies:
        stand_ins = [b for b in m.stand_ins if b not in m.undecided]
        marks = (
            m.subset,
            f"{' and '.join(stand_ins)} for resnet50" if stand_ins else "",
            f"{' and '.join(m.undecided)} with random weights, not counted" if m.undecided else "",
        )
        told += [f"{m.short}: {mark}" for mark in marks if mark]
    if any(m.folder.record.synthetic for m in studies):
        told.append("synthetic films")
    return "; ".join(told)


_TONES = {"holds": "good", "fails": "bad"}


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
            text_cell(f"({f.claim.letter})", strong=True),
            text_cell(f.claim.says, strong=True),
            Cell(f.claim.paper, f.claim.paper, quiet=True),
            Cell(f.evidence, f.evidence, parts=f.told),
            Cell(f.verdict, f.verdict, strong=True, tone=_TONES.get(f.verdict, "")),
            Cell(f.conditions, f.conditions, quiet=True),
        ]
        for f in found
    ]
    notes = tuple(f"({f.claim.letter}) {f.claim.rule}" for f in found)
    return Table(
        "claims", "Claims", "The paper’s claims, the evidence here, and the verdict.", columns, body, notes,
        sortable=False, folded="How each verdict was reached",
    )  # fmt: skip
