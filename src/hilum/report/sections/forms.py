"""Model card and checklists, filled from the run's own records."""

from __future__ import annotations

from hilum.report.evaluated import Evaluated
from hilum.report.forms import CardSection, card_table, claim_table, model_card, tripod_table
from hilum.report.page import Section


def section(evaluated: Evaluated) -> Section:
    """The forms, folded away; the run's notes are in the card and not under them."""
    known = evaluated.folder, evaluated.evaluation, len(evaluated.cautions)
    said = "Filled from the run’s own records. What they do not say is “not reported”: it is for the people behind the study."
    tables = [card_table(card(evaluated)), claim_table(*known), tripod_table(*known)]
    return Section("forms", "Model card and checklists", (said,), (), tables, noted=False)


def card(evaluated: Evaluated) -> list[CardSection]:
    """The model card."""
    return model_card(evaluated.folder, evaluated.rows, evaluated.evaluation, evaluated.cautions)
