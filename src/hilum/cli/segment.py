"""`hilum segment`: lung masks of films, and the training of the network that finds lungs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hilum.artifacts.usual import USUAL_WORKSPACE
from hilum.cli.options import MANIFEST, QUIET, SEED, WORKERS, assigned, grouped
from hilum.core.engine import local
from hilum.core.progress import set_quiet

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _segment() -> None:
    """Lungs on films."""


@dataclass(frozen=True)
class Known:
    """Films with known lungs."""

    convention: Annotated[
        list[str] | None,
        typer.Option(
            "--convention",
            metavar="SOURCE=NAME",
            help="What a source's masks take for lung: lungs (not the heart; if not given), or lungs-and-heart.",
        ),
    ] = None
    phantoms: Annotated[int, typer.Option(min=0, help="Synthetic films to add.")] = 0
    duplicates: Annotated[
        Path | None,
        typer.Option("--duplicates", help="duplicates.json of the films, so that copies stay together."),
    ] = None
    note: Annotated[
        list[str] | None, typer.Option("--note", help="A sentence for the card, such as a licence.")
    ] = None


@dataclass(frozen=True)
class Training:
    """How it is trained."""

    epochs: Annotated[int, typer.Option(min=1, help="Epochs.")] = 15
    films: Annotated[int, typer.Option(min=1, help="Films an epoch, in equal shares from every source.")] = (
        1500
    )
    batch: Annotated[int, typer.Option(min=2, help="Films a step.")] = 16
    rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 2e-3
    seed: SEED = 0
    bf16: Annotated[
        bool, typer.Option("--half", help="Compute in bfloat16, sooner where the processor has it.")
    ] = False


@app.command()
@grouped
def train(
    manifests: Annotated[
        list[Path], typer.Argument(metavar="MANIFEST...", help="Manifests of `hilum ingest`.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The weights to write, such as lungs.safetensors.")],
    known: Known,
    training: Training,
    workers: WORKERS = None,
    quiet: QUIET = False,
) -> None:
    """Train the network that finds lungs on films with lung masks; a fifth of the patients is held out and scored.

    Films without a mask are passed over. A card, FILE-card.json, says what it was trained on. Stopped, the same command goes on from its
    last epoch.
    """
    from hilum.artifacts.outputs import check_outputs, file_output  # late: pydantic

    read = [*manifests, *([known.duplicates] if known.duplicates else [])]
    output = file_output(out, "weights", ".safetensors", beside=())
    check_outputs([output], read)
    from hilum.artifacts.duplicates import Duplicates
    from hilum.artifacts.manifest import Manifest
    from hilum.models.machine import keep_memory
    from hilum.report.table import plain_table
    from hilum.segment.train import LungTraining
    from hilum.stages.segment.train import LungSources, train_lungs

    set_quiet(quiet)
    keep_memory()
    asked = LungSources(
        [Manifest.read(m) for m in manifests],
        dict(assigned(known.convention, "--convention", "SOURCE=NAME", "clinic=lungs-and-heart")),
        known.phantoms,
        Duplicates.read(known.duplicates) if known.duplicates else None,
        known.note or (),
    )
    options = LungTraining(
        training.epochs, training.films, training.batch, training.rate, training.seed, training.bf16
    )
    card = train_lungs(asked, out, options, local(workers))
    columns = (
        "source",
        "convention",
        "films",
        "patients",
        "Dice",
        "95 %",
        "5th percentile",
        "95 % of it",
        "failed",
    )
    rows = [
        (
            d["source"], card["films"][d["source"]]["convention"], d["n_films"], d["n_patients"],
            f"{d['mean']:.3f}", "{:.3f} to {:.3f}".format(*d["mean_interval"]),
            f"{d['fifth']:.3f}", "{:.3f} to {:.3f}".format(*d["fifth_interval"]), d["masks_failed"],
        )
        for d in card["dice"]
    ]  # fmt: skip
    print(plain_table("dice", columns, rows).to_text())
    print(out)


@app.command()
def run(
    manifest: MANIFEST,
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="Folder for masks/, lungs.csv and lungs.png; a workspace's serves its studies."
        ),
    ] = USUAL_WORKSPACE,
    convention: Annotated[
        str, typer.Option(help="What is lung: lungs (not the heart) or lungs-and-heart.")
    ] = "lungs",
    weights: Annotated[
        Path | None, typer.Option(help="Of `hilum segment train`; else those that ship.")
    ] = None,
    workers: WORKERS = None,
    quiet: QUIET = False,
) -> None:
    """Find the lungs of the films of a manifest; prints how many masks failed, and why.

    A source's own mask counts before the network's. lungs.csv has what is thought of each mask, lungs.png the films whose masks are least
    to be trusted.
    """
    from hilum.artifacts.outputs import check_outputs, folder_output  # late: pydantic

    files = ("lungs.csv", "lungs.png")
    check_outputs([folder_output(out, "masks", *files)], [manifest, *([weights] if weights else [])])
    from hilum.artifacts.manifest import Manifest
    from hilum.models.machine import keep_memory
    from hilum.report.table import plain_table
    from hilum.stages.segment.run import Which, make_masks, masked, summary, write_quality, write_sheet

    set_quiet(quiet)
    keep_memory()
    films, which = Manifest.read(manifest), Which(convention, weights)
    store = make_masks(films.films, out / "masks", which, local(workers))
    rows = list(masked(films.films, store, which.load().digest))
    write_quality(out / files[0], films, rows, which)
    write_sheet(out / files[1], rows)
    columns = ("source", "films", "own masks", "failed", "why", "Dice with own")
    print(plain_table("lungs", columns, summary(rows)).to_text())
    print(out / files[0])
