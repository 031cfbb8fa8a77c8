"""Where things lie when nobody says otherwise; imports nothing of hilum, so that a command can name it before it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Final

USUAL_WORKSPACE: Final = Path("hilum-workspace")
"""In the current folder, where none is named."""
