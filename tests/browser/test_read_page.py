"""What a reader does on the Read page, in a real browser."""

import io
import json
import re
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from typer.testing import CliRunner

from tests.browser.conftest import App
from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.__main__ import app as viz_app

TEXT = "Oil prices rise as stocks fall, the market was not good."
COLORS = "words => words.map(word => getComputedStyle(word).backgroundColor)"


@pytest.fixture
def page(shared_page: Page) -> Page:
    """One tab for all tests of this file."""
    return shared_page


def saved(app: App, subject: str, format: str) -> bytes:
    """Choose what is saved and how, and press Save; return the file that comes."""
    for group, name in (("Save", subject), ("as", format)):
        options = app.page.get_by_role("radiogroup", name=group, exact=True)
        options.get_by_role("radio", name=name, exact=True).click()
        app.page.wait_for_timeout(300)  # the server hears of a click a moment later
        app.settle()
    with app.page.expect_download() as download:
        app.page.get_by_role("button", name="Save").first.click()
    assert re.fullmatch(rf"[\w.-]+\.{format.lower()}", download.value.suggested_filename)
    return Path(download.value.path()).read_bytes()


def test_a_pasted_text_gets_the_class_that_the_classifier_gives(
    app: App, classifier: Classifier
) -> None:
    app.open()
    app.read("the team wins the game")
    prediction = classifier.read("the team wins the game").prediction
    expect(app.page.get_by_test_id("class-name").first).to_have_text(prediction.label)
    most = float(prediction.probabilities.max())
    expect(app.page.get_by_text(f"{most * 100:.1f}%").first).to_be_visible()
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
    expect(app.page.locator(".place")).to_have_text(chosen)
    app.page.keyboard.press("ArrowDown")
    expect(selected).to_contain_text(chosen.replace("L0", "L1"))
    expect(app.page).to_have_url(re.compile(r"[?&]layer=1"))
    expect(app.page.locator(".place")).to_have_text(chosen.replace("L0", "L1"))


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
    expect(app.page).to_have_url(re.compile(r"method=rollout"))
    expect(app.page.get_by_text("Attention carried through all layers").last).to_be_visible()
    app.settle()
    assert words.all_inner_texts() == before
    assert words.evaluate_all(COLORS) != shown


SUBJECTS = ["head", "layer", "all heads", "arcs", "attribution"]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_saved_picture_is_not_blank(app: App, subject: str) -> None:
    app.open(text=TEXT, layer="1", head="2")
    image = Image.open(io.BytesIO(saved(app, subject, "PNG")))
    assert image.format == "PNG"
    assert min(image.size) > 200
    assert np.asarray(image.convert("L")).std() > 10


@pytest.mark.parametrize(
    ("format", "start"),
    [
        ("SVG", b"<?xml"),
        ("PDF", b"%PDF"),
        ("HTML", b"<!DOCTYPE html>"),
        ("CSV", b""),
        ("NPZ", b"PK"),
    ],
)
def test_a_head_is_saved_in_every_format(app: App, format: str, start: bytes) -> None:
    app.open(text=TEXT, layer="1", head="2")
    content = saved(app, "head", format)
    assert content.startswith(start)
    assert len(content) > 300


@pytest.mark.parametrize(
    ("show", "part"), [("weights", "weights"), ("contribution to the class", "contribution")]
)
def test_numbers_saved_in_the_app_replay_and_changed_ones_do_not(
    app: App, tmp_path: Path, show: str, part: str
) -> None:
    app.open(text=TEXT, layer="1", head="2", show=show, special="false")
    record = json.loads(saved(app, "head", "JSON"))
    assert replays(tmp_path, record, app.checkpoint) == 0
    record["numbers"][part][0][0][3][1] += 0.001
    assert replays(tmp_path, record, app.checkpoint) == 1


def replays(folder: Path, record: object, checkpoint: Path) -> int:
    """The exit code of `clsight replay`."""
    (folder / "saved.json").write_text(json.dumps(record), "utf-8")
    command = ["replay", str(folder / "saved.json"), "--checkpoint", str(checkpoint)]
    return CliRunner().invoke(viz_app, command).exit_code


def test_everything_comes_in_one_zip(app: App) -> None:
    app.open(text=TEXT, layer="1", head="2")
    with app.page.expect_download(timeout=60_000) as download:
        app.page.get_by_role("button", name="Everything (ZIP)").click()
    with zipfile.ZipFile(download.value.path()) as packed:
        assert packed.testzip() is None
        endings = Counter(Path(name).suffix for name in packed.namelist())
    kinds = ("png", "svg", "pdf", "html", "csv", "npz", "json")
    assert endings == {f".{kind}": len(SUBJECTS) for kind in kinds} | {".txt": 1}


@pytest.mark.parametrize("view", ["heat map", "arcs", "on the text"])
@pytest.mark.parametrize("show", ["weights", "contribution to the class"])
def test_every_view_of_a_head_is_drawn(app: App, view: str, show: str) -> None:
    app.open(text="oil prices rise", pair="the team wins", view=view, show=show, quadrant="A-B")
    drawn = {"heat map": "heatmap", "arcs": "arcs", "on the text": "word"}[view]
    expect(app.page.get_by_test_id(drawn).last).to_be_visible()
    expect(app.page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("view", ["head view", "model view"])
def test_bertviz_shows_the_same_reading(app: App, view: str) -> None:
    app.open(text=TEXT, bertviz="true")
    app.page.get_by_role("radio", name=view).click()
    app.settle()
    frame = app.page.frame_locator("iframe").first
    expect(frame.locator("svg line").nth(100)).to_be_attached()
    expect(frame.get_by_text("Drawn by BertViz").first).to_be_attached()


def test_enter_opens_the_head_and_escape_closes_it(app: App) -> None:
    app.open(text=TEXT, layer="1", head="1")
    expect(app.page.get_by_test_id("atlas-selected")).to_contain_text("L1 · H1")
    expect(app.page.locator(".place")).to_have_text("L1 · H1")
    app.page.get_by_test_id("atlas").focus()
    app.page.keyboard.press("Enter")
    expect(app.page.locator("dialog[open]")).to_be_visible()
    app.page.keyboard.press("Escape")
    expect(app.page.locator("dialog[open]")).to_have_count(0)


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
            expect(app.page.get_by_role("alert")).to_contain_text("is not a checkpoint")
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


def test_a_choice_shows_what_it_stands_for_when_other_options_come(
    app: App, tmp_path: Path
) -> None:
    app.open(text=TEXT, view="on the text", target="Business")
    query = app.page.get_by_role("combobox", name="The token that looks")
    target = app.page.get_by_role("combobox", name="Explain", exact=True)
    expect(query).to_have_value("0 · [CLS]")
    expect(target).to_have_value("Business")
    app.page.locator("label", has_text="Special tokens").click()
    expect(query).to_have_value("0 · Oil")
    other = tiny_checkpoint(tmp_path / "other", labels=("bad", "so-so", "good"))
    app.page.get_by_role("combobox", name="Checkpoint").fill(str(other))
    app.page.keyboard.press("Enter")
    expect(target).to_have_value("predicted class")
