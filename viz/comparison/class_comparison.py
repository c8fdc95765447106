"""What changed in class: both predictions side by side, classes matched by name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from viz.attribution.descriptions import amount, verdict
from viz.model.label_matching import LabelPair, match_labels
from viz.types import Prediction


@dataclass(frozen=True, slots=True)
class ClassChange:
    """A class with its probability in both readings."""

    label: str
    first: float | None
    """None where the first model has no such class."""
    second: float | None
    """None where the second model has no such class."""
    assigned: tuple[bool, bool]
    """Whether the text is put into it, in the first reading and in the second."""

    @property
    def largest(self) -> float:
        """The larger of both."""
        return max(self.first or 0.0, self.second or 0.0)


@dataclass(frozen=True, slots=True)
class ClassComparison:
    """Both predictions side by side."""

    changes: tuple[ClassChange, ...]
    """Every class of either model, the likeliest of either reading first; none of scores."""
    is_changed: bool
    """Whether the text is put into another class, or has another score."""
    sentence: str
    """What became of the class."""
    notes: tuple[str, ...] = ()
    """What must be known before numbers are compared."""


def compare_classes(first: Prediction, second: Prediction) -> ClassComparison:
    """Set two predictions side by side."""
    if first.regression or second.regression:
        return _compare_scores(first, second)
    pairs = match_labels(first.labels, second.labels)
    changes = [
        ClassChange(
            str(second.labels[j or 0] if i is None else first.labels[i]),
            None if i is None else float(first.probabilities[i]),
            None if j is None else float(second.probabilities[j]),
            (i in first.assigned_classes, j in second.assigned_classes),
        )
        for i, j in pairs
    ]
    names = {j: i for i, j in pairs if j is not None}
    ours, theirs = {*first.assigned_classes}, {names[j] for j in second.assigned_classes}
    (one, sure), (other, then) = verdict(first), verdict(second)
    if ours == theirs:
        sentence = f"{one} in both: {sure}, then {then}."
    elif any(None not in pair for pair in pairs):
        sentence = f"{one} ({sure}) becomes {other} ({then})."
    else:
        sentence = f"{one} ({sure}) in the first, {other} ({then}) in the second."
    return ClassComparison(
        tuple(sorted(changes, key=lambda change: -change.largest)),
        is_changed=ours != theirs,
        sentence=sentence,
        notes=tuple(_notes(first, second, pairs)),
    )


def _compare_scores(first: Prediction, second: Prediction) -> ClassComparison:
    (one, value), (other, then) = verdict(first), verdict(second)
    if not (first.regression and second.regression):
        return ClassComparison(
            (),
            is_changed=True,
            sentence=f"{one} ({value}) in the first, {other} ({then}) in the second.",
            notes=("One model predicts a score and the other a class, which can't be compared.",),
        )
    change = float(second.logits[0]) - float(first.logits[0])
    return ClassComparison(
        (),
        is_changed=change != 0,
        sentence=f"{one} goes from {value} to {then} ({amount(change, signed=True)})."
        if change
        else f"{one} in both: {value}.",
        notes=() if one == other else (f"The second model calls its score {other}.",),
    )


def _notes(first: Prediction, second: Prediction, pairs: Sequence[LabelPair]) -> Iterator[str]:
    if all(None in pair for pair in pairs):
        yield "The models have no class in common, for their classes have other names."
    else:
        only_first = [first.labels[i] for i, j in pairs if i is not None and j is None]
        only_second = [second.labels[j] for i, j in pairs if j is not None and i is None]
        for which, labels in (("first", only_first), ("second", only_second)):
            if labels:
                yield f"Only the {which} model has {', '.join(labels)}."
    if first.multi_label != second.multi_label:
        yield (
            "One model decides about each class on its own and the other between all of them, so "
            "their probabilities mean different things."
        )
