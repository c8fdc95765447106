"""The Compare page in a real browser: two texts, two checkpoints, by keyboard and in a link."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import App
from tests.tiny_models import tiny_checkpoint

FIRST = "oil prices rise as stocks fall"
SECOND = "the team wins as stocks fall"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of another origin."""
    return tiny_checkpoint(tmp_path_factory.mktemp("other") / "other-bert", seed=5)


def title(app: App, index: int = 0) -> Locator:
    """What a heat map is of: the difference first, then both readings."""
    return app.page.locator(".place").nth(index)


def parameters(url: str) -> dict[str, str]:
    """What a link says, by name."""
    return {name: value for name, (value, *_) in parse_qs(urlsplit(url).query).items()}


def test_a_text_is_taken_along_and_compared_with_another_by_keyboard(app: App) -> None:
    app.open(text=FIRST)
    way = app.page.get_by_role("link", name="Compare with another text")
    way.focus()
    expect(way).to_have_css("outline-style", "solid")
    app.page.keyboard.press("Enter")
    app.page.wait_for_url("**/compare**")
    app.settle()
    expect(app.page.get_by_label("Text", exact=True)).to_have_value(FIRST)
    field = app.page.get_by_label("Other text")
    field.fill(SECOND)
    field.press("Tab")
    app.page.keyboard.press("Enter")  # on the button Compare
    app.settle()
    words = app.page.get_by_test_id("colored-text")
    expect(words.locator(".replaced, .deleted").first).to_be_visible()
    expect(words).to_contain_text("stocks fall")
    expect(app.page.get_by_test_id("class-name")).to_contain_text("%")
    expect(app.page.get_by_test_id("class-bar")).to_have_count(4)
    # The link is sent once all of the page has been drawn.
    app.page.wait_for_url(lambda url: parameters(url).get("other-text") == SECOND)
    # From word to word, with both scores in the tip.
    words.focus()
    app.page.keyboard.press("ArrowRight")
    expect(app.page.get_by_test_id("colored-text-tip")).to_contain_text("then")
    # A word selects the head that looks at it most differently; an arrow key the next head.
    app.page.get_by_role("radiogroup", name="Words that changed most").get_by_role(
        "radio"
    ).first.click()
    app.page.wait_for_url("**&head=*")
    app.settle()
    before = title(app).inner_text()
    app.page.get_by_test_id("atlas").focus()
    app.page.keyboard.press(
        "ArrowLeft" if parameters(app.page.url)["head"] != "0" else "ArrowRight"
    )
    expect(title(app)).not_to_have_text(before)


def test_a_link_opens_two_checkpoints_on_one_head(app: App, other: Path) -> None:
    app.page.set_viewport_size({"width": 400, "height": 900})
    app.page.goto(
        f"{app.url}/compare?mode=two+checkpoints&text={FIRST.replace(' ', '+')}"
        f"&checkpoint={app.checkpoint}&other-checkpoint={other}&layer=1&head=2"
    )
    app.settle()
    expect(title(app)).to_contain_text("of the second − L1 · H2 of the first")
    expect(title(app, 1)).to_have_text("L1 · H2")
    expect(app.page.get_by_text("each is compared with the nearest")).to_be_visible()
    width = app.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 400
    with app.page.expect_download() as download:
        app.page.get_by_role("button", name="Save", exact=True).click()
    assert download.value.suggested_filename.endswith("compare-words-decomposition.png")
    # Streamlit looks for its server below the path of a page before it looks at the root.
    app.problems[:] = [problem for problem in app.problems if "404" not in problem]
