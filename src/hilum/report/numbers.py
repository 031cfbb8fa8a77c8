"""How a number is written: in a page, in LaTeX, in a csv.

Convention: a rate has as many decimals as one film moves (`digits`): two of up to a hundred films, three of up to a thousand, four beyond,
as in the paper; the ends of an interval have as many, three at most. Seconds have three significant digits; a count has thin thousands.
What cannot be computed is a word, never ``nan``. A csv holds six significant digits, so that a reader can compute with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

NOT_ESTIMABLE = "not estimable"
NONE = "–"
_THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"


def digits(n: int | None) -> int:
    """Decimals of a rate over `n` films (or units): one film more or less moves the last of them; four where `n` is not known.

    >>> digits(50), digits(100), digits(720), digits(8296), digits(None)
    (2, 2, 3, 4, 4)
    """
    return 4 if n is None else 2 if n <= 100 else 3 if n <= 1000 else 4


def rate(value: float | None, digits: int = 4) -> str:
    """A share between 0 and 1.

    >>> rate(1742 / 1808), rate(None)
    ('0.9635', '–')
    """
    return NONE if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def span(low: float, high: float) -> str:
    """The thresholds from the least to the greatest, three decimals, a small one as a power: never 0.000 for what is not 0.

    >>> span(0.25, 0.25), span(0.0168, 0.19), span(0.00002, 0.3), span(0.0, 0.0)
    ('0.250', '0.017 to 0.190', '2.0e-05 to 0.300', '0.000')
    """
    ends = [f"{v:.1e}" if 0 < v < 0.001 else rate(v, 3) for v in dict.fromkeys((low, high))]
    return " to ".join(dict.fromkeys(ends))


def percent(value: float) -> str:
    """A share as a percentage with one decimal.

    >>> percent(0.5).replace("\\N{NO-BREAK SPACE}", " ")
    '50.0 %'
    """
    return f"{value:.1%}".replace("%", "\N{NO-BREAK SPACE}%")


def interval(low: float | None, high: float | None, n: int | None = None) -> str:
    """Both ends of an interval over `n` films, or a dash.

    >>> interval(0.95, 0.9712), interval(0.95, 0.9712, 50)
    ('0.950 to 0.971', '0.95 to 0.97')
    """
    if low is None or high is None:
        return NONE
    shown = min(3, digits(n))
    return f"{rate(low, shown)} to {rate(high, shown)}"


def seconds(value: float | None) -> str:
    """A time in seconds with three significant digits, whole from 100 on.

    >>> seconds(0.01234), seconds(12.34), seconds(1997.4)
    ('0.0123', '12.3', '1997')
    """
    if value is None or not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 4)}f}"


def signed(value: float | None, digits: int = 4) -> str:
    """A difference with its sign, none where it rounds to 0.

    >>> signed(-0.0123), signed(-0.00004), signed(0.5, 2), signed(None)
    ('−0.0123', '0.0000', '+0.50', '–')
    """
    if value is None:
        return NONE
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text if float(f"{value:.{digits}f}") else text[1:]


def count(value: int | None) -> str:
    """A whole number, its thousands set apart from 10 000 on.

    >>> count(8296), count(16583).replace(_THIN_SPACE, " ")
    ('8296', '16 583')
    """
    if value is None:
        return NONE
    return f"{value:,}".replace(",", _THIN_SPACE) if abs(value) >= 10_000 else str(value)


def spelled(n: int, nought: str = "no") -> str:
    """A count as a word, up to ten.

    >>> spelled(0), spelled(2), spelled(12), spelled(0, "none")
    ('no', 'two', '12', 'none')
    """
    words = (nought, "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[n] if n < len(words) else str(n)


def counted(n: int, one: str, many: str = "") -> str:
    """A number of things.

    >>> counted(1, "epoch"), counted(2, "epoch"), counted(2, "class", "classes")
    ('1 epoch', '2 epochs', '2 classes')
    """
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def capital(text: str) -> str:
    """A text that begins a sentence.

    >>> capital("covid against the rest"), capital("")
    ('Covid against the rest', '')
    """
    return text[:1].upper() + text[1:]


def listed(words: Sequence[str]) -> str:
    """Words with commas and an “and”.

    >>> listed(["a", "b", "c"]), listed(["a"]), listed([])
    ('a, b and c', 'a', '')
    """
    return "".join(words) if len(words) < 2 else f"{', '.join(words[:-1])} and {words[-1]}"


def exact(value: float | int | str | None) -> str:
    """A value for a csv: six significant digits, empty for none.

    >>> exact(1742 / 1808), exact(3), exact(None)
    ('0.963496', '3', '')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    return str(value)


def size(n_bytes: int | None) -> str:
    """Bytes as GiB or MiB.

    >>> size(3 << 30), size(5 << 20)
    ('3.00 GiB', '5 MiB')
    """
    if n_bytes is None:
        return NONE
    gib = n_bytes / 2**30
    return f"{gib:.2f} GiB" if gib >= 1 else f"{n_bytes / 2**20:.0f} MiB"


def mean(values: list[float]) -> float | None:
    """Mean; None of nothing."""
    return math.fsum(values) / len(values) if values else None
