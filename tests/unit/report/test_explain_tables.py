"""Tables of heat maps: how methods point at marks, and each beside the map that knows nothing of the model."""

import numpy as np
import pytest

from hilum.artifacts.explanations import ExplainedFilm, Explanations, FilmMap, MapCheck
from hilum.artifacts.header import Header
from hilum.report.explain_tables import pointing_table


def marked(k: int, hit: float, mass: float, centre: dict[str, float]) -> ExplainedFilm:
    checks = [
        MapCheck("pointing", "", hit, None, None, "", False),
        MapCheck("mass", "", mass, None, None, "", False),
    ]
    maps = (FilmMap.judged("grad-cam", "covid", checks, 0.1),)
    return ExplainedFilm(f"{k}", "covid", f"p{k // 2}", maps=maps, baseline=centre, area=0.1)


def test_a_method_is_held_against_the_centre_film_by_film() -> None:
    rng = np.random.default_rng(0)
    hits, masses, centres = rng.integers(0, 2, 40), rng.uniform(0.1, 0.3, 40), rng.uniform(0.4, 0.6, 40)
    films = [
        marked(
            k, float(hits[k]), masses[k], {"pointing": 1.0, "mass": centres[k], "overlap": 0.1} if k else {}
        )
        for k in range(40)
    ]
    made = Explanations(
        Header("explanations", seed=1), ("covid",), "covid", 0.5, {"grad-cam": {}}, tuple(films)
    )
    table = pointing_table(made)
    assert table is not None
    name, n, units, hit, ends, mass, mass_ends, *_ = table.rows[2]
    assert [r[0].text for r in table.rows] == [
        "grad-cam",
        "baseline: lungs' centre",
        "grad-cam less baseline",
    ]
    assert (name.strong, n.value, units.value) == (False, 39, 20)
    assert hit.value == pytest.approx(hits[1:].mean() - 1)
    assert mass.value == pytest.approx((masses - centres)[1:].mean())
    assert mass_ends.value[0] < mass.value < mass_ends.value[1] < 0
    assert ends.text.startswith("−0.")
    assert table.rows[2][-1].text == "–"
    assert table.breaks == {1, 2}
