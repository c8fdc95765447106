"""The row that a view begins with: of the deciding token, or pooled as the class is read."""

from dataclasses import replace

import numpy as np
import pytest

from tests.synthetic import contribution_of, read, read_causal
from viz.attention import views, words
from viz.attention.views import AttentionView
from viz.types import Reading

PAIR = "the team wins the international game"


def one_map(reading: Reading, unit: words.Unit = "word", *, special: bool = True) -> AttentionView:
    shown = views.view(reading.encoding, reading.attention.weights, unit=unit, special=special)
    return views.pick(shown, 1, 0)


def test_the_row_of_the_deciding_token_is_found_in_words_and_wordpieces() -> None:
    first, last = read(pair=PAIR), read_causal(pair=PAIR)
    for unit in ("word", "wordpiece"):
        shown = one_map(first, unit)
        assert views.deciding_row(shown, first) == 0
        assert views.deciding_row(shown, last) == len(shown.spans) - 1
    assert views.deciding_row(one_map(last, special=False), last) is None
    assert views.deciding_row(one_map(first), read(reads="mean", pair=PAIR)) is None
    second = views.quadrant(one_map(last), "B-A")
    assert views.deciding_row(second, last) == len(second.spans) - 1
    assert views.deciding_row(views.quadrant(one_map(last), "A-B"), last) is None


@pytest.mark.parametrize("unit", ["word", "wordpiece"])
def test_the_pooled_row_is_the_mean_over_all_tokens(unit: words.Unit) -> None:
    reading = read(reads="mean")
    weights, n_tokens = reading.attention.weights[1, 0], reading.encoding.n_tokens
    mean = np.array([sum(weights[q, k] for q in range(n_tokens)) for k in range(n_tokens)])
    shown, pooling = one_map(reading, unit), np.full(n_tokens, 1 / n_tokens)
    row = views.pooled_row(shown, pooling)
    np.testing.assert_allclose(row, words.merge(mean / n_tokens, shown.spans), rtol=0, atol=1e-6)
    assert row.dtype == shown.weights.dtype


def test_the_pooled_row_of_what_is_shown_sums_to_one() -> None:
    reading = read(reads="mean")
    assert reading.pooling is not None
    shown = one_map(reading, special=False)
    row = views.pooled_row(shown, reading.pooling)
    assert row.sum() == pytest.approx(1, abs=1e-6)
    sizes = np.array([len(span.tokens) for span in shown.spans])
    expected = sum(size * each for size, each in zip(sizes, shown.weights[0, 0], strict=True))
    np.testing.assert_allclose(row, expected / sizes.sum(), rtol=0, atol=1e-6)


def test_contributions_of_all_rows_are_added_up() -> None:
    reading = read(reads="mean")
    assert reading.pooling is not None
    values = contribution_of(reading).values
    shown = views.pick(views.view(reading.encoding, values, signed=True), 1, 0)
    row = views.pooled_row(shown, reading.pooling)
    assert row.sum() == pytest.approx(float(values[1, 0].sum()), abs=1e-6)


def test_where_nothing_of_the_pooled_tokens_is_shown_the_row_is_nothing() -> None:
    reading = read()
    assert reading.pooling is not None
    hidden = one_map(replace(reading), special=False)
    assert not views.pooled_row(hidden, reading.pooling).any()
