"""What picks a study's films, against the films that there are."""

from __future__ import annotations

from collections.abc import Iterator

from hilum.artifacts.manifest import Manifest
from hilum.artifacts.questions import check_questions
from hilum.core.errors import InputError, nearest
from hilum.stages.split import subset
from hilum.study.file import Study


def wrong_choices(study: Study, chosen: Manifest) -> Iterator[str]:
    """What the study asks of its films that they do not have, a sentence each; `chosen` are those that its filters leave."""
    try:
        check_questions(study.model_dump(mode="json"), study.data.classes, study.data.positive, chosen)
    except InputError as e:
        yield str(e)
    sources = chosen.count_by("source")
    for source in study.grid.levels("source_left_out"):
        if source != "none" and source not in sources:
            yield (
                f"grid.sources_left_out names {source!r}, but the study's films come from {', '.join(sources)}; "
                f"{nearest(source, sources)}"
            )
    if study.data.subset:
        try:
            subset(chosen, study.data.subset.films, study.seed, study.data.stratum_column)
        except InputError as e:
            yield str(e)
