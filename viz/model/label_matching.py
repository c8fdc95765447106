"""The classes that two models share, by their names."""

from collections.abc import Sequence

LabelPair = tuple[int | None, int | None]
"""The index of a class in both models; None where one has no such class."""


def match_labels(first: Sequence[str], second: Sequence[str]) -> list[LabelPair]:
    """The index of each class in both models, by its name, in any case where that is clear.

    Classes of the first come first, then those that only the second has.
    """
    folded = [[label.casefold() for label in labels] for labels in (first, second)]
    pairs: list[LabelPair] = []
    for index, label in enumerate(first):
        name = label.casefold()
        is_clear = all(names.count(name) == 1 for names in folded)
        if label in second:
            pairs.append((index, second.index(label)))
        else:
            pairs.append((index, folded[1].index(name) if is_clear else None))
    matched = {other for _, other in pairs}
    return pairs + [(None, index) for index in range(len(second)) if index not in matched]
