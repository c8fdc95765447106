"""From an uploaded file to its errors, why they are made, and a row on the Read page."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.audits import LABELS
from tests.browser.conftest import App
from tests.browser.stage import Stage
from viz import Classifier
from viz.widgets.confusion import payload as confusion

TEXTS = ("oil prices rise as stocks fall", "the team wins the game", "not good", "world market")
LONG = 60_000
"""Milliseconds that an audit may take on a busy machine."""


def write_rows(file: Path, classifier: Classifier) -> list[tuple[str, str]]:
    """Sixteen rows, labeled as the classifier says but for the first, which is made wrong."""
    texts = [" ".join(TEXTS[(row + step) % 4] for step in range(row // 4 + 1)) for row in range(16)]
    predicted = [classifier.read(text).prediction.label for text in texts]
    wrong = next(label for label in LABELS if label != predicted[0])
    rows = list(zip(texts, [wrong, *predicted[1:]], strict=True))
    file.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), "utf-8")
    return rows


def cell(app: App, gold: str, predicted: str) -> Locator:
    """A cell of the confusion matrix."""
    name = re.compile(f"true {gold}, predicted {predicted}:")
    return app.page.get_by_role("gridcell", name=name)


@pytest.mark.timeout(180)
def test_an_uploaded_file_shows_its_error_and_the_row_opens_on_read(
    app: App, classifier: Classifier, tmp_path: Path
) -> None:
    page = app.page
    rows = write_rows(tmp_path / "tuesday.csv", classifier)
    (text, gold), predicted = rows[0], classifier.read(rows[0][0]).prediction.label
    app.open(text="the team wins")
    page.get_by_role("link", name="Data").click()
    expect(page.get_by_text("Audit a data set")).to_be_visible()
    expect(page).to_have_title("Data · CLSight")
    page.locator("input[type=file]").set_input_files(tmp_path / "tuesday.csv")

    expect(page.get_by_test_id("stMetric").filter(has_text="93.8%")).to_be_visible(timeout=LONG)
    expect(page.get_by_text(f"Why {gold} is taken for {predicted}")).to_be_visible()
    cell(app, gold, predicted).click()
    expect(page.get_by_text("1 row. Mean difference of logits")).to_be_visible(timeout=LONG)
    expect(page.get_by_text("1 row. Click a row")).to_be_visible()
    expect(page).to_have_url(re.compile(f"gold={LABELS.index(gold)}"))

    # Parts that come meanwhile run the page again.
    expect(page.get_by_test_id("stProgress")).to_have_count(0, timeout=LONG)
    table = page.get_by_test_id("stDataFrame").last
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16, box["y"] + 54)
    expect(page.get_by_text(f"Line 2: true {gold}, predicted {predicted}")).to_be_visible()
    expect(page).to_have_url(re.compile("row=0"))
    page.get_by_role("button", name="Open on Read").click()
    expect(page.get_by_label("Text", exact=True)).to_have_value(text)

    # Back again: the wrong label is put right in a new file, which the Train page opens.
    page.get_by_role("link", name="Data").click()
    page.get_by_role("radio", name="Label errors").click()
    page.get_by_role("button", name="Accept the suggestion").click()
    page.get_by_role("button", name="Save as a new file").click()
    saved = "tuesday-corrected.csv"
    expect(page.get_by_text(f"Saved as {saved}; tuesday.csv stays as it is.")).to_be_visible()
    page.get_by_role("button", name="Train on it").click()
    expect(page.get_by_text(f"The first rows of {saved}")).to_be_visible()


def test_keys_move_in_the_matrix_and_select(app: App) -> None:
    with Stage.on(app.page) as stage:
        counts = ((8, 0, 2, 0), (0, 9, 0, 0), (0, 0, 7, 1), (0, 0, 0, 3))
        data = confusion.payload(counts, ("<b>World</b>", *LABELS[1:]), gold=None, predicted=None)
        stage.mount(confusion.CONFUSION, data)
        first = app.page.get_by_test_id("confusion-cell").first
        app.page.locator("#other").focus()
        app.page.keyboard.press("Tab")
        expect(first).to_be_focused()
        expect(app.page.get_by_test_id("confusion-tip")).to_contain_text("true <b>World</b>")
        app.page.keyboard.press("ArrowRight")
        app.page.keyboard.press("Enter")
        chosen = app.page.locator("[aria-selected=true]")
        expect(chosen).to_have_attribute("aria-label", re.compile("predicted Sports: 0 rows"))
        app.page.keyboard.press("Home")
        app.page.keyboard.press("Enter")
        assert app.page.evaluate("window.sent") == [
            ["selected", {"gold": 0, "predicted": 1}],
            ["selected", {"gold": 0, "predicted": None}],
        ]
