"""Heads off: by a click in the atlas, by the keyboard, and back on."""

import json
import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import App

TEXT = "Oil prices rise as stocks fall, the market was not good."


def click(page: Page, layer: int, head: int) -> None:
    atlas = page.get_by_test_id("atlas")
    expect(atlas).to_have_attribute("data-cells", re.compile(r"\["))
    cells = json.loads(atlas.get_attribute("data-cells") or "[]")
    x, y = next((x, y) for row, column, x, y in cells if (row, column) == (layer, head))
    atlas.click(position={"x": x + 4, "y": y + 4})


def test_heads_go_off_by_a_click_and_by_the_keyboard(app: App) -> None:
    app.open(text=TEXT, layer="1", head="1")
    page = app.page
    click(page, 0, 1)  # only selects, as long as the switch is off
    expect(page).to_have_url(re.compile(r"[?&]layer=0"))
    app.settle()
    assert "off=" not in page.url
    page.get_by_label("heads off").check()
    click(page, 0, 1)
    line = page.locator(".st-key-heads-off-line")
    expect(line).to_contain_text("1 head is off: probability of")
    expect(page).to_have_url(re.compile(r"[?&]off=0\.1(&|$)"))
    expect(page.get_by_test_id("atlas-selected")).to_have_text("L0 · H1 · off")
    live = page.get_by_test_id("atlas-live")
    expect(live).to_have_text(re.compile(r"^Off\. L0 · H1"))
    # By the keyboard alone: down to the next layer, which Enter turns off, and the space bar on.
    page.keyboard.press("ArrowDown")
    expect(live).to_have_text(re.compile(r"^L1 · H1"))
    page.keyboard.press("Enter")
    expect(line).to_contain_text("2 heads are off")
    expect(page).to_have_url(re.compile(r"[?&]off=0\.1(%2C|,)1\.1"))
    expect(page.get_by_test_id("class-name").first).to_be_visible()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(line).to_contain_text("5 heads are off")
    page.keyboard.press(" ")
    expect(line).to_contain_text("1 head is off")
    page.get_by_role("button", name="Turn all on").press("Enter")
    expect(line).to_have_count(0)
    expect(page.get_by_test_id("atlas-selected")).not_to_contain_text("off")
    assert "off=" not in page.url
