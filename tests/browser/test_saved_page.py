"""A saved HTML page, opened from disk: it draws, it loads nothing, its heads open."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from viz import Classifier, Reading, attribute
from viz.attribution.contribution import contribution
from viz.export.formats import render
from viz.figures.spec import FigureSpec

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
        self.path.write_bytes(render(spec, "html"))
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
