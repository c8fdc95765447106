"""From an uploaded file to a classifier that the Read page opens, in the browser."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import App
from tests.finetune.news import news, write_csv


def test_an_uploaded_file_becomes_a_classifier_on_the_read_page(app: App, tmp_path: Path) -> None:
    page = app.page
    app.open(text="the team wins")
    page.get_by_role("link", name="Train").click()
    expect(page.get_by_text("Training goes on when you close the browser")).to_be_visible()
    data = write_csv(tmp_path / "headlines.csv", news(90))
    page.locator("input[type=file]").set_input_files(data)
    expect(page.get_by_text("Rows: 90")).to_be_visible(timeout=60_000)
    base = page.get_by_role("textbox", name="Base model")
    base.fill(str(app.checkpoint))
    base.press("Enter")
    app.settle()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible(timeout=60_000)
    # A process of its own imports torch first.
    read = page.get_by_role("button", name="Read with headlines", exact=True)
    expect(read).to_be_visible(timeout=120_000)
    read.click()
    expect(page.get_by_text("Why this class?")).to_be_visible()
    expect(page.get_by_text("Business", exact=True).first).to_be_visible()
