"""Print what share of each package's lines the last `make test-all` ran; fail where a module is under the floor.

coverage json -o coverage.json && python tests/least_coverage.py coverage.json
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

FLOOR_PERCENT = 85.0


def shares(files: dict[str, dict[str, int]]) -> tuple[dict[str, float], dict[str, float]]:
    """Percent of lines that ran, of each package (and "all") and of each module."""
    lines: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    modules = {}
    for path, counts in files.items():
        inside = Path(path).parts[Path(path).parts.index("hilum") + 1 :]
        n, run = counts["num_statements"], counts["covered_lines"]
        for name in ("all", inside[0] if len(inside) > 1 else "hilum"):
            lines[name][0] += n
            lines[name][1] += run
        if n:
            modules["/".join(inside)] = 100.0 * run / n
    return {name: 100.0 * run / n for name, (n, run) in lines.items() if n}, modules


def main(path: Path) -> int:
    """Print the shares; 1 where a module is under the floor."""
    files = {name: found["summary"] for name, found in json.loads(path.read_text())["files"].items()}
    packages, modules = shares(files)
    for name, percent in sorted(packages.items()):
        print(f"{percent:6.1f} %  {name}")
    low = {name: percent for name, percent in modules.items() if percent < FLOOR_PERCENT}
    for name, percent in sorted(low.items(), key=lambda item: item[1]):
        print(f"{percent:6.1f} %  {name} is under {FLOOR_PERCENT:g} %", file=sys.stderr)
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
