"""An extension of griffe: examples of docstrings (``>>>``) are shown as code, wherever in the docstring they stand."""

import re
from typing import Any

from griffe import Extension, Object

_EXAMPLE = re.compile(r"^( *)>>> .*(?:\n\1\S.*)*", re.MULTILINE)


class DoctestFences(Extension):
    """Each example is put between fences before docstrings are parsed."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Called for every object once it is read."""
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub(r"\1```pycon\n\g<0>\n\1```", obj.docstring.value)
