"""From an uploaded file to a classifier that the Read page opens, in the browser."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import App
from tests.finetune.news import news, write_csv
from tests.viz.rooms import START, epoch, leave, running, step, written

LONG = 180_000
"""Milliseconds that a process may take to import torch and come to its next step."""


def give_data(app: App, file: Path, rows: int) -> None:
    """Upload a file of that many rows, and wait until it is checked."""
    app.page.get_by_role("link", name="Train").click()
    expect(app.page.get_by_text("Training continues when you close the browser")).to_be_visible()
    app.page.locator("input[type=file]").set_input_files(file)
    expect(app.page.get_by_text(f"Rows: {rows:,}")).to_be_visible(timeout=LONG)


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
    # So many rows that the run still goes on when Stop is pressed.
    give_data(app, write_csv(tmp_path / "headlines.csv", news(600)), 600)
    fill(app, "textbox", "Base model", str(app.checkpoint))
    fill(app, "spinbutton", "Epochs", "15")
    page.get_by_text("Rank the methods when it is trained").click()
    app.settle()
    page.get_by_role("button", name="Start").click()

    expect(progress(page, "headlines is in epoch")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Stop").click()
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_be_visible(timeout=LONG)
    expect(page.get_by_text(re.compile(r"was stopped after .* of 15 epochs"))).to_be_visible()
    expect(page.get_by_role("button", name="Read with headlines at step")).to_be_visible()

    resume.click()
    read = page.get_by_role("button", name="Read with headlines", exact=True)
    expect(read).to_be_visible(timeout=LONG)
    read.click()
    expect(page.get_by_text("Why this class?")).to_be_visible()
    expect(page.get_by_text("Business", exact=True).first).to_be_visible()


def test_points_come_into_a_chart_that_stays(app: App, runs_room: Path) -> None:
    """A chart drawn anew each second would flicker."""
    work = leave(runs_room, "steady", [START, step(1), step(2, 0.8)])
    try:
        with running(runs_room, "steady"):
            app.open(text="the team wins")
            app.page.get_by_role("link", name="Train").click()
            expect(progress(app.page, "steady is in epoch 1")).to_be_visible()
            drawn = app.page.get_by_test_id("stVegaLiteChart").first.locator("svg.marks")
            way = drawn.locator(".mark-line path").first
            before = way.get_attribute("d") or ""
            drawn.evaluate("svg => { svg.dataset.seen = 'yes' }")
            with (work / "events.jsonl").open("a") as events:
                events.write(written([step(5, 0.5), epoch(1)]))
            expect(way).not_to_have_attribute("d", before)
            expect(drawn).to_have_attribute("data-seen", "yes")
    finally:
        shutil.rmtree(work)
        for file in (runs_room / "logs").glob("steady.*"):
            file.unlink()


def test_without_a_network_a_base_by_name_is_refused_in_a_sentence(
    app: App, tmp_path: Path
) -> None:
    app.open(text="the team wins")
    give_data(app, write_csv(tmp_path / "offline.csv", news(90, seed=1)), 90)
    fill(app, "textbox", "Base model", "some-model-of-nobody")
    app.page.get_by_role("button", name="Start").click()
    said = "'some-model-of-nobody' is not a folder here, and the Hugging Face Hub can't be reached"
    expect(app.page.get_by_text(said)).to_be_visible()
    expect(app.page.get_by_role("button", name="Start")).to_be_visible()
