"""hilum serve: bundles as a service."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hilum.cli.options import grouped

STATE = Annotated[
    Path, typer.Option("--state", help="The service's folder: tokens, audit log, reviews, what is watched.")
]
DEFAULT_STATE = Path("hilum-state")


@dataclass(frozen=True)
class Listening:
    """Where the service listens, and what computes."""

    host: Annotated[
        str, typer.Option(help="Address; any but this machine's own needs tokens (hilum token new).")
    ] = "127.0.0.1"
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any that is free.")] = 8000
    engine: Annotated[
        str,
        typer.Option(
            help="torch, onnx, or auto for whichever is measured faster for each bundle; ray for networks on a Ray cluster."
        ),
    ] = "auto"
    replicas: Annotated[
        int, typer.Option(min=0, help="With --engine ray: of each network; 0 for one a node.")
    ] = 0
    address: Annotated[
        str | None, typer.Option(help="With --engine ray: HOST:PORT of the cluster, or auto.")
    ] = None
    workers: Annotated[int, typer.Option(min=0, help="Processes that open films; 0 for one a core.")] = 0


@dataclass(frozen=True)
class Exchanging:
    """How bundles are exchanged and compared while the service runs."""

    watch: Annotated[
        bool, typer.Option("--watch", help="Look whether a bundle's folder holds another one, and take that.")
    ] = False
    shadow: Annotated[
        Path | None,
        typer.Option(help="A bundle that scores the same films; only the audit log sees its answers."),
    ] = None
    bundles_from: Annotated[
        list[Path] | None,
        typer.Option(
            "--bundles-from",
            help="A folder that PUT /v1/bundles may take bundles from; else where the bundles lie.",
        ),
    ] = None


@dataclass(frozen=True)
class Bounds:
    """What it takes."""

    max_film_mib: Annotated[int, typer.Option(min=1, help="MiB of a film's file.")] = 64
    max_films: Annotated[int, typer.Option(min=1, help="Films a request.")] = 32
    max_mpx: Annotated[int, typer.Option(min=1, max=100, help="Million pixels of a film.")] = 50
    max_waiting: Annotated[int, typer.Option(min=1, help="Requests that are answered or wait at a time.")] = (
        64
    )
    max_seconds: Annotated[int, typer.Option(min=1, help="Seconds for a request.")] = 30
    a_minute: Annotated[int, typer.Option("--a-minute", min=1, help="Requests a minute of one token.")] = 6000


@grouped
def serve(
    bundles: Annotated[
        list[str],
        typer.Argument(
            metavar="BUNDLE...", help="Bundles: PATH or NAME=PATH. The first answers what names none."
        ),
    ],
    listening: Listening,
    exchanging: Exchanging,
    bounds: Bounds,
    state: STATE = DEFAULT_STATE,
    workspace: Annotated[
        Path | None,
        typer.Option(help="The workspace whose finished runs the pages show and queue for review."),
    ] = None,
) -> None:
    """Serve bundles to programs (HTTP, OpenAPI at /openapi.json) and to people (pages at /).

    Without tokens it listens on this machine only. Research software: every answer says so.
    """
    from hilum.core.extras import require_extra

    require_extra("serve", "fastapi", "uvicorn", "python_multipart", "prometheus_client", "httpx")
    from hilum.core.errors import InputError
    from hilum.inference.engines import engine_named
    from hilum.models.machine import made_ready
    from hilum.serve.limits import MIB, Limits
    from hilum.serve.server import OnRay, Serving
    from hilum.serve.server import serve as run_service

    on_ray = None
    if listening.engine == "ray":
        require_extra("ray", "ray")
        on_ray = OnRay(listening.replicas, listening.address)
    elif listening.replicas or listening.address:
        raise InputError("--replicas and --address are of a Ray cluster; say --engine ray, or leave them out")
    engine = engine_named("auto" if on_ray else listening.engine)
    limits = Limits(
        film_bytes=bounds.max_film_mib * MIB,
        request_bytes=4 * bounds.max_film_mib * MIB,
        films=bounds.max_films,
        pixels=bounds.max_mpx * 1_000_000,
        seconds=bounds.max_seconds,
        waiting=bounds.max_waiting,
        a_minute=bounds.a_minute,
    )
    run_service(
        Serving(
            bundles, state, listening.host, listening.port, engine, made_ready(), listening.workers, exchanging.watch, exchanging.shadow,
            workspace, tuple(exchanging.bundles_from or ()), limits, on_ray,
        )
    )  # fmt: skip
