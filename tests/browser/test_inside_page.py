"""The Inside page in a real browser: from a logit back to one embedding by keyboard alone."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from transformers import AutoConfig, AutoModelForSequenceClassification

from tests.browser.conftest import App
from tests.tiny_models import tiny_checkpoint

DEEP_FOCUS = """() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element?.ariaLabel ?? element?.textContent ?? "";
}"""
WAY = (
    "pooled",
    "pooler",
    "state",
    "residual",
    "normalization",
    "residual",
    "state",
    "embedding sum",
    "embedding sum",
)
"""The terms on the way down a network of one layer, past its attention."""


@pytest.fixture
def one_layer(tmp_path: Path) -> Path:
    """A checkpoint of one layer: fewer keys to press."""
    folder = tiny_checkpoint(tmp_path / "one-layer")
    config = AutoConfig.from_pretrained(folder, num_hidden_layers=1)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    return folder


def tab_to(page: Page, label: str) -> None:
    """Press Tab until what has the focus is called so."""
    for _ in range(80):
        if re.match(label, page.evaluate(DEEP_FOCUS)):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {label!r}")


def follow(page: Page, name: str) -> None:
    """Go to an operand of the equation that is followed, and wait until it has the focus."""
    title = page.locator(".walk-title")
    before = title.inner_text()
    page.keyboard.press("Tab")
    tab_to(page, f"{name}[ ,]")
    page.keyboard.press("Enter")
    expect(title).not_to_have_text(before)
    expect(title).to_contain_text(name)
    page.wait_for_function(f"(/^{name}\\b/).test(({DEEP_FOCUS})())")


@pytest.mark.timeout(180)
def test_keys_lead_from_a_logit_back_to_one_embedding(app: App, one_layer: Path) -> None:
    page = app.page
    app.open(checkpoint=str(one_layer), text="the market falls", layer="0", head="2")
    # Below the closeup of a head stands the way to its equations.
    page.get_by_role("link", name=re.compile("Inside L0 · H2")).click()
    expect(page.get_by_role("heading", name=re.compile("Inside L0 · H2"))).to_be_visible()
    expect(page).to_have_url(re.compile("layer=0&head=2"))
    title = page.locator(".walk-title")
    expect(title).to_contain_text("score")
    expect(page.locator(".katex").first).to_be_attached()
    expect(page.get_by_text("✓ recomputed").first).to_be_visible()

    tab_to(page, "Embeddings")
    page.keyboard.press("End")
    tab_to(page, "logits")
    page.keyboard.press("Enter")
    expect(title).to_contain_text("logits")
    # One number of a vector: arrows go to it, Enter follows it to its own equation.
    page.wait_for_function(f"(/^logits, 4 numbers/).test(({DEEP_FOCUS})())")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("term-tip").last).to_contain_text("Sports")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("focused")).to_have_text(re.compile(r"^−?\d"))
    expect(page.get_by_test_id("products").last).to_be_visible()
    for name in WAY:
        follow(page, name)
    tab_to(page, "word embedding")
    page.keyboard.press("Enter")
    expect(title).to_contain_text("word embedding")
    page.wait_for_function(f"(/^word embedding/).test(({DEEP_FOCUS})())")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("focused")).to_have_text(re.compile(r"^−?\d"))
    tab_to(page, ".*weight")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Here the way up ends: a parameter")).to_be_visible()
    expect(page).to_have_url(re.compile("term="))
    page.keyboard.press("Escape")
    assert "logits" in page.evaluate(DEEP_FOCUS)
