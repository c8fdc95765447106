"""A saved HTML page, opened from disk: it draws, it loads nothing, its heads open."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from viz import Classifier, Reading, attribute, unfold
from viz.attribution.contribution import contribution
from viz.export.formats import render
from viz.export.step.file import export_step
from viz.figures.spec import FigureSpec
from viz.mechanism.unfolding.latex import equation_latex

INK = """canvas => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return new Set(Uint32Array.from(new Uint32Array(pixels.buffer))).size;
}"""


@pytest.fixture
def saved(page: Page, tmp_path: Path) -> Iterator["Saved"]:
    """Opens figures as pages; the test fails on a page error or any request but for the file."""
    opened = Saved(page, tmp_path / "figure.html")
    yield opened
    assert opened.problems == []


class Saved:
    """One page on disk."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page, self.path = page, path
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on(
            "console",
            lambda said: self.problems.append(said.text) if said.type == "error" else None,
        )
        page.on("request", lambda request: self._note(request.url))

    def open(self, spec: FigureSpec) -> None:
        """Save a figure and open the file."""
        self.show(render(spec, "html"))

    def show(self, content: bytes) -> None:
        """Save a page and open the file."""
        self.path.write_bytes(content)
        self.page.goto(self.path.as_uri())

    def _note(self, url: str) -> None:
        if url != self.path.as_uri() and not url.startswith(("data:", "blob:")):
            self.problems.append(f"request to {url}")


def test_a_head_is_drawn_with_its_exact_values(saved: Saved, reading: Reading) -> None:
    saved.open(FigureSpec(reading, "head", layer=1, head=2))
    canvas = saved.page.get_by_test_id("heatmap")
    expect(canvas).to_be_visible()
    assert canvas.evaluate(INK) > 10
    expect(saved.page.get_by_text("L1 · H2").first).to_be_visible()


def test_a_click_in_a_saved_atlas_opens_the_head(saved: Saved, reading: Reading) -> None:
    saved.open(FigureSpec(reading, "atlas"))
    atlas, place = saved.page.get_by_test_id("atlas"), saved.page.locator(".place")
    expect(place).to_have_text("L0 · H0")
    atlas.focus()
    saved.page.keyboard.press("ArrowRight")
    expect(place).to_have_text("L0 · H1")
    saved.page.keyboard.press("End")
    expect(place).to_have_text("L0 · mean of heads")


@pytest.mark.parametrize("kind", ["layer", "arcs"])
def test_a_layer_and_its_arcs_are_drawn(saved: Saved, reading: Reading, kind: str) -> None:
    saved.open(FigureSpec(reading, "layer" if kind == "layer" else "arcs", layer=1))
    if kind == "layer":
        expect(saved.page.get_by_test_id("heatmap")).to_have_count(4)
    else:
        expect(saved.page.get_by_text("market").first).to_be_visible()


def test_contributions_are_drawn_with_their_sign(
    saved: Saved, classifier: Classifier, reading: Reading
) -> None:
    saved.open(FigureSpec(reading, "head", layer=0, contribution=contribution(classifier, reading)))
    assert saved.page.get_by_test_id("heatmap").evaluate(INK) > 10


def test_an_attribution_is_the_colored_text_and_a_table(
    saved: Saved, classifier: Classifier, reading: Reading
) -> None:
    saved.open(FigureSpec(reading, "attribution", attribution=attribute(classifier, reading)))
    expect(saved.page.get_by_test_id("word").first).to_have_text("Oil")
    saved.page.get_by_text("All scores").click()
    expect(saved.page.get_by_role("cell", name="Oil", exact=True)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_theme_of_the_system(
    saved: Saved, reading: Reading, scheme: str
) -> None:
    saved.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    saved.open(FigureSpec(reading, "head", layer=1, head=2))
    ground = saved.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(17, 22, 29)" if scheme == "dark" else "rgb(255, 255, 255)")
    root = saved.page.locator(".root").first
    expect(root).to_have_attribute("data-theme", scheme)


def test_a_saved_equation_says_each_number_by_pointer_and_by_keys(
    saved: Saved, classifier: Classifier, reading: Reading
) -> None:
    unfolding = unfold(classifier, reading, 1, 2, 5, 3)
    step = unfolding.step("query")
    saved.show(export_step(unfolding, step, "html"))
    maps = saved.page.get_by_test_id("term")
    expect(maps).to_have_count(4)
    expect(saved.page.locator(".formula svg").first).to_have_attribute(
        "aria-label", equation_latex(step)
    )
    tip, live = saved.page.get_by_test_id("term-tip"), saved.page.locator(".live")
    result = maps.last.locator("canvas")
    assert result.evaluate(INK) > 3
    result.hover(position={"x": 2, "y": 2})
    expect(tip).to_contain_text("dimension 0")
    shown = tip.inner_text().split("\n")[0].replace("−", "-")
    assert float(shown) == pytest.approx(float(step.result.values[0]), rel=1e-6)
    weight = step.operands[1].values
    maps.nth(1).focus()
    for key in ("Home", "ArrowDown", "ArrowRight"):
        saved.page.keyboard.press(key)
    expect(live).to_contain_text("dimension 1, dimension 1")
    spoken = live.inner_text().split(",")[0].replace("−", "-").replace(" · 10^", "e")
    assert float(spoken) == pytest.approx(float(weight[1, 1]), rel=1e-6)
    saved.page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    saved.page.set_viewport_size({"width": 400, "height": 800})
    saved.page.reload()
    expect(maps).to_have_count(4)
    assert saved.page.evaluate("document.documentElement.scrollWidth") <= 400
