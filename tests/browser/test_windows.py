"""A text beyond the limit of a model: its strip, windows and passages, by keyboard."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import App

TEXT = "\n\n".join(
    ["Oil prices rise, as stocks fall. Is the team good? The minister said it was very bad!"] * 50
)


def test_a_long_text_is_read_in_windows_which_open_by_keyboard(app: App) -> None:
    page = app.page
    app.open(method="decomposition")
    app.read(TEXT)
    expect(page.get_by_text("The model never saw the last")).to_be_visible()
    page.get_by_role("switch", name="Read the whole text in windows").press("Space")
    strip, words = page.get_by_test_id("strip"), page.get_by_test_id("colored-text")
    expect(strip).to_have_attribute("data-sentences", "150")
    app.settle()
    passage = page.get_by_test_id("strip-passage")
    expect(passage).to_contain_text("of 3")
    expect(words).to_contain_text("Oil prices rise")

    # From sentence to sentence and from passage to passage, without the mouse.
    strip.focus()
    page.keyboard.press("Home")
    expect(page.get_by_test_id("strip-tip")).to_contain_text("Oil prices rise")
    expect(strip).to_have_attribute("aria-valuenow", "1")
    page.keyboard.press("PageDown")
    page.keyboard.press("Enter")
    expect(passage).to_have_text("passage 2 of 3")
    app.settle()
    page.keyboard.press("End")
    expect(strip).to_have_attribute("aria-valuenow", "150")
    page.keyboard.press("Enter")
    expect(passage).to_have_text("passage 3 of 3")
    expect(page).to_have_url(re.compile("passage=3"))
    app.settle()

    # A window opens with its own words and maps, and closes again.
    windows = page.get_by_test_id("strip-window")
    windows.first.focus()
    page.keyboard.press("ArrowRight")
    expect(windows.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(windows.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_test_id("atlas")).to_be_visible()
    expect(page.get_by_text("Window 1 alone")).to_be_visible()
    app.settle()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_test_id("atlas")).to_have_count(0)
    expect(passage).to_have_text("passage 3 of 3")
