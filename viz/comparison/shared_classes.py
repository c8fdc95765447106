"""The classes that words are scored for in two readings: the same ones, by their names."""

from dataclasses import dataclass

from viz.attribution.class_names import class_index
from viz.errors import SelectionError
from viz.model.label_matching import match_labels
from viz.types import Prediction

RUNNER_UP = "runner-up"
NONE = "none"


@dataclass(frozen=True, slots=True)
class SharedClasses:
    """What is explained, and what it is compared with, by their indices in both models."""

    target: tuple[int, int]
    against: tuple[int, int] | None
    """None for the plain logit."""


def share_classes(
    first: Prediction, second: Prediction, target: str | None = None, against: str = RUNNER_UP
) -> SharedClasses:
    """The classes by which words of both readings are scored.

    Unless they are named: the class of the second reading against that of the first, so that what
    raises a score speaks for the change.  Where both say the same class, it is compared with the
    likeliest other one, by the mean of both probabilities.  Classes that don't compete are compared
    with nothing; of these, the one whose probability changed most is explained.

    Args:
        first: What is predicted of one text.
        second: What is predicted of the other, or by another model.
        target: The class to explain, by its name in the first model.
        against: The class it is compared with, `runner-up` for the choice above, or `none`.

    Raises:
        SelectionError: where the models have no class in common, or not this one.
    """
    if first.regression != second.regression:
        raise SelectionError(
            "One model predicts a score and the other a class, so there is nothing by which words "
            "of both could be scored."
        )
    if first.regression:
        return SharedClasses((0, 0), None)
    common = {
        i: j
        for i, j in match_labels(first.labels, second.labels)
        if i is not None and j is not None
    }
    if not common:
        raise SelectionError(
            "The models have no class in common, so there is none for which words of both could be "
            "scored."
        )
    chosen = _named(first, common, target) if target is not None else _target(first, second, common)
    other = None
    if against == RUNNER_UP:
        if not (first.multi_label or second.multi_label):
            other = _runner_up(first, second, common, chosen)
    elif against != NONE or NONE in first.labels:
        other = _named(first, common, against)
        if other == chosen:
            raise SelectionError(
                f"Class {first.labels[chosen]!r} can't be compared with itself; choose another "
                "class, or none."
            )
    return SharedClasses(
        (chosen, common[chosen]), None if other is None else (other, common[other])
    )


def _named(first: Prediction, common: dict[int, int], name: str) -> int:
    index = class_index(first, name)
    if index not in common:
        raise SelectionError(
            f"Only the first model has the class {first.labels[index]!r}; choose one that both "
            "have."
        )
    return index


def _target(first: Prediction, second: Prediction, common: dict[int, int]) -> int:
    if first.multi_label or second.multi_label:
        return max(
            common, key=lambda i: abs(second.probabilities[common[i]] - first.probabilities[i])
        )
    ours = {j: i for i, j in common.items()}
    if second.predicted_class in ours:
        return ours[second.predicted_class]
    if first.predicted_class in common:
        return first.predicted_class
    return max(common, key=lambda i: _mean(first, second, common, i))


def _runner_up(
    first: Prediction, second: Prediction, common: dict[int, int], target: int
) -> int | None:
    if first.predicted_class in common and first.predicted_class != target:
        return first.predicted_class
    others = [i for i in common if i != target]
    return max(others, key=lambda i: _mean(first, second, common, i), default=None)


def _mean(first: Prediction, second: Prediction, common: dict[int, int], index: int) -> float:
    return float(first.probabilities[index]) + float(second.probabilities[common[index]])
