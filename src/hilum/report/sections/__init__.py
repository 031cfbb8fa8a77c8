"""The sections of a study's report: `SECTIONS` is the page, from top to bottom.

A section is a module here, or a folder, with a function ``section(evaluated)`` that gives all that it shows (its sentences, tables and
figures), or None where it has nothing to show. Above them stand the headline in words (`hilum.report.headline`), a line of each section
that has a `brief`, and the cautions. The order is a reader's: the figures; what bears on whether they hold (shortcuts, outside films,
calibration, subgroups); what is behind them; the films; then, folded, what a referee or who repeats the study looks up.

The wording claims no difference: only a table of comparisons, made by a test over a family that was named beforehand, may say one.
"""

from __future__ import annotations

from collections.abc import Callable

from hilum.report.evaluated import Evaluated
from hilum.report.page import Section
from hilum.report.sections import (
    audit,
    beside,
    calibration,
    contrasts,
    cost,
    curves,
    decisions,
    details,
    ensembles,
    explained,
    films,
    forms,
    learning_curve,
    left_out,
    matrices,
    outside,
    pipelines,
    ranking,
    results,
    sample_size,
    search,
    sets,
    sweep,
)

SECTIONS: tuple[Callable[[Evaluated], Section | None], ...] = (
    outside.section,
    results.section,
    left_out.section,
    beside.section,
    calibration.section,
    sets.section,
    decisions.section,
    sweep.section,
    contrasts.section,
    ranking.section,
    learning_curve.section,
    ensembles.section,
    details.section,
    matrices.section,
    explained.section,
    films.section,
    audit.section,
    sample_size.section,
    curves.section,
    search.section,
    pipelines.section,
    cost.section,
    forms.section,
)
