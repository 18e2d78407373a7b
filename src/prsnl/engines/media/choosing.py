"""Which pictures of a video are worth showing: none blank, none twice, not too many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.media.contract import ChosenShots, Shot
from prsnl.engines.media.likeness import are_alike, cells

#: A picture that takes the place of one like it is so much sharper: on a slide that
#: fills up, the last one shows most.
_SHARPER: Final = 1.05


def choose(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the `ChosenShots` among `shots`, in the order of time; at most `count`."""
    del files
    shots = [Shot.model_validate(one) for one in params["shots"]]
    yield chosen(shots, int(params["count"])).model_dump(mode="json")


def chosen(shots: Sequence[Shot], count: int) -> ChosenShots:
    """Choose among shots in the order of time.

    Blank pictures are left out, unless there is nothing else; of pictures that look
    alike the sharper one stays. Of more than `count`, each part of the video keeps the
    one that begins with a cut and is seen longest.
    """
    shown = [place for place, shot in enumerate(shots) if not shot.is_blank]
    blank = len(shots) - len(shown)
    if not shown and shots:
        shown, blank = [0], blank - 1
    apart = _apart(shots, shown)
    kept = _spread(shots, apart, count)
    return ChosenShots(
        places=tuple(kept),
        blank=blank,
        alike=len(shown) - len(apart),
        beyond=len(apart) - len(kept),
    )


def _apart(shots: Sequence[Shot], places: Sequence[int]) -> list[int]:
    """Those that look like none before them."""
    kept: list[int] = []
    seen = np.zeros((len(places), *_shape(shots)), dtype=np.int16)
    for place in places:
        looks = cells(shots[place].likeness)
        alike = np.flatnonzero(are_alike(looks, seen[: len(kept)]))
        if not len(alike):
            seen[len(kept)] = looks
            kept.append(place)
            continue
        first = int(alike[-1])
        if shots[place].sharpness > _SHARPER * shots[kept[first]].sharpness:
            kept[first] = place
            seen[first] = looks
    return sorted(kept)


def _shape(shots: Sequence[Shot]) -> Any:
    return cells(shots[0].likeness).shape if shots else (0, 3)


def _spread(shots: Sequence[Shot], places: Sequence[int], count: int) -> list[int]:
    """At most so many, from all parts of the video."""
    if len(places) <= count:
        return list(places)
    end_s = max(shot.end_s for shot in shots) or 1.0
    parts: dict[int, list[int]] = {}
    for place in places:
        part = min(count - 1, int(shots[place].time_s / end_s * count))
        parts.setdefault(part, []).append(place)
    ranked = [
        sorted(part, key=lambda place: _rank(shots[place]), reverse=True)
        for part in parts.values()
    ]
    kept = [part[0] for part in ranked]
    others = [place for part in ranked for place in part[1:]]
    others.sort(key=lambda place: _rank(shots[place]), reverse=True)
    return sorted([*kept, *others][:count])


def _rank(shot: Shot) -> tuple[bool, float]:
    return shot.is_cut, shot.end_s - shot.start_s
