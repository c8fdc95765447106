"""Heads off on the Read page, without a browser: the link, the line, and what follows."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.page_content import component_data
from tests.tiny_models import LABELS
from viz import Classifier
from viz.app import keys
from viz.app.markdown import plain
from viz.app.panels.heads_off import STATE, effect
from viz.types import Prediction

ROOT = Path(__file__).resolve().parents[3]
TEXT = "oil prices rise, the team wins"


@pytest.fixture
def app(checkpoint: Path) -> AppTest:
    """The app, opened by a link on the tiny checkpoint."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params.update({"checkpoint": str(checkpoint), "text": TEXT, "layer": "2"})
    return test


def line(app: AppTest) -> str:
    lines = [
        each.value for each in app.caption if each.value.startswith(":material/visibility_off")
    ]
    return lines[0] if lines else ""


def test_a_link_turns_heads_off_and_a_button_turns_them_on(
    app: AppTest, classifier: Classifier
) -> None:
    app.query_params["off"] = "0.1,1"
    app.run()
    assert not app.exception
    off = ((0, 1), *((1, head) for head in range(4)))
    silenced, whole = classifier.read(TEXT, without=off), classifier.read(TEXT)
    said = effect(off, whole.prediction, silenced.prediction)
    assert said.startswith("5 heads are off: probability of ")
    assert line(app).endswith(plain(said))
    assert component_data(app, "bars")["name"] == silenced.prediction.label
    assert app.query_params["off"] == "0.1,1"
    shown = component_data(app, "atlas-selection")
    assert shown["off"] == [list(head) for head in off]
    app.button(key="all-heads-on").click().run()
    assert line(app) == ""
    assert "off" not in app.query_params
    assert "off" not in component_data(app, "atlas-selection")


@pytest.mark.parametrize("wrong", ["x", "9.1", "0.99", "0.1;1"])
def test_a_wrong_link_is_said_and_all_heads_stay_on(app: AppTest, wrong: str) -> None:
    app.query_params["off"] = wrong
    app.run()
    assert not app.exception
    assert app.warning[0].value.endswith("All heads are on.")
    assert line(app) == ""
    assert "off" not in app.query_params


def test_heads_of_another_checkpoint_are_on(app: AppTest, checkpoint: Path) -> None:
    app.session_state[STATE] = ("another", ((0, 1),))
    app.run()
    assert line(app) == ""
    app.session_state[STATE] = (str(checkpoint), ((0, 1),))
    app.run()
    assert "1 head is off" in line(app)


def test_nothing_is_new_for_a_reader_who_turns_no_head_off(app: AppTest) -> None:
    app.run()
    assert line(app) == ""
    assert keys.OFF not in app.query_params
    assert not [button for button in app.button if button.key == "all-heads-on"]


def prediction(*logits: float, **kind: bool) -> Prediction:
    import numpy as np

    if kind.get("regression"):
        return Prediction(("score",), np.array(logits), np.zeros(0), regression=True)
    values = np.array(logits)
    sizes = 1 / (1 + np.exp(-values)) if kind else np.exp(values) / np.exp(values).sum()
    return Prediction(LABELS[: len(logits)], values, sizes, **kind)


@pytest.mark.parametrize(
    ("whole", "silenced", "said"),
    [
        (prediction(2.0, 0.0), prediction(1.0, 0.0), "World 88.1% → 73.1%, class unchanged."),
        (prediction(2.0, 0.0), prediction(0.0, 2.0), "World 88.1% → 11.9%, class now Sports."),
        (
            prediction(2.0, 1.0, multi_label=True),
            prediction(2.0, -1.0, multi_label=True),
            "World 88.1% → 88.1%, classes now World.",
        ),
        (
            prediction(2.0, -1.0, multi_label=True),
            prediction(-2.0, -1.0, multi_label=True),
            "World 88.1% → 11.9%, classes now none.",
        ),
        (prediction(2.5, regression=True), prediction(1.25, regression=True), "score 2.50 → 1.25."),
    ],
)
def test_the_line_says_what_has_become_of_the_class(
    whole: Prediction, silenced: Prediction, said: str
) -> None:
    kind = "" if whole.regression else "probability of "
    assert effect([(0, 1)], whole, silenced) == f"1 head is off: {kind}{said}"
