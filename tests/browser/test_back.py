"""Back and Forward of a real browser: what was read before is read again, on its page."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import App

FIRST, SECOND = "the market falls", "the team wins"


def expect_text(page: Page, text: str) -> None:
    """See that the page reads a text, and that the address names it."""
    expect(page.get_by_label("Text", exact=True)).to_have_value(text)
    expect(page).to_have_url(re.compile(f"text={text.replace(' ', '([+]|%20)')}"))


def test_back_and_forward_lead_through_what_was_read(app: App) -> None:
    page = app.page
    app.open(text=FIRST)
    expect_text(page, FIRST)
    method = page.get_by_role("combobox", name="Method")
    first = method.input_value()
    app.read(SECOND)
    expect_text(page, SECOND)
    method.click()
    page.get_by_role("option", name="Attention rollout").click()
    expect(page).to_have_url(re.compile("method=rollout"))
    app.settle()
    page.get_by_role("link", name="Data", exact=True).click()
    expect(page).to_have_url(re.compile("/data[?]checkpoint="))
    app.settle()

    page.go_back()  # to the address that the page had before it put the checkpoint there
    expect(page).to_have_url(re.compile("/data[?]checkpoint="))
    app.settle()
    page.go_back()
    expect_text(page, SECOND)
    expect(method).to_have_value("Attention rollout")
    page.go_back()
    expect(page).not_to_have_url(re.compile("method="))
    expect_text(page, SECOND)
    page.go_back()
    expect_text(page, FIRST)
    expect(method).to_have_value(first)
    page.go_forward()
    expect_text(page, SECOND)
