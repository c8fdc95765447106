"""Texts beyond a model's limit on the Read page, without a browser."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from finetune.checkpoint.windows import POOLING_KEY, STRIDE_KEY
from tests.page_content import component_data, page_text
from tests.tiny_models import edit_config, tiny_checkpoint
from viz import Classifier, attribute_document, read_document
from viz.app import background, keys, readings
from viz.app.documents import Windows
from viz.attention.long_attention import LongAttention

ROOT = Path(__file__).resolve().parents[3]
TEXT = " ".join(["Oil prices rise, as stocks fall. Is the team good?"] * 7)


@pytest.fixture
def app(checkpoint: Path) -> AppTest:
    """The app, opened by a link on the tiny checkpoint, which reads 64 tokens."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params.update({"checkpoint": str(checkpoint), "text": TEXT})
    test.query_params["method"] = "decomposition"
    return test


def finish(app: AppTest) -> AppTest:
    """Run the page until nothing is computed in the background any more."""
    return run_until(app, lambda: not any(button.label == "Cancel" for button in app.button))


def run(app: AppTest) -> AppTest:
    """Run the page once."""
    app.run()
    assert not app.exception
    return app


def run_until(app: AppTest, is_over: Callable[[], bool]) -> AppTest:
    """Run the page until something is true of it."""
    for _ in range(100):
        run(app)
        if is_over():
            return app
        time.sleep(0.05)
    raise AssertionError("the page did not come to an end")


def test_windows_are_offered_and_pooled_and_opened(app: AppTest, classifier: Classifier) -> None:
    app.run()
    assert "The model never saw the last" in app.warning[0].value
    assert component_data(app, "strip") == {}
    app.toggle(key=keys.WINDOWS).set_value(True)
    finish(app)
    document = read_document(classifier, TEXT)
    assert app.query_params["windows"] == "1"
    assert not app.warning
    assert component_data(app, "bars")["name"] == document.prediction.label
    assert f"mean of {len(document.windows)} windows" in page_text(app)
    strip = component_data(app, "strip")
    assert len(strip["windows"]) == len(document.windows)
    attribution = attribute_document(classifier, document, "decomposition")
    assert sum(float(score) for score in attribution.scores) == pytest.approx(
        attribution.value - (attribution.bias or 0), abs=1e-3
    )
    assert len(strip["sentences"]) == 14
    assert component_data(app, "atlas") == {}, "maps are those of one window"
    app.session_state[keys.WINDOW] = (TEXT, 1)
    finish(app)
    assert app.query_params["window"] == "1"
    assert component_data(app, "strip")["window"] == 1
    own = document.windows[1]
    text = "".join(
        part["text"]
        for part in component_data(app, "colored-text")["parts"][0]
        if part["kind"] != "special"
    )
    assert text == TEXT[own.start : own.end]
    assert component_data(app, "atlas") != {}
    app.toggle(key=keys.WINDOWS).set_value(False).run()
    assert component_data(app, "strip") == {}
    assert "windows" not in app.query_params


def test_a_window_is_explained_while_the_whole_text_still_is(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = {name: threading.Event() for name in ("attribute", "attribute_document")}

    def wait_before(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def compute(*args: Any, progress: Callable[[float], None], **options: Any) -> Any:
            while not may_end[name].wait(0.01):
                progress(0)
            return function(*args, progress=progress, **options)

        return compute

    for name in may_end:
        monkeypatch.setattr(background, name, wait_before(name, getattr(background, name)))
    background.results().clear()
    app.query_params.update({"method": "occlusion", "windows": "1", "window": "1"})
    for _ in range(3):
        keys_of_jobs = {button.key for button in run(app).button if button.label == "Cancel"}
    assert keys_of_jobs == {"cancel-attribution", "cancel-window-attribution"}
    may_end["attribute"].set()
    run_until(app, lambda: component_data(app, "colored-text") != {})
    assert component_data(app, "strip")["sentences"] == []
    may_end["attribute_document"].set()
    run_until(app, lambda: component_data(app, "strip")["sentences"] != [])


def test_windows_are_the_default_where_the_checkpoint_says_so(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "windows")
    edit_config(folder, **{STRIDE_KEY: 20, POOLING_KEY: "max"})
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"checkpoint": str(folder), "text": TEXT, "method": "decomposition"})
    finish(app)
    assert "largest logits of" in page_text(app)
    assert "windows" not in app.query_params
    app.toggle(key=keys.WINDOWS).set_value(False).run()
    assert app.query_params["windows"] == "0"
    assert "The model never saw" in app.warning[0].value


def test_a_window_with_too_many_weights_to_keep_is_read_in_the_background(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viz.model.classifier.MAX_ATTENTION_BYTES", 4 * 3 * 4 * 40**2)
    st.cache_resource.clear()
    folder = str(checkpoint)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update(
        {"checkpoint": folder, "text": TEXT, "windows": "1", "window": "0", "method": "gradient"}
    )
    finish(app)
    assert component_data(app, "strip")["window"] == 0
    assert component_data(app, "atlas") != {}
    reading = readings.read(folder, TEXT, None, (), Windows(index=0))
    assert isinstance(reading.attention, LongAttention)
    assert reading.encoding.text == TEXT[: len(reading.encoding.text)] != TEXT
    st.cache_resource.clear()
