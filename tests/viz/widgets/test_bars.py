"""The bars: sorted, named, and with percentages that do not round to certainty."""

import json
from typing import cast

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.page_content import component_data
from viz.attribution.descriptions import percent
from viz.types import Prediction
from viz.widgets.bars import payload as bars


def page() -> None:
    """Mount the bars."""
    import numpy as np

    from viz.types import Prediction
    from viz.widgets.bars.component import bars

    bars(Prediction(("a",), np.ones(1, np.float32), np.ones(1, np.float32)), key="bars")


def test_they_are_mounted_on_a_page() -> None:
    app = AppTest.from_function(page).run()
    assert not app.exception
    assert component_data(app, "bars")["name"] == "a"


def prediction_of(*probabilities: float, multi_label: bool = False) -> Prediction:
    shares = np.array(probabilities, np.float32)
    return Prediction(tuple("abcdefgh"[: len(shares)]), shares, shares, multi_label)


def test_bars_are_sorted_and_name_the_predicted_class() -> None:
    data = bars.payload(prediction_of(0.2, 0.1, 0.7))
    assert (data["name"], data["percent"]) == ("c", "70.0%")
    shown = [(row["label"], row["percent"], row["predicted"]) for row in rows_of(data)]
    assert shown == [("c", "70.0%", True), ("a", "20.0%", False), ("b", "10.0%", False)]
    json.dumps(data, allow_nan=False)


def rows_of(data: dict[str, object]) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", data["rows"])


@pytest.mark.parametrize(
    ("probabilities", "name", "percent", "assigned"),
    [
        ((0.9, 0.2, 0.6), "a, c", "each 60.0% or more", ["a", "c"]),
        ((0.1, 0.8, 0.2), "b", "80.0%", ["b"]),
        ((0.0001, 0.2, 0.1), "no class", "all below 50%, at most 20.0%", []),
    ],
)
def test_a_multi_label_head_has_as_many_classes_as_reach_one_half(
    probabilities: tuple[float, ...], name: str, percent: str, assigned: list[str]
) -> None:
    data = bars.payload(prediction_of(*probabilities, multi_label=True))
    assert (data["name"], data["percent"]) == (name, percent)
    assert [row["label"] for row in rows_of(data) if row["predicted"]] == assigned


@pytest.mark.parametrize(
    ("probability", "written"),
    [
        (0.0, "0.0%"),
        (0.0004, "< 0.1%"),
        (0.0005, "0.1%"),
        (0.9126, "91.3%"),
        (0.9996, "> 99.9%"),
        (1.0, "100.0%"),
    ],
)
def test_percentages_do_not_round_to_certainty(probability: float, written: str) -> None:
    assert percent(probability) == written


def test_probabilities_that_are_no_numbers_are_sent_as_json() -> None:
    json.dumps(bars.payload(prediction_of(np.nan, np.nan)), allow_nan=False)
