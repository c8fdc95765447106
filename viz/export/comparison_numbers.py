"""The numbers of a figure of a comparison as a table, and as arrays.

In CSV, *words* has one row for each class, word and special token, for the bias, the hidden value
and the explained scalar, with the numbers of both readings and their difference: what the method
said, then the shares that are shown; *distances* has one row a head; *difference* is a labeled
matrix, one row a query.
"""

from collections.abc import Iterator

import numpy as np

from viz.comparison.difference_maps import pick_difference
from viz.comparison.word_comparison import WordChange, WordComparison
from viz.export.formats import FORMATS
from viz.export.numbers import Arrays, Row, span_arrays, text_array
from viz.figures.comparison_kinds import ComparisonSpec

NONE: Row = (None, None, None)
"""Three empty cells."""
HEADS: Row = ("layer", "head", "second_layer", "second_head")
"""Which head of the first reading is compared with which of the second."""


def comparison_rows(spec: ComparisonSpec) -> Iterator[Row]:
    """A header, then the rows of the table.

    Raises:
        SelectionError: where there are too many numbers for text.
    """
    rows = {"words": _word_rows, "distances": _head_rows, "difference": _matrix_rows}
    return rows[spec.kind](spec)


def _word_rows(spec: ComparisonSpec) -> Iterator[Row]:
    compared = spec.comparison
    yield [
        *("kind", "edit", "first_text", "second_text", "first", "second", "difference"),
        *("first_share", "second_share", "share_difference"),
    ]
    for change in compared.classes.changes if compared.classes else ():
        yield ["class", "", change.label, change.label, *_both(change.first, change.second), *NONE]
    words, edits = compared.words, compared.alignment.edits
    scores = [NONE for _ in edits] if words is None else [*map(_numbers, words.raw_changes)]
    has_shares = words is not None and words.has_shares
    shares = [*map(_numbers, words.changes)] if words and has_shares else [NONE for _ in edits]
    for edit, score, share in zip(edits, scores, shares, strict=True):
        texts = (None if span is None else span.label for span in (edit.first, edit.second))
        yield ["special" if edit.span.special else "word", edit.kind, *texts, *score, *share]
    if words is not None:
        yield from _totals(words)


def _numbers(change: WordChange) -> Row:
    return [change.first, change.second, change.difference]


def _totals(words: WordComparison) -> Iterator[Row]:
    first, second = words.first, words.second
    value = _both(first.value, second.value)
    if words.bias_difference is not None:
        yield ["bias", "", "", "", *_both(first.bias, second.bias), *NONE]
    if first.shares is not None and second.shares is not None:
        hidden = _both(first.shares.hidden, second.shares.hidden)
        yield ["hidden", "", "", "", *NONE, *hidden]
    yield ["value", "", "", "", *value, *(value if words.has_shares else NONE)]


def _both(first: float | None, second: float | None) -> Row:
    difference = None if first is None or second is None else second - first
    return [first, second, difference]


def _head_rows(spec: ComparisonSpec) -> Iterator[Row]:
    heads = spec.comparison.require_heads()
    yield [*HEADS, "distance", "only_first", "only_second"]
    for place in np.ndindex(*heads.distances.shape):
        numbers = (heads.distances, heads.only_first, heads.only_second)
        yield [*place, *heads.counterparts[place].tolist(), *(each[place] for each in numbers)]


def _matrix_rows(spec: ComparisonSpec) -> Iterator[Row]:
    shown = pick_difference(spec.comparison.differences(), spec.layer, spec.head)
    FORMATS["csv"].check_fits(shown.weights.size)
    second = spec.comparison.require_heads().counterpart(spec.layer, spec.head)
    places = ["mean" if index is None else index for index in (spec.layer, spec.head, *second)]
    names = (f"key {index}: {key.label}" for index, key in enumerate(shown.keys))
    yield [*HEADS, "query_index", "query", *names]
    for row, query in enumerate(shown.spans):
        yield [*places, row, query.label, *shown.weights[0, 0, row]]


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
            "first_probabilities": _array([change.first for change in changes]),
            "second_probabilities": _array([change.second for change in changes]),
        }
    if compared.words is not None:
        arrays |= _word_arrays(compared.words)
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


def _word_arrays(words: WordComparison) -> Arrays:
    """What the method said, and what words share where both readings have that."""
    raw = words.raw_changes
    arrays: Arrays = {
        "first_scores": _array([change.first for change in raw]),
        "second_scores": _array([change.second for change in raw]),
        "differences": _array([change.difference for change in raw]),
    }
    first, second = words.first.shares, words.second.shares
    if first is not None and second is not None:
        arrays |= {
            "first_shares": _array([change.first for change in words.changes]),
            "second_shares": _array([change.second for change in words.changes]),
            "share_differences": _array([change.difference for change in words.changes]),
            "hidden": np.array([first.hidden, second.hidden]),
            "values": np.array([first.value, second.value]),
        }
    return arrays


def _array(values: list[float | None]) -> object:
    return np.array([np.nan if value is None else value for value in values])
