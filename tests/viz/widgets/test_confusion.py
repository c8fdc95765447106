"""The confusion matrix and the signed bars: what the browser is sent, and what it sends."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.page_content import component_data
from viz.widgets.confusion import payload as confusion
from viz.widgets.confusion.component import selected_cell
from viz.widgets.signed_bars import payload as signed_bars
from viz.widgets.signed_bars.payload import Bar


def page() -> None:
    """Mount both."""
    from viz.widgets.confusion.component import confusion
    from viz.widgets.signed_bars.component import Bar, signed_bars

    confusion(((3, 1), (0, 2)), ("a", "b"), selected=(0, 1), key="cells", on_change=lambda: None)
    signed_bars([Bar(name="oil", value=1.0)], key="words")


def test_both_are_mounted_on_a_page() -> None:
    app = AppTest.from_function(page).run()
    assert not app.exception
    sent = component_data(app, "confusion")
    assert (sent["gold"], sent["predicted"], sent["counts"]) == (0, 1, [[3, 1], [0, 2]])
    assert component_data(app, "signed-bars")["rows"][0]["name"] == "oil"


def test_many_classes_have_no_room_for_shares() -> None:
    few, many = (
        confusion.payload([[0] * n] * n, [str(i) for i in range(n)], gold=None, predicted=None)
        for n in (12, 13)
    )
    assert (few["wide"], many["wide"]) == (True, False)


def test_counts_of_other_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="not those of 2 classes"):
        confusion.payload([[1, 2]], ["a", "b"], gold=None, predicted=None)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, (None, None)),
        ({"selected": {"gold": 1, "predicted": None}}, (1, None)),
        ({"selected": {"gold": -1, "predicted": "1"}}, (None, None)),
        ({"selected": {"gold": True, "predicted": 2}}, (None, 2)),
        ({"selected": [1, 2]}, (None, None)),
    ],
)
def test_what_a_browser_sends_is_a_cell_or_nothing(
    state: Any, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamlit.session_state", {"cells": state})
    assert selected_cell("cells") == expected


def test_bars_stand_on_one_scale_around_0() -> None:
    data = signed_bars.payload(
        [
            Bar(name="game", value=3.0, interval=(2.0, 3.0), note="in 4 rows"),
            Bar(name="<b>", value=-1.0),
            Bar(name="the", value=0.0),
        ]
    )
    rows: Any = data["rows"]
    assert data["zero"] == 0.25
    assert [row["place"] for row in rows] == [1.0, 0.0, 0.25]
    assert [row["text"] for row in rows] == ["+3.00", "−1.00", "0"]
    assert rows[0]["interval"] == [0.75, 1.0]
    assert rows[0]["title"] == "game: +2.00 to +3.00"
    json.dumps(data, allow_nan=False)


def test_no_bars_are_an_empty_list() -> None:
    assert signed_bars.payload([])["rows"] == []
