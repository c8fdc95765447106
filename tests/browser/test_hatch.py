"""What can't be looked at, in a real browser: hatched in both themes, and said."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import App
from tests.browser.stage import MOUNT
from tests.families import family_checkpoint
from tests.synthetic import figure_spec, read, read_causal, read_windowed
from viz.attention import views
from viz.colors import PALETTES, Theme, rgb
from viz.export.formats import render
from viz.figures.spec import FigureSpec
from viz.widgets.colored_text.payload import COLORED_TEXT, payload

THEMES: tuple[Theme, ...] = ("light", "dark")
HATCHED = """(canvas, [colors, left, top, width, height]) => {
  const ratio = canvas.width / canvas.clientWidth;
  const box = [left, top, width, height].map((length) => Math.round(length * ratio));
  const { data } = canvas.getContext("2d").getImageData(...box);
  const counts = colors.map(() => 0);
  for (let at = 0; at < data.length; at += 4) {
    const isHere = (color) => color.every((part, index) => part === data[at + index]);
    const place = colors.findIndex(isHere);
    if (place >= 0) counts[place] += 1;
  }
  return counts.map((count) => count / (data.length / 4));
}"""


@pytest.fixture
def page(shared_page: Page) -> Page:
    """One tab for all tests of this file."""
    return shared_page


def open_saved(page: Page, folder: Path, spec: FigureSpec, theme: Theme = "light") -> None:
    """A figure as its saved page, in a theme."""
    path = folder / "figure.html"
    path.write_bytes(render(spec, "html"))
    page.emulate_media(color_scheme=theme)
    page.goto(path.as_uri())


def hatch_shares(canvas: Locator, theme: Theme, *box: float) -> tuple[float, float]:
    """The shares of a box, in CSS pixels, that have the ground and the lines of the hatch."""
    colors = [list(rgb(color)) for color in PALETTES[theme].impossible]
    ground, lines = canvas.evaluate(HATCHED, [colors, *box])
    return ground, lines


@pytest.mark.parametrize(("theme", "width"), [("light", 1000), ("dark", 400)])
def test_cells_of_a_causal_head_are_hatched_and_say_why(
    page: Page, tmp_path: Path, theme: Theme, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    open_saved(page, tmp_path, figure_spec("head", read_causal()), theme)
    canvas = page.get_by_test_id("heatmap")
    expect(canvas).to_have_attribute("data-grid", re.compile(r"\d"))
    left, top, wide, high = map(float, (canvas.get_attribute("data-grid") or "").split())
    for row, column, is_hatched in ((2, 9, True), (0, 15, True), (9, 2, False), (15, 15, False)):
        box = (left + column * wide + 2, top + row * high + 2, wide - 4, high - 4)
        ground, lines = hatch_shares(canvas, theme, *box)
        assert (ground > 0.5 and lines > 0.1) if is_hatched else ground + lines == 0
    canvas.hover(position={"x": left + 9.5 * wide, "y": top + 2.5 * high})
    expect(page.get_by_test_id("heatmap-tip")).to_have_text(
        "prices can't look at thea causal mask or a window forbids it"
    )
    expect(page.locator(".legend")).to_contain_text("can't be looked at")


def test_many_tokens_are_hatched_where_a_pixel_covers_nothing_possible(
    page: Page, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    reading = read_causal("word and " * 230)
    open_saved(page, tmp_path, figure_spec("head", reading, unit="wordpiece"))
    canvas = page.get_by_test_id("heatmap")
    expect(canvas).to_have_attribute("data-grid", re.compile(r"\d"))
    left, top, wide, _ = map(float, (canvas.get_attribute("data-grid") or "").split())
    assert wide < 1
    half = wide * reading.encoding.n_tokens / 2
    ground, lines = hatch_shares(canvas, "light", left + half, top + 2, half - 4, half - 4)
    assert ground > 0.6
    assert lines > 0.2
    assert hatch_shares(canvas, "light", left + 2, top + half, half - 4, half - 4) == (0, 0)


@pytest.mark.parametrize("theme", THEMES)
def test_the_atlas_hatches_local_layers_alone(page: Page, tmp_path: Path, theme: Theme) -> None:
    open_saved(page, tmp_path, figure_spec("atlas", read_windowed()), theme)
    canvas = page.get_by_test_id("atlas")
    expect(canvas).to_have_attribute("data-cells", re.compile(r"^\[\["))
    corners = canvas.evaluate("canvas => JSON.parse(canvas.dataset.cells)")
    for layer, head, x, y in corners:
        # The upper right of a thumbnail: the last tokens, as the first ones see them.
        ground, lines = hatch_shares(canvas, theme, x + 70, y + 2, 40, 40)
        assert (ground > 0.6 and lines > 0.2) if layer == 0 else ground + lines == 0, head
    expect(page.locator(".legend").first).to_contain_text("can't be looked at")
    expect(page.locator(".caption").first).to_contain_text("statistics count only what is possible")


def test_a_chosen_token_shows_which_others_it_cannot_look_at(page: Page, tmp_path: Path) -> None:
    open_saved(page, tmp_path, figure_spec("arcs", read_causal()))
    page.get_by_test_id("arcs-query").nth(5).click()
    keys = page.locator(".keys .token.hatch")
    expect(keys).to_have_count(10)
    expect(keys.first).to_have_attribute("title", "stocks: can't be looked at")
    share = page.get_by_test_id("arcs-share")
    expect(share).to_contain_text("It can't look at 10 of 16 tokens.")
    page.get_by_test_id("arcs-query").nth(5).click()
    page.get_by_test_id("arcs-key").nth(5).click()
    expect(page.locator(".queries .token.hatch")).to_have_count(5)
    expect(share).to_contain_text("5 of 16 tokens can't look at it.")


def test_a_row_on_the_text_hatches_the_words_it_cannot_look_at(page: Page) -> None:
    reading = read_causal()
    view = views.view(
        reading.encoding, reading.attention.weights, impossible=reading.attention.impossible
    )
    assert view.impossible is not None
    data = payload(
        reading.encoding,
        view.keys,
        view.weights[0, 0, 4],
        signed=False,
        impossible=view.impossible[0, 4],
    )
    data |= {"low": "", "high": "", "caption": ""}
    page.set_content('<body style="background: #fff"><div id="host"></div>')
    page.evaluate(MOUNT, [COLORED_TEXT.html, COLORED_TEXT.style, COLORED_TEXT.script, data])
    hatched = page.locator(".text .hatch")
    expect(hatched).to_have_count(11)
    expect(hatched.first).to_have_text("international")
    assert "repeating-linear-gradient" in hatched.first.evaluate(
        "element => getComputedStyle(element).backgroundImage"
    )
    hatched.first.hover()
    expect(page.get_by_test_id("colored-text-tip")).to_have_text(
        "can't be looked at · international"
    )
    expect(page.locator(".legend")).to_contain_text("can't be looked at")


@pytest.mark.parametrize("kind", ["head", "atlas", "arcs"])
def test_a_model_that_sees_all_keys_has_no_hatch(page: Page, tmp_path: Path, kind: str) -> None:
    open_saved(page, tmp_path, figure_spec(kind, read()))
    expect(page.locator("canvas").first).to_be_visible()
    if kind == "arcs":
        page.get_by_test_id("arcs-query").nth(5).click()
    expect(page.locator(".hatch")).to_have_count(0)
    expect(page.get_by_text("can't")).to_have_count(0)


@pytest.mark.parametrize(("family", "forbidden"), [("gpt2", (0, 9)), ("modernbert", (12, 1))])
def test_the_page_hatches_what_a_model_forbids(
    app: App, tmp_path: Path, family: str, forbidden: tuple[int, int]
) -> None:
    """GPT-2 looks back, a local layer of ModernBERT in a window; a click opens another head."""
    app.checkpoint = family_checkpoint(tmp_path / family, family)
    app.open(text="Oil prices rise as stocks fall, the market was not very good.", layer="1")
    canvas = app.page.get_by_test_id("heatmap")
    expect(canvas).to_have_attribute("data-grid", re.compile(r"\d"))
    for is_selected in (False, True):
        if is_selected:
            app.page.get_by_test_id("atlas").click(position={"x": 60, "y": 120})
            app.settle()
        left, top, wide, high = map(float, (canvas.get_attribute("data-grid") or "").split())
        row, column = forbidden
        corner = (left + column * wide + 2, top + row * high + 2)
        ground, lines = hatch_shares(canvas, "light", *corner, wide - 4, high - 4)
        assert ground > 0.5
        assert lines > 0.1
        canvas.hover(position={"x": left + (column + 0.5) * wide, "y": top + (row + 0.5) * high})
        expect(app.page.get_by_test_id("heatmap-tip")).to_contain_text("can't look at")
        app.page.mouse.move(0, 0)
