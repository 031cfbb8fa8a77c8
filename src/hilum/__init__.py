"""hilum: a workbench for chest-film classification studies. Research software, not a medical device.

>>> import hilum
>>> hilum.__version__.count("."), "run" in dir(hilum)
(2, True)
"""

import sys

TYPE_CHECKING = False  # what type checkers take for true; typing's own would be imported for it

__version__ = "0.1.0"

RESEARCH_NOTICE = "Research software. Not a medical device; not for diagnosis or treatment."

if TYPE_CHECKING:
    from hilum.api.drift import drift as drift
    from hilum.api.drift import make_reference as make_reference
    from hilum.api.elsewhere import workspace_at as workspace_at
    from hilum.api.explanations import explain as explain
    from hilum.api.films import audit as audit
    from hilum.api.films import ingest as ingest
    from hilum.api.floor import floor as floor
    from hilum.api.loaded import load as load
    from hilum.api.models import Model as Model
    from hilum.api.models import export as export
    from hilum.api.models import predict as predict
    from hilum.api.runs import gallery as gallery
    from hilum.api.runs import plan as plan
    from hilum.api.runs import run as run
    from hilum.api.splits import split as split
    from hilum.api.statistics import compare as compare
    from hilum.api.statistics import evaluate as evaluate

_LATE = {
    "ingest": "films",
    "audit": "films",
    "split": "splits",
    "run": "runs",
    "plan": "runs",
    "gallery": "runs",
    "floor": "floor",
    "predict": "models",
    "evaluate": "statistics",
    "compare": "statistics",
    "explain": "explanations",
    "export": "models",
    "drift": "drift",
    "make_reference": "drift",
    "workspace_at": "elsewhere",
    "load": "loaded",
    "Model": "models",
}
"""What is imported when it is first asked for -> its module of `hilum.api`."""


if not TYPE_CHECKING:

    def __getattr__(name):
        if name not in _LATE:
            raise AttributeError(f"module 'hilum' has no attribute {name!r}")
        from importlib import import_module

        globals()[name] = found = getattr(import_module(f"hilum.api.{_LATE[name]}"), name)
        return found

    class _Package(type(sys)):
        """`hilum.explain` is the function, though a package has that name: to import from that one sets nothing here."""

        @property
        def explain(self):
            return globals().get("explain") or __getattr__("explain")

        @explain.setter
        def explain(self, _):
            pass

    sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
