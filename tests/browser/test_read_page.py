"""What a reader does on the Read page, in a real browser."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import App
from tests.tiny import tiny_checkpoint
from viz import Classifier

TEXT = "Oil prices rise as stocks fall, the market was not good."
COLORS = "words => words.map(word => getComputedStyle(word).backgroundColor)"


def picture(app: App, name: str) -> Image.Image:
    """Press a save button; return the PNG that comes."""
    with app.page.expect_download() as download:
        app.page.get_by_role("button", name=name, exact=True).click()
    path = download.value.path()
    assert re.fullmatch(r"[\w.-]+\.png", download.value.suggested_filename)
    return Image.open(io.BytesIO(Path(path).read_bytes()))


def test_a_pasted_text_gets_the_class_that_the_classifier_gives(
    app: App, classifier: Classifier
) -> None:
    app.open()
    app.read("the team wins the game")
    prediction = classifier.read("the team wins the game").prediction
    expect(app.page.get_by_test_id("class-name").first).to_have_text(prediction.label)
    expect(app.page.get_by_text(f"{prediction.probability * 100:.1f} %").first).to_be_visible()
    assert app.page.get_by_test_id("class-bar").count() == 4


def test_a_click_and_the_arrow_keys_select_a_head(app: App) -> None:
    app.open(text=TEXT, layer="1", head="1")
    atlas = app.page.get_by_test_id("atlas")
    selected = app.page.get_by_test_id("atlas-selected")
    expect(selected).to_contain_text("L1 · H1")
    box = atlas.bounding_box()
    assert box is not None
    atlas.click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.2})
    expect(selected).to_contain_text("L0 · H")
    chosen = selected.inner_text().split("\n")[0]
    expect(app.page.get_by_text(chosen, exact=True).last).to_be_visible()
    app.page.keyboard.press("ArrowDown")
    expect(selected).to_contain_text(chosen.replace("L0", "L1"))
    expect(app.page).to_have_url(re.compile(r"[?&]layer=1"))
    expect(
        app.page.get_by_role("paragraph").filter(has_text=chosen.replace("L0", "L1"))
    ).to_be_visible()


def test_hovering_names_the_head(app: App) -> None:
    app.open(text=TEXT)
    atlas = app.page.get_by_test_id("atlas")
    box = atlas.bounding_box()
    assert box is not None
    atlas.hover(position={"x": box["width"] * 0.25, "y": box["height"] * 0.2})
    expect(app.page.get_by_text(re.compile(r"^L0 · H\d")).first).to_be_visible()


def test_another_method_gives_other_scores_and_goes_into_the_link(app: App) -> None:
    app.open(text=TEXT)
    words = app.page.get_by_test_id("word")
    expect(words.first).to_have_text("Oil")
    before, shown = words.all_inner_texts(), words.evaluate_all(COLORS)
    app.page.get_by_role("combobox", name=re.compile("Method")).click()
    app.page.get_by_role("option", name="Attention rollout").click()
    expect(app.page).to_have_url(re.compile(r"method=Attention"))
    expect(app.page.get_by_text("Attention carried through all layers").last).to_be_visible()
    app.settle()
    assert words.all_inner_texts() == before
    assert words.evaluate_all(COLORS) != shown


@pytest.mark.parametrize("name", ["Head", "Layer", "All heads", "Attribution"])
def test_a_saved_picture_is_not_blank(app: App, name: str) -> None:
    app.open(text=TEXT, layer="1", head="2")
    image = picture(app, name)
    assert image.format == "PNG"
    assert min(image.size) > 200
    assert np.asarray(image.convert("L")).std() > 10


def test_heads_can_be_read_without_special_tokens(app: App) -> None:
    app.open(text=TEXT, layer="2", head="mean")
    app.page.get_by_test_id("stCheckbox").filter(has_text="Special tokens").click()
    app.settle()
    expect(app.page.get_by_text("of its attention went to special tokens")).to_be_visible()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("   ", "The text is empty"),
        ("ΩΨ 🙂", "No character of this text is in the model's vocabulary"),
    ],
)
def test_a_text_that_cannot_be_read_is_one_sentence_and_the_page_goes_on(
    app: App, text: str, sentence: str
) -> None:
    app.open(text=TEXT)
    app.read(text)
    expect(app.page.get_by_role("alert")).to_contain_text(sentence)
    app.read("the market falls")
    expect(app.page.get_by_role("alert")).to_have_count(0)
    expect(app.page.get_by_test_id("class-name").first).to_be_visible()


def test_markup_in_a_text_stays_text(app: App) -> None:
    app.open()
    app.read("<script>alert('oil')</script> <img src=x onerror=alert(1)> the market")
    words = app.page.get_by_test_id("word")
    expect(words.filter(has_text="script").first).to_be_visible()
    expect(words.filter(has_text="onerror").first).to_be_visible()
    assert app.page.locator("img[src=x]").count() == 0


def test_a_class_name_of_a_checkpoint_loads_nothing(app: App, tmp_path: Path) -> None:
    """Taken for Markdown, it would be a picture from a foreign host, which fails the test."""
    hostile = "![x](http://example.invalid/x.png)"
    app.checkpoint = tiny_checkpoint(tmp_path / "hostile", labels=(hostile, f"<b>{hostile}"))
    app.open(text=TEXT)
    expect(app.page.get_by_test_id("class-name").first).to_contain_text(hostile)
    expect(app.page.get_by_text(f"logit {hostile}").first).to_be_visible()


def test_another_checkpoint_can_be_typed_after_a_wrong_one(
    app: App, checkpoint: Path, tmp_path: Path
) -> None:
    app.open(text=TEXT)
    for typed in (str(tmp_path), str(checkpoint)):
        picker = app.page.get_by_role("combobox", name=re.compile("Checkpoint"))
        picker.click()
        picker.fill(typed)
        picker.press("Enter")
        app.settle()
        if typed == str(tmp_path):
            expect(app.page.get_by_role("alert")).to_contain_text("is no checkpoint")
    expect(app.page.get_by_role("alert")).to_have_count(0)
    expect(app.page.get_by_test_id("class-name").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_window_in_both_themes(page: Page, app: App, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    app.open(text=TEXT)
    width, inner = page.evaluate(
        "() => { const m = document.querySelector('[data-testid=stMain]');"
        " return [m.scrollWidth, m.clientWidth]; }"
    )
    assert width <= inner
