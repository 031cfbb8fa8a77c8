"""What stands beside a study's numbers is handed in: the report itself knows no publication."""

import ast
from pathlib import Path

import hilum.report


def test_no_words_of_the_report_name_the_paper_or_its_class() -> None:
    for path in Path(hilum.report.__file__).parent.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        docs = {
            id(n.body[0].value)
            for n in nodes
            if isinstance(n, documented) and isinstance(n.body[0], ast.Expr)
        }
        words = [n.value for n in nodes if isinstance(n, ast.Constant) and id(n) not in docs]
        named = [
            w
            for w in words
            if isinstance(w, str) and ("the paper" in w.casefold() or "covid" in w.casefold())
        ]
        assert named == [], path.name
