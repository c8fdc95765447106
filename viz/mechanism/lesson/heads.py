"""Step 6: many heads, which look at different places."""

import math

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.statistics import has_choice
from viz.mechanism.lesson.claim import Claim, Value, not_computed
from viz.mechanism.lesson.lesson_step import LessonStep
from viz.mechanism.lesson.picture import ValuePicture
from viz.mechanism.lesson.subject import LessonSubject
from viz.types import Attention


def distance_of_moved(share: float) -> float:
    """The Jensen-Shannon distance of two rows that agree on all but a share of their weight.

    Of the rows (1, 0) and (1 - s, s) it is sqrt(h(s / 2) - h(s) / 2), h the binary entropy.
    """

    def entropy(part: float) -> float:
        return -sum(each * math.log2(each) for each in (part, 1 - part) if each)

    return math.sqrt(entropy(share / 2) - entropy(share) / 2)


DIFFERENT = distance_of_moved(0.25)
"""Two heads look at different places from here on: as where one of them has moved a quarter of its
weight from one token to another.  0.37."""


def heads(subject: LessonSubject) -> LessonStep:
    """How far apart the heads of the layer look."""
    cell = subject.cell
    if cell is None:
        return LessonStep("heads", (), missing=subject.no_cell)
    attention = subject.reading.attention
    assert isinstance(attention, Attention)  # there is a cell
    n_heads = attention.n_heads
    names: dict[str, Value] = {
        "layer": cell.layer,
        "n_heads": n_heads,
        "query": subject.token(cell.query),
    }
    equations = subject.equations("heads", ndim=1)
    if n_heads == 1 or attention.n_tokens == 1:
        reason = "one_head" if n_heads == 1 else "one_token"
        claims = (not_computed("different", reason), not_computed("favorites", reason))
        return LessonStep("heads", ("several",), names, claims, equations=equations)
    distances = head_distances(attention, cell.layer)
    first, second = np.triu_indices(n_heads, 1)
    pairs = distances[first, second]
    nearest, furthest = int(pairs.argmin()), int(pairs.argmax())
    median = float(np.median(pairs))
    values: dict[str, Value] = {
        **names,
        "median": median,
        "limit": DIFFERENT,
        "nearest": f"H{first[nearest]}, H{second[nearest]}",
        "least": float(pairs[nearest]),
        "furthest": f"H{first[furthest]}, H{second[furthest]}",
        "most": float(pairs[furthest]),
    }
    favorites = attention.weights[cell.layer, :, cell.query].argmax(-1)
    n_favorites = len(set(favorites.tolist()))
    own = subject.token(int(favorites[cell.head]))
    labels = [f"H{head}" for head in range(n_heads)]
    return LessonStep(
        "heads",
        ("several", "distance"),
        values,
        (
            Claim("different", median >= DIFFERENT, values),
            Claim(
                "favorites",
                n_favorites > 1,
                {**names, "n_favorites": n_favorites, "head": cell.head, "favorite": own},
            ),
        ),
        (ValuePicture("distances", distances, labels, labels, signed=False),),
        equations,
    )


def head_distances(attention: Attention, layer: int) -> FloatArray:
    """Jensen-Shannon distances of the heads of a layer to each other, mean over rows.  (H, H)

    Rows with one key that they can look at are left out.
    """
    from viz.attention.jensen_shannon import row_distances  # scipy is slow to import

    maps = attention.weights[layer]
    if attention.impossible is not None:
        maps = maps[:, has_choice(attention.impossible)[layer]]
    distances = np.zeros((len(maps), len(maps)))
    for first, second in zip(*np.triu_indices(len(maps), 1), strict=True):
        distance = row_distances(maps[first], maps[second]).mean()
        distances[first, second] = distances[second, first] = distance
    return distances
