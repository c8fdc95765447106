"""The lesson in a real browser, gone through by keyboard alone."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import App
from viz.mechanism.lesson.language import language
from viz.mechanism.lesson.lesson import STEP_KEYS

FOCUSED = """() => {
  const element = document.activeElement;
  return element?.matches("button, a") ? element.textContent : "";
}"""
TEXT = "oil prices rise, the market was not good"


def heading(page: Page, code: str, key: str) -> None:
    """See that a step stands there, in a language."""
    name = f"{STEP_KEYS.index(key) + 1}. {language(code).title(key)}"
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called so; an icon is a part of its name."""
    for _ in range(40):
        if name in page.evaluate(FOCUSED):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {name!r}")


def press(page: Page, name: str) -> None:
    """Press a button by keyboard; the focus stays on it from step to step."""
    # A key that comes while the page is still drawn is pressed on a button that goes away.
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible()
    tab_to(page, name)
    page.keyboard.press("Enter")


def choose_next(page: Page, name: str) -> None:
    """Choose what stands behind an option, by an arrow."""
    tab_to(page, name)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")


def test_the_lesson_is_gone_through_by_keyboard_and_speaks_two_languages(app: App) -> None:
    page = app.page
    app.open(text=TEXT)
    page.get_by_role("link", name="Inside", exact=True).click()
    expect(page.get_by_role("radio", name="Lesson")).to_be_visible()
    choose_next(page, "Equations")
    heading(page, "en", "words")
    expect(page.get_by_test_id("token-ids")).to_contain_text("prices")
    for key in STEP_KEYS[1:4]:
        press(page, language("en").control("next"))
        heading(page, "en", key)
    choose_next(page, "English")
    heading(page, "zh", "weights")
    expect(page.get_by_test_id("colored-text")).to_be_visible()
    expect(page).to_have_url(re.compile("language=zh"))
    for key in STEP_KEYS[4:]:
        press(page, language("zh").control("next"))
        heading(page, "zh", key)
    expect(page).to_have_url(re.compile("lesson=explanation"))
    expect(
        page.get_by_text(language("zh").texts["claims"]["each_head"]["statement"])
    ).to_be_visible()
    press(page, language("zh").control("previous"))
    heading(page, "zh", "class")
    press(page, language("zh").control("open_equation"))
    expect(page.get_by_role("heading", name=re.compile("Inside L2"))).to_be_visible()
    expect(page).to_have_url(re.compile("term="))
