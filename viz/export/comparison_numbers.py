"""The numbers of a figure of a comparison as a table, and as arrays.

In CSV, *words* has one row for each class, word, special token, for the bias and for the explained
scalar, with the numbers of both readings and their difference; *distances* one row a head;
*difference* is a labeled matrix, one row a query.
"""

from collections.abc import Iterator

import numpy as np

from viz.comparison.difference_maps import pick_difference
from viz.comparison.word_comparison import WordComparison
from viz.export.formats import FORMATS
from viz.export.numbers import Arrays, Row, span_arrays, text_array
from viz.figures.comparison_kinds import ComparisonSpec


def comparison_rows(spec: ComparisonSpec) -> Iterator[Row]:
    """A header, then the rows of the table.

    Raises:
        SelectionError: where there are too many numbers for text.
    """
    rows = {"words": _word_rows, "distances": _head_rows, "difference": _matrix_rows}
    return rows[spec.kind](spec)


def _word_rows(spec: ComparisonSpec) -> Iterator[Row]:
    compared = spec.comparison
    yield ["kind", "edit", "first_text", "second_text", "first", "second", "difference"]
    for change in compared.classes.changes if compared.classes else ():
        yield ["class", "", change.label, change.label, *_both(change.first, change.second)]
    scores: list[Row] = [[None, None, None] for _ in compared.alignment.edits]
    if compared.words is not None:
        scores = [[each.first, each.second, each.difference] for each in compared.words.changes]
    for edit, numbers in zip(compared.alignment.edits, scores, strict=True):
        texts = (None if span is None else span.label for span in (edit.first, edit.second))
        yield ["special" if edit.span.special else "word", edit.kind, *texts, *numbers]
    if compared.words is not None:
        yield from _totals(compared.words)


def _totals(words: WordComparison) -> Iterator[Row]:
    first, second = words.first, words.second
    if words.bias_difference is not None:
        yield ["bias", "", "", "", *_both(first.bias, second.bias)]
    yield ["value", "", "", "", *_both(first.value, second.value)]


def _both(first: float | None, second: float | None) -> Row:
    difference = None if first is None or second is None else second - first
    return [first, second, difference]


def _head_rows(spec: ComparisonSpec) -> Iterator[Row]:
    heads = spec.comparison.require_heads()
    yield [
        *("layer", "head", "second_layer", "second_head"),
        *("distance", "only_first", "only_second"),
    ]
    for place in np.ndindex(*heads.distances.shape):
        numbers = (heads.distances, heads.only_first, heads.only_second)
        yield [*place, *heads.counterparts[place].tolist(), *(each[place] for each in numbers)]


def _matrix_rows(spec: ComparisonSpec) -> Iterator[Row]:
    shown = pick_difference(spec.comparison.differences(), spec.layer, spec.head)
    FORMATS["csv"].check_fits(shown.weights.size)
    place = ["mean" if index is None else index for index in (spec.layer, spec.head)]
    names = (f"key {index}: {key.label}" for index, key in enumerate(shown.keys))
    yield ["layer", "head", "query_index", "query", *names]
    for row, query in enumerate(shown.spans):
        yield [*place, row, query.label, *shown.weights[0, 0, row]]


def comparison_arrays(spec: ComparisonSpec) -> Arrays:
    """Arrays by name, those that label their axes among them; NaN where a side has no number."""
    compared = spec.comparison
    edits = compared.alignment.edits
    arrays: Arrays = {
        "first_text": np.array(compared.first.encoding.text),
        "second_text": np.array(compared.second.encoding.text),
        "edit_kinds": text_array(edit.kind for edit in edits),
        "first_words": text_array("" if e.first is None else e.first.label for e in edits),
        "second_words": text_array("" if e.second is None else e.second.label for e in edits),
        "citation": np.array(spec.citation()),
    }
    if compared.classes is not None:
        changes = compared.classes.changes
        arrays |= {
            "classes": text_array(change.label for change in changes),
            "first_probabilities": _numbers([change.first for change in changes]),
            "second_probabilities": _numbers([change.second for change in changes]),
        }
    if compared.words is not None:
        scores = compared.words.changes
        arrays |= {
            "first_scores": _numbers([change.first for change in scores]),
            "second_scores": _numbers([change.second for change in scores]),
            "differences": _numbers([change.difference for change in scores]),
        }
    if compared.heads is not None:
        names = ("distances", "counterparts", "only_first", "only_second")
        arrays |= {name: getattr(compared.heads, name) for name in names}
    if spec.kind == "difference":
        shown = pick_difference(compared.differences(), spec.layer, spec.head)
        arrays |= {
            "weights": shown.weights[0, 0],
            **span_arrays("query", shown.spans),
            **span_arrays("key", shown.keys),
        }
    return arrays


def _numbers(values: list[float | None]) -> object:
    return np.array([np.nan if value is None else value for value in values])
