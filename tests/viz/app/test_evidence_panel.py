"""The badge of a long text: offered where it takes long, and said what it was measured on."""

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from viz.app.panels import evidence
from viz.faithfulness import evidence_plan

ROOT = Path(__file__).resolve().parents[3]
TEXT = "Oil prices rise as stocks fall. The team wins the game! " * 3


def app(checkpoint: Path, text: str) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params.update(checkpoint=str(checkpoint), text=text)
    return test


def until(test: AppTest, sign: str) -> AppTest:
    """The page once it says so; pytest's own limit ends a wait in vain."""
    while sign not in " ".join(said(test)):
        time.sleep(0.1)
        test.run()
    return test


def said(test: AppTest) -> list[str]:
    return [*(one.value for one in (*test.markdown, *test.caption)), *map(_label, test.button)]


def _label(button: object) -> str:
    return str(getattr(button, "label", ""))


def test_a_long_badge_waits_for_the_reader_and_says_what_it_was_measured_on(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "UNBOUNDED_TOKENS", 10)
    monkeypatch.setattr(evidence, "MAX_SECONDS", 1e-9)
    monkeypatch.setattr(evidence_plan, "LONG_WORDS", 10)
    test = until(app(checkpoint, TEXT).run(), "Measure, about")
    assert not test.exception
    (button,) = (one for one in test.button if one.label.startswith("Measure, about"))
    until(button.click().run(), "random")
    assert "on 6 sentences, by masks, top 20%" in said(test)


def test_a_quick_badge_of_a_long_text_is_measured_unasked(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "UNBOUNDED_TOKENS", 10)
    monkeypatch.setattr(evidence, "MAX_SECONDS", 3600.0)
    monkeypatch.setattr(evidence_plan, "LONG_WORDS", 10)
    test = until(app(checkpoint, f"{TEXT} Peace.").run(), "random")
    assert "on 7 sentences" in said(test)
