"""Figures carry the numbers they are given, and texts as text."""

import numpy as np
import pytest

from viz import Reading, charts, words
from viz.colors import PALETTES, Theme
from viz.words import Span


def spans_of(*labels: str) -> list[Span]:
    return [Span(label, 0, 0, (index,), False, 0) for index, label in enumerate(labels)]


def test_a_heatmap_shows_the_weights_of_the_view_with_queries_downward(reading: Reading) -> None:
    view = words.view(reading.encoding, reading.attention.weights)
    figure = charts.heatmap(view.weights[1, 2], view.spans)
    np.testing.assert_array_equal(figure.data[0].z, view.weights[1, 2])
    assert figure.layout.yaxis.autorange == "reversed"
    assert figure.layout.yaxis.title.text.startswith("query")
    assert figure.layout.xaxis.title.text.startswith("key")


def test_equal_words_keep_a_row_each() -> None:
    names = charts.heatmap(np.eye(3, dtype=np.float32), spans_of("the", "cat", "the")).data[0].y
    assert len(set(names)) == 3
    assert [name.replace(charts.ZERO_WIDTH, "") for name in names] == ["the", "cat", "the"]


def test_markup_in_a_token_is_escaped_and_a_long_one_shortened() -> None:
    long = "x" * 40
    names = charts.heatmap(np.eye(2, dtype=np.float32), spans_of('<b>"', long)).data[0].y
    assert names[0] == '&lt;b&gt;"'
    assert names[1] == "x" * (charts.LABEL_LENGTH - 1) + "…"


def test_colour_goes_by_the_square_root_of_the_weight() -> None:
    figure = charts.heatmap(
        np.array([[0.8, 0.2], [0.5, 0.5]], dtype=np.float32), spans_of("a", "b")
    )
    places = [place for place, _ in figure.data[0].colorscale]
    np.testing.assert_allclose(np.sqrt(places), np.linspace(0, 1, len(places)))
    assert (figure.data[0].zmin, figure.data[0].zmax) == (0, pytest.approx(0.8))


def test_bars_are_the_strongest_words_with_their_sign() -> None:
    scores = np.array([0.1, -0.9, 0.5], dtype=np.float32)
    bar = charts.score_bars(scores, spans_of("a", "b", "c"), signed=True, most=2).data[0]
    assert list(bar.y) == ["b", "c"]
    assert list(bar.text) == ["−0.900", "+0.500"]
    assert bar.marker.color[0] != bar.marker.color[1]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_figure_has_the_ink_of_its_theme(theme: Theme) -> None:
    figure = charts.heatmap(np.eye(2, dtype=np.float32), spans_of("a", "b"), theme=theme)
    assert figure.layout.font.color == PALETTES[theme].ink
    assert figure.data[0].colorscale[0][1] == PALETTES[theme].ground
