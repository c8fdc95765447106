"""The strip: what the browser is sent of a long text, and what it sends."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.page_content import component_data
from viz.attention.words import Span
from viz.types import Encoding, UnseenSpan
from viz.widgets.strip.component import Choice, chosen
from viz.widgets.strip.payload import WindowBar, lanes, payload

TEXT = "Oil rises. " * 3 + "Never seen."
ENCODING = Encoding(TEXT, None, (), {}, unseen=(UnseenSpan(0, 33, 44),))
SENTENCES = [
    Span(TEXT[start : start + 10], start, start + 10, (), special=False, part=0)
    for start in (0, 11, 22)
]
SCORES = np.array([0.5, -1.0, 0.25], dtype=np.float32)


def bar(start: int, end: int, score: float = 1.0) -> WindowBar:
    return WindowBar(start=start, end=end, name="Sports", score=score, title="Window: Sports")


def page() -> None:
    """Mount a strip of one sentence."""
    import numpy as np

    from viz.attention.words import Span
    from viz.types import Encoding
    from viz.widgets.strip.component import strip
    from viz.widgets.strip.payload import payload, texts

    sentence = Span("Oil.", 0, 4, (), special=False, part=0)
    picture = payload(Encoding("Oil.", None, (), {}), [sentence], np.ones(1), signed=False)
    strip(picture | texts(name="1 sentence"), key="strip", on_change=lambda: None)


def test_a_strip_is_mounted_on_a_page() -> None:
    app = AppTest.from_function(page).run()
    assert not app.exception
    sent = component_data(app, "strip")
    assert (sent["name"], sent["shares"], sent["titles"]) == ("1 sentence", [1.0], ["1.000 · Oil."])


def test_places_are_characters_and_colors_are_shares_of_the_strongest_sentence() -> None:
    data = payload(
        ENCODING,
        SENTENCES,
        SCORES,
        signed=True,
        paragraphs=SENTENCES[:2],
        passages=SENTENCES,
        passage=1,
        windows=[bar(0, 21), bar(11, 32, -2.0)],
        window=1,
    )
    assert data["length"] == 44
    assert data["sentences"] == [[0, 10], [11, 21], [22, 32]]
    assert data["shares"] == [0.5, -1.0, 0.25]
    assert data["titles"] == ["+0.500 · Oil rises.", "−1.000 · Oil rises.", "+0.250 · Oil rises."]
    assert (data["lowest"], data["highest"]) == ("−1.000", "+1.000")
    assert (data["paragraphs"], data["unseen"]) == ([0, 11], [[33, 44]])
    assert (data["passage"], data["window"]) == (1, 1)
    windows: Any = data["windows"]
    assert [each["place"] for each in windows] == [[0, 21], [11, 32]]
    assert [each["lane"] for each in windows] == [0, 1]
    json.dumps(data, allow_nan=False)


def test_the_second_text_of_a_pair_stands_behind_the_first() -> None:
    pair = Encoding("Oil.", "Gas?", (), {}, unseen=(UnseenSpan(1, 3, 4),))
    spans = [
        Span(label, 0, 4, (), special=False, part=part)
        for part, label in enumerate(("Oil.", "Gas?"))
    ]
    data = payload(pair, spans, np.zeros(2, dtype=np.float32), signed=True)
    assert (data["length"], data["sentences"], data["unseen"]) == (9, [[0, 4], [5, 9]], [[8, 9]])
    assert data["shares"] == [0, 0]


def test_a_long_sentence_is_shortened_and_what_is_no_number_is_0() -> None:
    span = Span("oil\n prices " * 40, 0, 480, (), special=False, part=0)
    data = payload(ENCODING, [span], np.array([np.nan], dtype=np.float32), signed=True)
    title: Any = data["titles"]
    assert title[0].startswith("0 · oil prices oil")
    assert len(title[0]) < 100
    assert title[0].endswith("…")


def test_scores_of_other_sentences_are_refused() -> None:
    with pytest.raises(ValueError, match="for 3 sentences"):
        payload(ENCODING, SENTENCES, SCORES[:2], signed=True)


@pytest.mark.parametrize("stride", [1, 3, 5, 10])
def test_no_bar_lies_on_another(stride: int) -> None:
    bars = [bar(start, start + 10) for start in range(0, 60, stride)]
    lines = lanes(bars)
    for lane in range(max(lines) + 1):
        own = [each for each, line in zip(bars, lines, strict=True) if line == lane]
        assert all(one.end <= other.start for one, other in pairwise(own))
    assert max(lines) + 1 == -(-10 // stride), "and no line is wasted"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, None),
        ({"chosen": {"kind": "window", "index": 2, "count": 1}}, Choice("window", 2)),
        ({"chosen": {"kind": "window", "index": None}}, Choice("window", None)),
        ({"chosen": {"kind": "passage", "index": 0}}, Choice("passage", 0)),
        ({"chosen": {"kind": "passage", "index": None}}, None),
        ({"chosen": {"kind": "window", "index": -1}}, None),
        ({"chosen": {"kind": "head", "index": 1}}, None),
        ({"chosen": {"kind": "passage", "index": True}}, None),
        ({"chosen": [1]}, None),
    ],
)
def test_what_a_browser_sends_is_a_choice_or_nothing(
    state: Any, expected: Choice | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamlit.session_state", {"strip": state})
    assert chosen("strip") == expected
