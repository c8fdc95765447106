"""From an uploaded file to a classifier that the Read page opens, in the browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import App
from tests.finetune.news import news, write_csv

LONG = 180_000
"""Milliseconds that a process may take to import torch and come to its next step."""


def give_data(app: App, file: Path) -> None:
    """Upload a file, and wait until it is checked."""
    app.page.get_by_role("link", name="Train").click()
    expect(app.page.get_by_text("Training goes on when you close the browser")).to_be_visible()
    app.page.locator("input[type=file]").set_input_files(file)
    expect(app.page.get_by_text("Rows: 90")).to_be_visible(timeout=LONG)


def fill(app: App, role: str, name: str, value: str) -> None:
    """Fill a field, and wait until the app knows."""
    field = app.page.get_by_role(role, name=name)  # type: ignore[arg-type]
    field.fill(value)
    field.press("Enter")
    app.settle()


def progress(page: Page, stage: str) -> Locator:
    """The bar of a run that is at a stage."""
    return page.get_by_test_id("stProgress").filter(has_text=re.compile(stage))


@pytest.mark.timeout(900)  # three processes import torch
def test_an_uploaded_file_is_trained_on_stopped_resumed_and_read(app: App, tmp_path: Path) -> None:
    page = app.page
    app.open(text="the team wins")
    give_data(app, write_csv(tmp_path / "headlines.csv", news(90)))
    fill(app, "textbox", "Base model", str(app.checkpoint))
    fill(app, "spinbutton", "Epochs", "40")
    page.get_by_role("button", name="Start").click()

    expect(progress(page, "headlines is in epoch")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Stop").click()
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_be_visible(timeout=LONG)
    expect(page.get_by_text(re.compile(r"was stopped after .* of 40 epochs"))).to_be_visible()
    expect(page.get_by_role("button", name="Read with headlines at step")).to_be_visible()

    resume.click()
    expect(progress(page, "headlines is in epoch")).to_be_visible(timeout=LONG)
    # Points come while the chart stays: it is never drawn anew, which would flicker.
    curves = page.get_by_test_id("stVegaLiteChart")
    expect(curves).to_have_count(2)
    lines = curves.first.locator("svg.marks")
    lines.evaluate("svg => { svg.dataset.seen = svg.textContent }")
    way = lines.locator(".mark-line path").first
    drawn = way.get_attribute("d") or ""
    expect(way).not_to_have_attribute("d", drawn, timeout=LONG)
    expect(lines).to_have_attribute("data-seen", re.compile("Epoch"))

    read = page.get_by_role("button", name="Read with headlines", exact=True)
    expect(read).to_be_visible(timeout=LONG)
    read.click()
    expect(page.get_by_text("Why this class?")).to_be_visible()
    expect(page.get_by_text("Business", exact=True).first).to_be_visible()


def test_without_a_network_a_base_by_name_is_refused_in_a_sentence(
    app: App, tmp_path: Path
) -> None:
    app.open(text="the team wins")
    give_data(app, write_csv(tmp_path / "offline.csv", news(90, seed=1)))
    fill(app, "textbox", "Base model", "some-model-of-nobody")
    app.page.get_by_role("button", name="Start").click()
    said = "'some-model-of-nobody' is no folder here, and the Hugging Face Hub can't be reached"
    expect(app.page.get_by_text(said)).to_be_visible()
    expect(app.page.get_by_role("button", name="Start")).to_be_visible()
