"""Pages of the site that docs/ does not hold: README, CONTRIBUTING, CHANGELOG, the benchmarks, notebooks, and the API (a page a package).

mkdocs calls it (``hooks`` of mkdocs.yml); nothing is written to disk. The API pages name modules, and mkdocstrings makes them of the
docstrings without importing the package, so the site builds without torch. A module that is added is on its page at the next build.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "CHANGELOG.md": "CHANGELOG.md"}
"""Markdown of the repository's root -> its page; what it links to in docs/ is beside it on the site."""


def notebook_page(path: Path) -> str:
    """A notebook as it is stored, its outputs too, as Markdown."""
    return "\n\n".join(part for cell in json.loads(path.read_text("utf-8"))["cells"] for part in _cell(cell))


def _cell(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    yield source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```"
    for output in cell.get("outputs", ()):
        data = {
            kind: "".join(value)
            for kind, value in output.get("data", {"text/plain": output.get("text", "")}).items()
        }
        if "text/html" in data:
            yield data["text/html"]
        elif "image/png" in data:
            image = data["image/png"].replace("\n", "")
            yield f'<img style="max-width:100%" alt="{data["text/plain"][:60].strip("<>")}" src="data:image/png;base64,{image}">'
        else:
            yield f"```text\n{data['text/plain']}\n```"


def packages() -> dict[str, list[str]]:
    """Dotted name of each package -> those of its modules, itself first."""
    found = {}
    for init in sorted((SOURCE / "hilum").rglob("__init__.py")):
        name = ".".join(init.parent.relative_to(SOURCE).parts)
        modules = sorted(p.stem for p in init.parent.glob("*.py") if not p.stem.startswith("_"))
        found[name] = [name, *(f"{name}.{m}" for m in modules)]
    return found


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The API pages end the navigation."""
    config.nav.append({"API": [{name: f"reference/api/{name}.md"} for name in packages()]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=text))
    for path in [
        ROOT / "benchmarks" / "README.md",
        *sorted((ROOT / "benchmarks" / "results").glob("*.json")),
    ]:
        files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    for path in sorted((ROOT / "docs").rglob("*.ipynb")):
        page = path.relative_to(ROOT / "docs").with_suffix(".md").as_posix()
        files.append(File.generated(config, page, content=notebook_page(path)))
    for name, modules in packages().items():
        blocks = "\n\n".join(f"::: {module}" for module in modules)
        files.append(File.generated(config, f"reference/api/{name}.md", content=f"# {name}\n\n{blocks}\n"))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """A link to a notebook leads to its page."""
    return markdown.replace(".ipynb)", ".md)")
