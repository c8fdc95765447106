"""Figures carry the numbers they are given, and texts as text."""

import numpy as np
import plotly.graph_objects as go
import pytest

from viz.attention.words import Span
from viz.colors import PALETTES, Theme
from viz.figures.plots import score_bars


def spans_of(*labels: str) -> list[Span]:
    return [Span(label, 0, 0, (index,), False, 0) for index, label in enumerate(labels)]


def bars(*labels: str, theme: Theme = "light") -> go.Figure:
    """Bars of falling length."""
    scores = np.arange(len(labels), 0, -1, dtype=np.float32)
    return score_bars.score_bars(scores, spans_of(*labels), signed=True, theme=theme)


def test_equal_words_keep_a_row_each() -> None:
    names = bars("the", "cat", "the").data[0].y
    assert len(set(names)) == 3
    assert [name.replace(score_bars.ZERO_WIDTH, "") for name in names] == ["the", "cat", "the"]


def test_markup_in_a_token_is_escaped_and_a_long_one_shortened() -> None:
    long = "x" * 40
    names = bars('<b>"', long).data[0].y
    assert names[0] == '&lt;b&gt;"'
    assert names[1] == "x" * (score_bars.MAX_LABEL_CHARS - 1) + "…"


def test_bars_are_the_strongest_words_with_their_sign() -> None:
    scores = np.array([0.1, -0.9, 0.5], dtype=np.float32)
    bar = score_bars.score_bars(scores, spans_of("a", "b", "c"), signed=True, most=2).data[0]
    assert list(bar.y) == ["b", "c"]
    assert list(bar.text) == ["−0.900", "+0.500"]
    assert bar.marker.color[0] != bar.marker.color[1]


def test_numbers_stand_where_no_bar_and_no_word_is() -> None:
    scores = np.array([0.1, -0.9, 0.5])
    figure = score_bars.score_bars(scores, spans_of("a", "b", "c"), signed=True)
    bar, numbers = figure.data
    assert list(numbers.x) == [0, 0.5, 0.1]  # to the right of these
    assert [text.strip() for text in numbers.text] == list(bar.text)
    assert list(numbers.y) == list(bar.y)
    assert list(figure.layout.xaxis.range) == [-0.9, 0.5]
    longer = score_bars.score_bars(scores, spans_of("a", "b", "c"), errors=scores, signed=True)
    assert longer.layout.margin.r > figure.layout.margin.r
    nothing = score_bars.score_bars(np.zeros(1), spans_of("a"), signed=True)
    assert list(nothing.layout.xaxis.range) == [0, 1]


def test_a_standard_error_stands_beside_its_bar() -> None:
    scores, errors = np.array([0.1, -0.9]), np.array([0.25, 0.05])
    bar = score_bars.score_bars(scores, spans_of("a", "b"), errors=errors, signed=True).data[0]
    assert list(bar.text) == ["−0.900 ± 0.050", "+0.100 ± 0.250"]


def test_bars_of_a_tiny_score_have_its_digits() -> None:
    scores, errors = np.array([1.5e-4, -9e-5]), np.array([2e-5, 1e-5])
    over = spans_of("a", "b")
    bar = score_bars.score_bars(scores, over, errors=errors, signed=True, regression=True).data[0]
    assert list(bar.text) == ["+1.500e−04 ± 2.000e−05", "−9.000e−05 ± 1.000e−05"]
    assert "%{x:.6g}" in bar.hovertemplate


def test_relative_scores_are_percentages_of_the_strongest_word() -> None:
    over = [*spans_of("a", "b"), Span("[SEP]", 0, 0, (2,), True, 0)]
    bar = score_bars.score_bars(
        np.array([5.0, -20.0, 30.0]), over, signed=True, relative=True
    ).data[0]
    assert list(bar.text) == ["+150%", "−100%", "+25%"]
    assert "%{text}" in bar.hovertemplate
    assert list(bar.x) == [30, -20, 5]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_figure_has_the_ink_of_its_theme(theme: Theme) -> None:
    figure = bars("a", "b", theme=theme)
    assert figure.layout.font.color == PALETTES[theme].ink
    assert figure.data[0].marker.color[0] == PALETTES[theme].diverging[-2]


def test_each_bar_has_its_word_however_many_there_are() -> None:
    """Left to itself, plotly drops every second word once numbers need room too."""
    scores = np.linspace(1, 0.1, 24)
    figure = score_bars.score_bars(scores, spans_of(*(f"w{i}" for i in range(24))), signed=True)
    axis = figure.layout.yaxis
    assert (axis.tick0, axis.dtick) == (0, 1)
    assert axis.range == (score_bars.MAX_BARS - 0.5, -0.5)
    assert figure.data[0].y == tuple(f"w{i}" for i in range(score_bars.MAX_BARS))
