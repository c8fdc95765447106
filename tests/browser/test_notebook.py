"""What a notebook is handed, in a browser: the pictures are drawn inside their frame."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from viz import Classifier, Reading, attribute


@pytest.fixture
def quiet(page: Page) -> Iterator[Page]:
    """A page that asks for nothing and that has no error."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
    page.on("console", lambda said: problems.extend([said.text] * (said.type == "error")))
    page.on("request", lambda asked: problems.append(asked.url))
    yield page
    foreign = [p for p in problems if not p.startswith(("data:", "blob:", "about:"))]
    assert foreign == []


def test_a_reading_shows_its_heads_and_opens_the_one_that_is_chosen(
    quiet: Page, reading: Reading
) -> None:
    quiet.set_content(f"<h2>Cell</h2>{reading._repr_html_()}")
    frame = quiet.frame_locator("iframe")
    expect(frame.locator(".place")).to_have_text("L0 · H0")
    frame.get_by_test_id("atlas").focus()
    quiet.keyboard.press("ArrowRight")
    expect(frame.locator(".place")).to_have_text("L0 · H1")


def test_an_attribution_shows_the_text_and_covers_its_picture(
    quiet: Page, classifier: Classifier, reading: Reading
) -> None:
    quiet.set_content(f"<h2>Cell</h2>{attribute(classifier, reading)._repr_html_()}")
    frame = quiet.frame_locator("iframe")
    expect(frame.locator("body")).to_contain_text("prices")
    at_picture = """() => {
      const { left, top } = document.querySelector("img").getBoundingClientRect();
      return document.elementFromPoint(left + 5, top + 5).tagName;
    }"""
    assert quiet.evaluate(at_picture) == "IFRAME"
