"""A comparison as lines of text, for a terminal."""

from collections.abc import Iterator

from viz.attention.rollout import place
from viz.attribution import find_method
from viz.attribution.descriptions import percent, quantity
from viz.comparison.class_comparison import ClassComparison
from viz.comparison.descriptions import head_summary, word_summary
from viz.comparison.head_comparison import HeadComparison
from viz.comparison.readings import ReadingComparison
from viz.comparison.word_comparison import WordComparison
from viz.types import Prediction

MAX_SHOWN = 10
"""Classes, words and heads that are listed."""


def comparison_report(compared: ReadingComparison) -> Iterator[str]:
    """What became of the class, then the words and the heads that changed most."""
    if compared.classes is None:
        yield compared.refused["classes"]
    else:
        yield from _classes(compared.classes)
    yield ""
    if compared.words is None:
        if compared.refused["words"] != compared.refused.get("classes"):
            yield compared.refused["words"]
    else:
        yield from _words(compared.words, compared.first.prediction)
    yield ""
    if compared.heads is None:
        yield compared.refused["heads"]
    else:
        yield from _heads(compared.heads)


def _classes(classes: ClassComparison) -> Iterator[str]:
    yield classes.sentence
    yield from classes.notes
    shown = classes.changes[:MAX_SHOWN]
    width = max((len(change.label) for change in shown), default=0)
    for change in shown:
        first, second = (
            "–" if share is None else percent(share) for share in (change.first, change.second)
        )
        yield f"  {change.label:<{width}}  {first:>8}  {second:>8}"
    if len(classes.changes) > MAX_SHOWN:
        yield f"  and {len(classes.changes) - MAX_SHOWN} more"


def _words(words: WordComparison, prediction: Prediction) -> Iterator[str]:
    yield f"Words that changed most, by {find_method(words.method).label.lower()}"
    for change in words.most_changed[:MAX_SHOWN]:
        size = quantity(change.difference, 3, signed=True, regression=prediction.regression)
        yield f"  {size:>8}  {change.edit.label}"
    yield word_summary(words, prediction)
    yield from words.notes


def _heads(heads: HeadComparison) -> Iterator[str]:
    changed = [each for each in heads.most_changed[:MAX_SHOWN] if heads.distances[each] >= 5e-4]
    yield "Heads that changed most" if changed else "No head changed"
    for layer, head in changed:
        name = place(layer, head)
        if heads.matching == "nearest":
            other_layer, other_head = (int(index) for index in heads.counterparts[layer, head])
            name += f" with {place(other_layer, other_head)}"
        yield f"  {heads.distances[layer, head]:8.3f}  {name}"
    yield head_summary(heads)
