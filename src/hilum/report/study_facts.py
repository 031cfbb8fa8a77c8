"""What is known about a study, in words: one fact a function, for the model card and the checklists.

Convention: a fact is read from the run's record and artefacts. What they do not say is `NOT_REPORTED`, never a guess; nothing that only
the people behind a study know (dates, ethics, funding) is filled in here but from what they say themselves (`reported`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hilum.artifacts.run import RunCell
from hilum.artifacts.run_folder import RunFolder
from hilum.artifacts.statistics import AT_OPERATING_POINT, StudyRows
from hilum.report import numbers
from hilum.report.estimates import CellColumns, films_behind
from hilum.report.pipeline_words import steps_words
from hilum.report.run_words import averaged, backbone_label
from hilum.study.metrics import metric_label, shown_in
from hilum.study.reporting import ReportingTable
from hilum.study.search import VALUES

NOT_REPORTED = "not reported"
_HEADS = {
    "mlp": "linear layer to 64, ReLU, linear layer to the classes",
    "conv": "dropout .5, 1×1 convolution to the classes, ReLU, global average pooling",
    "linear": "one linear layer to the classes",
    "dense": "three linear layers (968, 32, classes) without activation between them",
    **{
        f"fc-{n}": f"two linear layers of {n}, each with ReLU, linear layer to the classes"
        for n in (1024, 256, 128)
    },
}


def reported(folder: RunFolder) -> dict[str, str]:
    """What the people behind the study say of it: key of ``[reporting]`` -> text, keys in the table's order."""
    known = ReportingTable.model_fields
    value = {k: v for k, v in folder.record.table("reporting").items() if k in known}
    return ReportingTable.model_validate(value).said()


def by_authors(text: str) -> str:
    """A text of the authors, marked as theirs; `NOT_REPORTED` for none."""
    return f"authors: {text}" if text else NOT_REPORTED


def model(folder: RunFolder) -> str:
    """Each backbone with its head, and whether it was trained."""
    found = []
    for c in {c.backbone: c for c in folder.cells}.values():
        if c.members:
            found.append(f"{c.backbone}: {folder.record.weights[c.backbone].source}")
            continue
        of = [k for k in folder.cells if k.backbone == c.backbone]
        bundles = [bundle for k in of if (bundle := folder.bundle(k, 1))]
        head = " or ".join(dict.fromkeys(_HEADS[b.head] for b in bundles if b.head in _HEADS))
        kinds = {k.finetuned for k in of}
        how = {True: "trained as a whole", False: "frozen, only its head trained"}
        words = " or ".join(how[k] for k in sorted(kinds))
        found.append(f"{backbone_label(c)}: {words}" + (f" ({head})" if head else ""))
    return "; ".join(found)


def costs(folder: RunFolder) -> str:
    """Parameters and multiply-adds of each network."""
    label = _labels(folder)
    found = [
        f"{label.get(name, name)}: {numbers.count(c['parameters'])} parameters, {numbers.count(c['trained'])} of them trained, "
        f"{c['multiply_adds'] / 1e9:.3g} billion multiply-adds a film"
        for name, c in folder.record.costs.items()
    ]
    return "; ".join(found) or NOT_REPORTED


def weights(folder: RunFolder) -> str:
    """Where each backbone's first weights come from."""
    found, label = [], _labels(folder)
    for backbone, w in folder.record.weights.items():
        name = label.get(backbone, backbone)
        if not w.pretrained:
            found.append(f"{name}: drawn from the seed")
            continue
        licence = f", licence {w.licence}" if w.licence else ""
        sha256 = f", sha256 {w.sha256[:12]}" if w.sha256 else ""
        found.append(f"{name}: {w.weights} ({w.source}{licence}{sha256})")
    return "; ".join(found) or NOT_REPORTED


def preprocessing(folder: RunFolder) -> str:
    """The steps that every film passes."""
    found = [f"{name}: {steps_words(p)}" for name, p in folder.record.pipelines.items()]
    return "grey, 8 bit, from one decoder; then by pipeline. " + " | ".join(found) if found else NOT_REPORTED


def training(folder: RunFolder) -> str:
    """Epochs, batch, policies, losses, sampling, choice of epoch."""
    value, table = folder.record.study, folder.record.table("training")
    models = [c for c in folder.cells if not c.members]
    schedules = list(dict.fromkeys(c.schedule for c in models))
    found = [f"{k.replace('_', ' ')} {table[k]}" for k in _shared(value, schedules) if table.get(k)]
    found += [f"schedule {name}: {_policy(value, name)}" for name in schedules]
    losses = dict.fromkeys(c.factors.get("loss", "cross-entropy") for c in models)
    found += [f"loss {name}{_options((value.get('loss') or {}).get(name), 'kind')}" for name in losses]
    if value.get("finetune") and any(c.finetuned for c in folder.cells):
        found.append(f"fine-tuning{_options(value['finetune'])}")
    if search := value.get("search"):
        names = ", ".join(n.replace("_", " ") for n in VALUES if search.get(n) is not None)
        where = "validation films" if search["chosen_on"] == "valid" else "folds of train and validation"
        found.append(f"{names} chosen among {search['trials']} trials a cell on {where} of trial 1")
    found.append(imbalance(folder))
    early, best = table.get("early_stopping"), table.get("best_epoch")
    found.append(f"early stopping after {numbers.counted(early, 'epoch')}" if early else "no early stopping")
    found.append(
        "weights of the epoch with the lowest validation loss" if best else "weights of the last epoch"
    )
    return "; ".join(found) if table else NOT_REPORTED


def _shared(value: Mapping[str, Any], schedules: Sequence[str]) -> list[str]:
    """The keys of ``[training]`` that some schedule takes: epochs and rate are those of a policy that has its own."""
    policies = [(value.get("policy") or {}).get(name) or {} for name in schedules]
    cycles = [p.get("kind") == "one_cycle" for p in policies]
    keys = ["batch"] if all(cycles) else ["epochs", "batch"]
    own_rate = [bool(c or p.get("learning_rate")) for p, c in zip(policies, cycles, strict=True)]
    return keys if all(own_rate) else [*keys, "learning_rate"]


def _policy(value: Mapping[str, Any], name: str) -> str:
    known = (value.get("policy") or {}).get(name)
    if known is None:
        return "Adam at a constant rate" if name == "constant" else NOT_REPORTED
    return str(known.get("kind", name)).replace("_", " ") + _options(known, "kind")


def _options(table: Mapping[str, Any] | None, *without: str) -> str:
    """A table's options in brackets, those that are off left out."""
    words = [
        f"{k.replace('_', ' ')} {_value(v)}"
        for k, v in (table or {}).items()
        if k not in without and v not in (None, False, 0, 0.0, "none", [])
    ]
    return f" ({', '.join(words)})" if words else ""


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", then ".join(
            " ".join(f"{k.replace('_', ' ')} {v}" for k, v in item.items())
            if isinstance(item, dict)
            else str(item)
            for item in value
        )
    return str(value)


def imbalance(folder: RunFolder) -> str:
    """How unequal classes were treated."""
    value = folder.record.study
    if not value:
        return NOT_REPORTED
    found = [
        f"{c}: {n if isinstance(n, int) else f'{n:g} times as many'} training films drawn with replacement"
        for c, n in (value.get("sampling") or {}).items()
    ]
    found += [
        f"class weights {table.get('class_weights') or table.get('alpha')} in loss {name}"
        for name, table in (value.get("loss") or {}).items()
        if (table.get("class_weights") or table.get("alpha") or "none") != "none"
    ]
    if folder.record.table("training").get("balanced_batches"):
        found.append("each batch has the classes evenly")
    return "; ".join(found) or "classes as frequent as they are, no sampling or weights"


def seeds(folder: RunFolder) -> str:
    """The seed, and what is drawn anew."""
    again = ", ".join(folder.record.redraw_with_trial) or "nothing recorded"
    seed = NOT_REPORTED if folder.record.seed is None else folder.record.seed
    return f"seed {seed}; {numbers.counted(folder.n_trials, 'trial')} a cell; drawn anew each trial: {again}"


def software(folder: RunFolder) -> str:
    """Versions."""
    return ", ".join(f"{k} {v}" for k, v in folder.record.versions.items()) or NOT_REPORTED


def operating_points(folder: RunFolder) -> str:
    """Rule and thresholds, and the part they were chosen on."""
    points = [p for c, t in folder.units() if (p := folder.operating_point(c, t)) and "threshold" in p]
    if not points:
        return NOT_REPORTED
    low, high = (f(float(p["threshold"]) for p in points) for f in (min, max))
    rules = sorted({f"{p.get('rule', 'no rule recorded')}, chosen on {p.get('chosen_on')}" for p in points})
    return f"{'; '.join(rules)}; {'threshold' if low == high else 'thresholds'} {numbers.span(low, high)}"


def comparisons(folder: RunFolder) -> str:
    """The families of comparisons that were named beforehand."""
    found = [
        f"{f['name']}: {f['factor']} against {f['reference']} in {', '.join(metric_label(m) for m in f['metrics'])}"
        for f in folder.record.families
    ]
    if not found:
        return "no family of comparisons was named, so differences are not tested"
    return "; ".join(found) + "; p adjusted by Holm, intervals of a family together"


def cell_results(folder: RunFolder, rows: StudyRows, cell: RunCell) -> str:
    """A cell's figures on the test part, with intervals."""
    found = []
    for metric in (*shown_in("headline"), *(m + AT_OPERATING_POINT for m in shown_in("pictured"))):
        row = rows.find(cell.name, None, metric, folder.positive)
        if row is None or row.estimate is None:
            continue
        label = metric_label(metric.removesuffix(AT_OPERATING_POINT))
        at = " at the operating point" if metric.endswith(AT_OPERATING_POINT) else ""
        interval = (
            f" ({numbers.interval(row.low, row.high, films_behind(row))})" if row.low is not None else ""
        )
        found.append(f"{label}{at} {numbers.rate(row.estimate, numbers.digits(films_behind(row)))}{interval}")
    return ", ".join(found) or NOT_REPORTED


def contrast_results(folder: RunFolder, rows: StudyRows, contrast: str) -> str:
    """Range over cells of a contrast's figures."""
    found = []
    for metric in shown_in("contrast in words"):
        of_cells = [r for c in folder.cells if (r := rows.find(c.name, None, metric, contrast)) is not None]
        values = [r.estimate for r in of_cells if r.estimate is not None]
        if values:
            shown = numbers.digits(films_behind(of_cells[0]))
            low, high = numbers.rate(min(values), shown), numbers.rate(max(values), shown)
            found.append(
                f"{metric_label(metric)} {low if low == high else f'{low} to {high} over the cells'}"
            )
    return ", ".join(found)


def chosen_cell(folder: RunFolder) -> tuple[RunCell, float] | None:
    """The model with the lowest validation loss of the kept weights, mean over trials, and that loss; ensembles have no such loss.

    None where losses are not recorded for every trial, where cells were trained by different losses (these cannot be ranked), and where
    an unsafe fault was on.
    """
    models = [c for c in folder.cells if not c.members]
    if len({c.factors.get("loss") for c in models}) > 1 or any(c.switches for c in models):
        return None
    found = []
    for cell in models:
        kept = [k for t in folder.trials if (k := folder.losses(cell, t).kept) is not None]
        if len(kept) < folder.n_trials:
            return None
        found.append((sum(kept) / len(kept), cell.name, cell))
    loss, _, cell = min(found, key=lambda f: f[:2])
    return cell, loss


def chosen_words(folder: RunFolder) -> str:
    """`chosen_cell` in words."""
    chosen = chosen_cell(folder)
    if chosen is None:
        return "none is named: validation losses are not recorded, not comparable, or a fault was switched on"
    cell, loss = chosen
    if len(folder.cells) == 1:  # whoever has one model has no ensemble
        return f"{CellColumns(folder).label(cell)} is the only cell"
    return f"{CellColumns(folder).label(cell)}: lowest validation loss, {loss:.4f}, {averaged(folder)}; not chosen on test"


def _labels(folder: RunFolder) -> dict[str, str]:
    """Backbone -> its name for tables."""
    return {c.backbone: backbone_label(c) for c in folder.cells}
