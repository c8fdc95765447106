"""The film of fine-tuning: a saved page that plays by itself, and the slider of the app."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App
from tests.histories import damage_frame, tiny_history
from viz.comparison.film.reader import film
from viz.export.film import film_file

TEXT = "Oil prices rise as stocks fall, the market was not good."
LONG = 60_000
"""Milliseconds that frames may take on a busy machine."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that kept three steps, the second of which is broken."""
    folder = tiny_history(tmp_path_factory.mktemp("film"), 4)
    damage_frame(folder, 1)
    return folder


def test_a_saved_film_is_played_by_the_keyboard_without_a_network(
    page: Page, folder: Path, tmp_path: Path
) -> None:
    problems: list[str] = []
    file = tmp_path / "film.html"
    file.write_bytes(film_file(film(folder, TEXT), ".html"))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: problems.append(request.url))
    page.goto(file.as_uri())
    name, measures = page.get_by_test_id("film-name"), page.get_by_test_id("film-measures")
    expect(name).to_have_text("base · step 0")
    expect(page.get_by_test_id("word").first).to_have_text("Oil")
    expect(page.get_by_test_id("class-bar")).to_have_count(4)
    height = page.evaluate("document.body.scrollHeight")

    page.get_by_test_id("film-slider").focus()
    page.keyboard.press("ArrowRight")
    expect(measures).to_contain_text("is not what was written")
    page.keyboard.press("ArrowRight")
    expect(name).to_have_text("step 20 · epoch 1.33")
    expect(measures).to_contain_text("training loss")
    expect(page.get_by_test_id("film-changes")).to_contain_text("Since the base")
    page.keyboard.press("End")
    expect(name).to_contain_text("finished · step 30")
    assert page.evaluate("document.body.scrollHeight") == height

    page.get_by_test_id("film-play").press("Enter")
    expect(name).to_have_text("base · step 0")  # it starts over
    expect(page.get_by_test_id("film-play")).to_have_text("Pause")
    expect(name).to_contain_text("finished · step 30")
    expect(page.get_by_test_id("film-play")).to_have_text("Play")
    assert problems in ([], [file.as_uri()])


def test_the_slider_of_the_app_is_moved_by_keys_and_the_link_keeps_its_frame(
    app: App, folder: Path
) -> None:
    page, app.checkpoint = app.page, folder
    app.open(text=TEXT)
    page.get_by_role("link", name="Compare", exact=True).click()
    page.get_by_text("fine-tuning", exact=True).click()
    slider = page.get_by_test_id("film-slider")
    expect(page.get_by_role("button", name="Save")).to_be_visible(timeout=LONG)
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("film-name")).to_have_text("step 20 · epoch 1.33")
    expect(page).to_have_url(re.compile("frame=2"))
    page.keyboard.press(" ")
    expect(page.get_by_test_id("film-name")).to_contain_text("finished")
    expect(page).to_have_url(re.compile("frame=3"))
