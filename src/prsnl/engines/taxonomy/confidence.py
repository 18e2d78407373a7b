"""From points to confidences: a softmax with a share for "none of them"."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: Points of "none of them", and how many points make e times as likely.
_NONE = 4.5
_TEMPERATURE = 1.5


def confidences(points: Sequence[float]) -> list[float]:
    """How likely each is, between 0 and 1; what is left to 1 is that none is."""
    top = max([_NONE, *points])
    none = math.exp((_NONE - top) / _TEMPERATURE)
    weights = [math.exp((one - top) / _TEMPERATURE) for one in points]
    whole = none + sum(weights)
    return [round(weight / whole, 3) for weight in weights]
