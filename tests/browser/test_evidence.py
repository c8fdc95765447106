"""What the page says of its own explanations: the badge, slow methods, and their comparison."""

import re
import time

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import App

TEXT = "Oil prices rise as stocks fall, the market was not good and the minister talks of peace."
LONG = f"{TEXT} " * 20
"""Long enough for the page to stand before its evidence."""


@pytest.fixture
def page(shared_page: Page) -> Page:
    """One tab for all tests of this file."""
    return shared_page


def badge(app: App) -> Locator:
    """The verdict beside the controls."""
    return app.page.locator(".st-key-evidence .stMarkdownBadge")


def method(app: App, name: str) -> None:
    """Choose a method."""
    app.page.get_by_role("combobox", name=re.compile("Method")).click()
    app.page.get_by_role("option", name=re.compile(name)).click()


def test_the_badge_says_how_an_explanation_compares_with_random_orders(app: App) -> None:
    app.open(text=TEXT)
    expect(badge(app)).to_have_text(re.compile("random"))
    app.page.locator(".st-key-evidence").get_by_test_id("stTooltipIcon").hover()
    expect(app.page.get_by_text("95% of random orders: ")).to_be_visible()


def test_the_badge_comes_without_closing_a_list_and_then_nothing_is_asked_any_more(
    app: App,
) -> None:
    asked: list[float] = []
    app.page.on(
        "websocket",
        lambda socket: socket.on("framesent", lambda _: asked.append(time.monotonic())),
    )
    app.open(text=LONG)
    expect(badge(app)).to_have_text("measuring …")
    app.open_heads()
    third = app.page.get_by_role("option", name="3", exact=True)
    expect(badge(app)).to_have_text(re.compile("random"))
    expect(third).to_be_visible()
    app.page.wait_for_timeout(500)
    asked.clear()
    app.page.wait_for_timeout(1500)
    assert asked == []
    assert third.is_visible()


def test_a_text_too_short_to_measure_is_said_to_be(app: App) -> None:
    app.open(text="oil prices")
    expect(badge(app)).to_have_text("too short to measure: 2 words")


def test_a_slow_method_can_be_cancelled_and_computed_after_all(app: App) -> None:
    app.open(text=TEXT, method="shapley")
    words = app.page.get_by_test_id("word")
    expect(words.first).to_be_visible()
    app.page.get_by_role("button", name="Settings").click()
    # Far more orders than anybody would wait for.
    app.page.get_by_role("spinbutton", name="Orders").fill("10000")
    app.page.get_by_role("spinbutton", name="Orders").press("Enter")
    app.page.keyboard.press("Escape")
    cancel = app.page.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible()
    expect(app.page.get_by_role("progressbar")).to_be_visible()
    expect(app.page.get_by_test_id("atlas")).to_be_visible()
    cancel.click()
    expect(app.page.get_by_text("Shapley values: canceled.")).to_be_visible()
    app.page.get_by_role("button", name="Compute it").click()
    expect(cancel).to_be_visible()
    method(app, "Saliency")
    expect(words.first).to_be_visible()
    expect(cancel).to_have_count(0)


def test_all_methods_are_compared_and_the_numbers_can_be_saved(app: App) -> None:
    app.open(text="the team wins the game")
    app.page.get_by_role("button", name="Compare all methods").click()
    expect(app.page.get_by_test_id("stDataFrame")).to_be_visible(timeout=120_000)
    app.settle()
    with app.page.expect_download() as download:
        app.page.get_by_role("button", name="CSV", exact=True).click()
    assert download.value.suggested_filename == "comparison.csv"
    app.page.get_by_role("tab", name="Agreement").click()
    expect(app.page.get_by_text("Agreement is not proof.")).to_be_visible()
    app.page.get_by_role("button", name="Close comparison").click()
    expect(app.page.get_by_test_id("stDataFrame")).to_have_count(0)


def test_the_way_to_the_other_page_and_back_keeps_what_was_read(app: App) -> None:
    app.open(text="the team wins", layer="1", head="2", method="saliency")
    app.page.get_by_role("link", name="Faithfulness").click()
    expect(app.page.get_by_text("Not measured yet")).to_be_visible()
    app.page.get_by_role("link", name="Read", exact=True).click()
    expect(app.page.get_by_label("Text", exact=True)).to_have_value("the team wins")
    expect(app.page.locator(".place")).to_have_text("L1 · H2")
    expect(app.page).to_have_url(re.compile("method=saliency"))
