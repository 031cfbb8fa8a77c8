"""Each line of the threat model names a test that is there."""

from __future__ import annotations

import ast
import re

from documented import ROOT

PAGE = ROOT / "docs" / "explanation" / "threats.md"
ROW = re.compile(r"^\| .+ \| .+ \| `(tests/[\w/]+\.py)::(\w+)` \|$")


def test_every_threat_has_a_test_that_is_there() -> None:
    rows = [
        line
        for line in PAGE.read_text("utf-8").splitlines()
        if line.startswith("| ") and not line.startswith(("| threat", "|---"))
    ]
    assert len(rows) > 20
    for line in rows:
        named = ROW.match(line)
        assert named, f"{line[:60]}: expected a test in the last column"
        tree = ast.parse((ROOT / named[1]).read_text("utf-8"))
        assert named[2] in {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}, line[:60]
