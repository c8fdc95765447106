"""A text of 8,192 tokens in a real browser, of whose weights only what is looked at is computed."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE, App
from tests.families import family_checkpoint

N_TOKENS = 8192
WORDS = (
    *("oil", "prices", "rise", "as", "stocks", "fall", "the"),
    *("market", "team", "wins", "game", "election", "peace", "talks"),
)
TEXT = " ".join(WORDS[index * index % len(WORDS)] for index in range(N_TOKENS - 2))
MAX_BYTES = 2_000_000
"""That the browser may be sent until the first picture stands."""


@pytest.fixture(scope="module")
def long_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny ModernBERT that reads 8,192 tokens; their weights would take 1.6 GB."""
    path = family_checkpoint(
        tmp_path_factory.mktemp("long") / "long-tiny",
        "modernbert",
        num_hidden_layers=3,
        layer_types=["full_attention"] * 3,
        num_attention_heads=2,
        hidden_size=16,
        max_position_embeddings=N_TOKENS,
    )
    settings = path / "tokenizer_config.json"
    values = json.loads(settings.read_text()) | {"model_max_length": N_TOKENS}
    settings.write_text(json.dumps(values))
    return path


@pytest.fixture
def long_app(page: Page, app_url: str, long_checkpoint: Path) -> Iterator[App]:
    app = App(page, app_url, long_checkpoint)
    app.watch()
    yield app
    assert app.problems == []


def test_a_text_of_8192_tokens_is_read_zoomed_into_saved_and_its_attribution_canceled(
    long_app: App,
) -> None:
    page = long_app.page
    n_bytes = 0

    def count(frame: str | bytes) -> None:
        nonlocal n_bytes
        n_bytes += len(frame)

    page.on("websocket", lambda socket: socket.on("framereceived", count))
    long_app.open(text="oil")
    n_bytes = 0
    page.get_by_label("Text", exact=True).fill(TEXT)
    page.get_by_role("button", name="Read").click()
    # It is read in the background; then the attribution begins.
    canceled = page.get_by_text("Decomposition: canceled.")
    page.get_by_role("button", name="Cancel").and_(
        page.locator(".st-key-cancel-attribution button")
    ).click(timeout=2 * PATIENCE)
    expect(canceled).to_be_visible()
    atlas = page.get_by_test_id("atlas")
    expect(atlas).to_be_visible()
    expect(page.get_by_text("Each pixel is the largest of up to 171 × 171 weights")).to_be_visible()
    assert n_bytes < MAX_BYTES

    heatmap, tip = page.get_by_test_id("heatmap"), page.get_by_test_id("heatmap-tip")
    heatmap.focus()
    for key in ["ArrowDown", *["ArrowRight"] * 3, *["+"] * 14]:
        page.keyboard.press(key)
    exact = re.compile(r"^\[CLS\] looks at \w+: 0\.\d{6}")
    expect(tip).to_contain_text(exact, timeout=60_000)  # the whole map may be computed before it
    weight = float((tip.text_content() or "").rpartition(": ")[2])
    assert weight > 0

    long_app.settle()
    rows = page.get_by_label("Rows", exact=True)
    # As long as a hand takes: Streamlit sends what happens at the same moment as one message of one
    # fragment, and the map tells what it shows as the button is pressed down.
    take = page.get_by_role("button", name="Part in view")
    take.click(delay=100)
    few_rows = re.compile(r"^0:[12]?\d$")
    expect(rows).to_have_value(few_rows)
    for key in "+-":
        heatmap.focus()
        page.keyboard.press(key)
        before = rows.input_value()
        take.click(delay=100)
        expect(rows).not_to_have_value(before)
    expect(rows).to_have_value(few_rows)
    long_app.settle()
    page.get_by_role("radio", name="CSV").click()
    expect(page.get_by_role("combobox", name="dots per inch")).to_be_hidden()
    long_app.settle()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save", exact=True).click()
    table = list(csv.DictReader(download.value.path().read_text(encoding="utf-8").splitlines()))
    column = next(name for name in table[0] if name.startswith("key 3: "))
    assert float(table[0][column]) == pytest.approx(weight, abs=5e-7)
    expect(canceled).to_be_visible()
