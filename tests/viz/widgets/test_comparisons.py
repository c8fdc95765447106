"""What the browser is sent of two readings: bars in pairs, both texts as one, differences."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.synthetic import attribution_of, read
from viz.comparison.distance_statistics import DistanceStatistics
from viz.comparison.readings import ReadingComparison, compare_readings
from viz.types import Prediction
from viz.widgets.atlas import payload as atlas
from viz.widgets.bars import paired
from viz.widgets.colored_text import changes
from viz.widgets.heatmap import payload as heatmap

FIRST = "Very bad film, he said"
SECOND = "A good film,\nshe never said"


@pytest.fixture
def compared() -> ReadingComparison:
    first, second = read(FIRST), read(SECOND)
    return compare_readings(first, second, (attribution_of(first), attribution_of(second)))


def sent(compared: ReadingComparison) -> list[dict[str, Any]]:
    """The segments of the text."""
    encodings = compared.first.encoding, compared.second.encoding
    data: Any = changes.payload(compared.alignment, *encodings, compared.words)
    (part,) = data["parts"]
    return list(part)


def test_both_texts_are_one_and_the_second_can_be_read_from_it(compared: ReadingComparison) -> None:
    segments = sent(compared)
    kept = "".join(str(each["text"]) for each in segments if each.get("mark") != "deleted")
    assert kept == SECOND
    befores = [str(each["before"]) for each in segments if each.get("mark") == "replaced"]
    assert befores == ["Very", "bad", "he"]
    assert [each["text"] for each in segments if each.get("mark") == "inserted"] == []


def test_words_say_both_scores_and_have_the_color_of_their_change(
    compared: ReadingComparison,
) -> None:
    assert compared.words is not None
    words = [each for each in sent(compared) if each["kind"] == "word"]
    expected = [change for change in compared.words.changes if not change.edit.span.special]
    assert len(words) == len(expected)
    largest = max(expected, key=lambda change: abs(change.difference))
    colors = [each["light"] for each in words]
    strongest = colors[expected.index(largest)]
    assert strongest[0] in ("#b35806", "#1b5ea8")
    assert all("then" in str(each["score"]) for each in words)
    plain = replace(compared, words=None)
    assert not any("score" in each or "light" in each for each in sent(plain))


def test_a_class_has_a_bar_for_each_reading(compared: ReadingComparison) -> None:
    other = Prediction(("World", "Cooking"), np.array([0.0, 1.0]), np.array([0.27, 0.73]))
    result = compare_readings(compared.first, replace(compared.second, prediction=other))
    assert result.classes is not None
    data: Any = paired.payload(result.classes)
    rows = {row["label"]: row for row in data["rows"]}
    assert rows["Cooking"]["percent"] == "–"
    assert rows["Cooking"]["then"] == {"share": 0.73, "percent": "73.0%", "predicted": True}
    assert rows["Sci/Tech"]["predicted"]
    assert not rows["Sci/Tech"]["then"]["predicted"]


def test_differences_are_sent_as_such(compared: ReadingComparison) -> None:
    view = compared.differences()
    heads = compared.require_heads()
    picture: Any = atlas.payload(view, DistanceStatistics.of(heads))
    assert picture["difference"]
    assert picture["patterns"] == []
    (distance, *_) = picture["statistics"]
    assert distance["label"] == "Jensen-Shannon distance"
    assert distance["values"] == pytest.approx(heads.distances.ravel(), rel=1e-3)
    one = replace(view, weights=view.weights[:1, :1], removed=view.removed[:1, :1])
    data = heatmap.payload(one, title="L0 · H0")
    assert data["difference"]
    assert "more, or less" in str(data["label"])
