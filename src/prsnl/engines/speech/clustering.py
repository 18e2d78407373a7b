"""Whose voice is whose: stretches of speech put together by how alike they sound.

Agglomerative clustering with average linkage over the cosine, as diarization systems
have it since the NIST evaluations; it ends where no two groups are alike enough.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

#: Groups that are less alike than this are different people: windows of one voice have
#: a cosine of 0.73 to 0.84 on average, and of two voices 0.35 to 0.53.
ALIKE: Final = 0.64
#: A group of fewer windows is a cough, or two people at once: it joins the nearest.
_FEWEST: Final = 2
#: More windows than this are told by a share of them: the work grows with their cube.
_MOST: Final = 800

Rows = NDArray[np.float32]


def grouped(rows: Rows, *, alike: float = ALIKE) -> NDArray[np.int64]:
    """The number of a group for each row, from 0, in no order.

    Args:
        rows: One of length one for each window.
        alike: The least cosine between the means of groups that are joined.
    """
    if not len(rows):
        return np.zeros(0, np.int64)
    step = -(-len(rows) // _MOST)
    some = rows[::step]
    labels = _joined(some, alike)
    centres = _centres(some, labels)
    return np.asarray(np.argmax(rows @ centres.T, axis=1), np.int64)


def _joined(rows: Rows, alike: float) -> NDArray[np.int64]:
    """Labels by joining the two groups that are most alike, again and again."""
    count = len(rows)
    near = (rows @ rows.T).astype(np.float64)
    np.fill_diagonal(near, -2.0)
    sizes = np.ones(count)
    labels = np.arange(count)
    best = near.argmax(axis=1)
    value = near[np.arange(count), best]
    for _ in range(count - 1):
        one = int(value.argmax())
        if value[one] < alike:
            break
        other = int(best[one])
        total = sizes[one] + sizes[other]
        mixed = (sizes[one] * near[one] + sizes[other] * near[other]) / total
        near[one], near[:, one] = mixed, mixed
        near[other], near[:, other] = -2.0, -2.0
        near[one, one] = -2.0
        sizes[one], sizes[other] = total, 0
        labels[labels == other] = one
        value[other] = -2.0
        for stale in np.flatnonzero((best == other) | (best == one)):
            best[stale] = near[stale].argmax()
            value[stale] = near[stale, best[stale]] if sizes[stale] else -2.0
        best[one] = near[one].argmax()
        value[one] = near[one, best[one]]
        # A group that has changed may now be the nearest of others.
        nearer = near[:, one] > value
        best[nearer], value[nearer] = one, near[nearer, one]
    return labels


def _centres(rows: Rows, labels: NDArray[np.int64]) -> Rows:
    """The mean direction of each group that is large enough."""
    names, counts = np.unique(labels, return_counts=True)
    large = names[counts >= min(_FEWEST, int(counts.max()))]
    means: list[Any] = [rows[labels == name].mean(axis=0) for name in large]
    made = np.stack(means)
    return np.asarray(
        made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9), np.float32
    )
