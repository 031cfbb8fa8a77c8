"""`hilum sbom`: what a service on a bundle is made of, as a CycloneDX document."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def sbom(
    bundle: Annotated[Path, typer.Argument(help="A bundle: the folder with bundle.json.")],
    out: Annotated[Path, typer.Option(help="Where the document goes.")] = Path("sbom.cdx.json"),
) -> None:
    """Write the bill of materials of a bundle: hilum, the libraries installed here, the bundle's files and weights with their digests."""
    from hilum.artifacts.outputs import check_outputs, file_output  # late: packaging
    from hilum.monitor.sbom import KIND, write_sbom

    check_outputs([file_output(out, KIND, ".json")], [bundle])
    value = write_sbom(bundle, out)
    print(f"CycloneDX {value['specVersion']}, {len(value['components'])} components", file=sys.stderr)
    print(out)
