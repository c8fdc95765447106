"""BertViz's pages from disk and in a frame: every control works, and nothing is asked for."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from viz import Classifier, Reading
from viz.colors import PALETTES, Theme, rgb
from viz.export.bertviz.page import bertviz_html
from viz.export.bertviz.parameters import View

OPACITIES = "lines => lines.map(line => +line.getAttribute('stroke-opacity'))"


@pytest.fixture(scope="module")
def pair(classifier: Classifier) -> Reading:
    return classifier.read("oil prices rise", "the team wins the game")


@pytest.fixture
def quiet(page: Page) -> Iterator[Page]:
    """A page that asks for nothing but files and that has no error."""
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
    page.on("console", lambda said: problems.extend([said.text] * (said.type == "error")))
    page.on("dialog", lambda opened: problems.append(f"dialog: {opened.message}"))
    page.on("request", lambda asked: problems.append(asked.url))
    yield page
    foreign = [p for p in problems if not p.startswith(("file:", "data:", "blob:", "about:"))]
    assert foreign == []


@pytest.fixture
def show(quiet: Page, tmp_path: Path) -> Any:
    """Open a page of BertViz from disk."""

    def shown(reading: Reading, **chosen: Any) -> Page:
        file = tmp_path / "bertviz.html"
        file.write_bytes(bertviz_html(reading, **chosen))
        quiet.goto(file.as_uri())
        return quiet

    return shown


def opacities(page: Page, within: str = "#attention") -> np.ndarray[Any, Any]:
    return np.array(page.locator(f"{within} line").evaluate_all(OPACITIES))


def lightness(color: str) -> float:
    """Mean of red, green and blue, 0 to 255."""
    return float(np.mean([int(part) for part in re.findall(r"\d+", color)[:3]]))


def close_to(weights: np.ndarray[Any, Any]) -> Any:
    return pytest.approx(weights.ravel(), rel=1e-3)


def test_the_head_view_draws_the_layer_that_is_chosen(show: Any, reading: Reading) -> None:
    page = show(reading, view="head", layers=[2, 0])
    assert page.locator("#layer option").all_inner_texts() == ["2", "0"]
    n_heads = reading.attention.n_heads
    assert opacities(page) == close_to(reading.attention.weights[2] / n_heads)
    page.get_by_label("Layer").select_option("0")
    assert opacities(page) == close_to(reading.attention.weights[0] / n_heads)


def test_the_head_view_shows_every_token_on_both_sides(show: Any, reading: Reading) -> None:
    page = show(reading, view="head")
    texts = [token.text for token in reading.encoding.tokens]
    assert page.locator("#left text").all_text_contents() == texts
    assert page.locator("#right text").all_text_contents() == texts


def test_a_color_shows_or_hides_its_head_and_a_double_click_leaves_one(
    show: Any, reading: Reading
) -> None:
    page = show(reading, view="head", heads=[1, 3])
    weights = reading.attention.weights[0].copy()
    weights[[0, 2]] = 0
    assert opacities(page) == close_to(weights / 2)
    colors = page.locator("#vis > svg > g").last.locator("rect")
    colors.nth(3).click()
    weights[3] = 0
    assert opacities(page) == close_to(weights)
    colors.nth(2).dblclick()
    alone = np.zeros_like(weights)
    alone[2] = reading.attention.weights[0, 2]
    assert opacities(page) == close_to(alone)


def test_pointing_at_a_token_leaves_its_lines(show: Any, reading: Reading) -> None:
    page = show(reading, view="head")
    page.locator("#left text").nth(2).hover()
    expect(page.locator("#attention")).to_have_attribute("visibility", "hidden")
    lines = page.locator("#attention line[visibility=visible]")
    assert lines.count() == reading.attention.n_heads * reading.attention.n_tokens
    assert set(lines.evaluate_all("l => l.map(x => x.getAttribute('left-token-index'))")) == {"2"}
    page.mouse.move(900, 500)
    expect(page.locator("#attention")).to_have_attribute("visibility", "visible")


@pytest.mark.parametrize("view", ["head", "model"])
def test_a_pair_is_filtered_by_its_texts(show: Any, pair: Reading, view: View) -> None:
    page = show(pair, view=view)
    choice = page.get_by_label("Attention")
    second = [token.part for token in pair.encoding.tokens].index(1)
    a, b = slice(second), slice(second, None)
    weights = pair.attention.weights[0] / (pair.attention.n_heads if view == "head" else 1)
    within = "#attention" if view == "head" else "#vis"
    for label, queries, keys in (
        ("A → B", a, b),
        ("B → A", b, a),
        ("A → A", a, a),
        ("B → B", b, b),
    ):
        choice.select_option(label=label)
        expected = weights[:, queries, keys]
        assert opacities(page, within)[: expected.size] == close_to(expected)
    choice.select_option(label="All")
    assert opacities(page, within)[: weights.size] == close_to(weights)


def test_the_model_view_draws_all_heads(show: Any, reading: Reading) -> None:
    page = show(reading, view="model")
    assert opacities(page, "#vis") == close_to(reading.attention.weights)


def test_a_picture_of_the_model_view_opens_and_closes(show: Any, reading: Reading) -> None:
    page = show(reading, view="model", layers=[1, 2], heads=[3, 0])
    picture = page.locator("#attn_background_1_0")
    box = picture.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_text("Layer 2, Head 3")).to_be_visible()
    assert opacities(page, "g.detail") == close_to(reading.attention.weights[2, 3])
    texts = [token.text for token in reading.encoding.tokens]
    assert page.locator("g.detail text.token").all_text_contents() == texts * 2
    page.locator("g.detail text.token").nth(1).hover()
    groups = page.locator(".attn-line-group")
    assert groups.evaluate_all("g => g.filter(x => x.style.opacity === '1').length") == 1
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".detail")).to_have_count(0)


@pytest.mark.parametrize("view", ["head", "model"])
@pytest.mark.parametrize("read", ["reading", "pair"])
def test_it_works_in_a_frame(
    quiet: Page, view: View, read: str, request: pytest.FixtureRequest
) -> None:
    page = bertviz_html(request.getfixturevalue(read), view=view).decode()
    quiet.set_content(f'<iframe width="1000" height="900" srcdoc="{html.escape(page)}"></iframe>')
    frame = quiet.frame_locator("iframe")
    expect(frame.locator("#vis line").first).to_be_attached()
    expect(frame.get_by_text("BertViz's license")).to_be_visible()


@pytest.mark.parametrize("view", ["head", "model"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_names_stand_out_from_the_ground_in_either_theme(
    show: Any, reading: Reading, view: View, theme: Theme
) -> None:
    page = show(reading, view=view, theme=theme)
    text = page.locator("#vis text").first
    ink = text.evaluate("text => getComputedStyle(text).fill")
    clear = "rgba(0, 0, 0, 0)"
    own, ground = (
        page.locator(at).evaluate("e => getComputedStyle(e).backgroundColor")
        for at in ("#vis", "body")
    )
    assert ground == "rgb({}, {}, {})".format(*rgb(PALETTES[theme].ground))
    behind = ground if own == clear else own
    assert abs(lightness(ink) - lightness(behind)) > 180


@pytest.mark.parametrize("view", ["head", "model"])
def test_a_token_of_markup_stays_text(show: Any, reading: Reading, view: View) -> None:
    hostile = "<img src=x onerror=alert(1)></script><script>alert(1)</script>"
    first, *others = reading.encoding.tokens
    tokens = (replace(first, text=hostile), *others)
    given = replace(reading, encoding=replace(reading.encoding, tokens=tokens))
    page = show(given, view=view)
    if view == "model":
        page.locator("#vis rect").nth(1).click(force=True)
    assert hostile in page.locator("#vis text").all_text_contents()
    assert page.locator("img").count() == 0
