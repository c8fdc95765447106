"""One head, closely, in a real browser: the heat map, and any picture on the whole screen."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from finetune.checkpoint.arrays import FloatArray
from tests.browser.stage import LABELS, Stage, view_of
from viz.attention.views import AttentionView
from viz.colors import Theme
from viz.widgets.heatmap import payload as heatmap

DEEP_FOCUS = """() => {
  let element = document.activeElement;
  while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element.id || element.dataset.testid;
}"""


@pytest.fixture
def stage(page: Page) -> Iterator[Stage]:
    with Stage.on(page) as stage:
        yield stage


def grid(canvas: Locator) -> tuple[float, float, float, float]:
    """Left, top, width and height of the first cell."""
    left, top, width, height = map(float, (canvas.get_attribute("data-grid") or "").split())
    return left, top, width, height


def cell(canvas: Locator, row: int, column: int) -> Any:
    """The middle of a cell, from the corner of the canvas."""
    left, top, width, height = grid(canvas)
    return {"x": left + (column + 0.5) * width, "y": top + (row + 0.5) * height}


def row_sum(weights: FloatArray, row: int) -> float:
    return float(weights[0, 0, row].sum(dtype=np.float64))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hovering_a_cell_says_its_exact_value_and_the_sum_of_its_row(
    stage: Stage, theme: Theme
) -> None:
    view = view_of()
    canvas = stage.heatmap(view, theme)
    for row, column in ((2, 3), (1, 4), (6, 5), (7, 0)):
        canvas.hover(position=cell(canvas, row, column))
        value = view.weights[0, 0, row, column]
        expect(stage.page.get_by_test_id("heatmap-tip")).to_have_text(
            f"{LABELS[row]} looks at {LABELS[column]}: {value:.6f}"
            f"row sums to {row_sum(view.weights, row):.6f}"
        )


def test_a_signed_value_says_what_it_hands_to_the_class(stage: Stage) -> None:
    view = view_of(signed=True)
    canvas = stage.heatmap(view)
    canvas.hover(position=cell(canvas, 2, 3))
    value = f"{view.weights[0, 0, 2, 3]:+.6f}".replace("-", "−")
    expect(stage.page.get_by_test_id("heatmap-tip")).to_contain_text(
        f"oil, looking at prices, contributes {value} to the class or score"
    )


def test_512_tokens_are_painted_soon_and_every_cell_can_be_read(stage: Stage) -> None:
    labels = tuple(f"w{index}" for index in range(512))
    view = view_of(labels=labels)
    canvas = stage.heatmap(view)
    assert stage.painted(heatmap.HEATMAP) < 1000  # far above what is measured, for a busy machine
    canvas.hover(position=cell(canvas, 300, 17))
    expect(stage.page.get_by_test_id("heatmap-tip")).to_contain_text(
        f"w300 looks at w17: {view.weights[0, 0, 300, 17]:.6f}"
    )


def test_one_strong_cell_among_512_is_seen(stage: Stage) -> None:
    weights = np.zeros((1, 1, 512, 512), np.float32)
    weights[0, 0, 301, 207] = 1
    base = view_of(labels=tuple(f"w{index}" for index in range(512)))
    view = AttentionView(base.spans, weights, base.removed, base.keys)
    stage.page.set_viewport_size({"width": 460, "height": 800})
    canvas = stage.heatmap(view)
    assert grid(canvas)[2] < 1
    dark = canvas.evaluate(
        """canvas => {
          const [left, top, wide, high] = canvas.dataset.grid.split(" ").map(Number);
          const pen = canvas.getContext("2d");
          const pixels = pen.getImageData(left + 2, top + 2, wide * 512 - 4, high * 512 - 4).data;
          let count = 0;
          for (let at = 0; at < pixels.length; at += 4) count += pixels[at] < 60;
          return count;
        }"""
    )
    assert 1 <= dark <= 4


def test_the_wheel_zooms_around_the_pointer_and_a_double_click_resets(stage: Stage) -> None:
    canvas = stage.heatmap(view_of(labels=tuple(f"w{index}" for index in range(64))))
    whole, place = grid(canvas), cell(canvas, 40, 20)
    tip = stage.page.get_by_test_id("heatmap-tip")
    canvas.hover(position=place)
    stage.page.keyboard.down("Control")
    stage.page.mouse.wheel(0, -120)
    stage.page.keyboard.up("Control")
    expect(tip).to_contain_text("w40 looks at w20")
    zoomed = grid(canvas)
    assert zoomed[2] > 2 * whole[2]
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + place["x"], box["y"] + place["y"]
    stage.page.mouse.down()
    stage.page.mouse.move(x + 3 * zoomed[2], y, steps=4)
    stage.page.mouse.up()
    assert grid(canvas)[0] == pytest.approx(zoomed[0] + 3 * zoomed[2], abs=1)
    stage.page.mouse.dblclick(x, y)
    assert grid(canvas) == whole


def test_the_wheel_alone_leaves_the_page_its_scrolling(stage: Stage) -> None:
    canvas = stage.heatmap(view_of())
    whole = grid(canvas)
    canvas.hover(position=cell(canvas, 2, 2))
    stage.page.mouse.wheel(0, -120)
    stage.page.wait_for_timeout(100)
    assert grid(canvas) == whole


def test_buttons_and_keys_zoom(stage: Stage) -> None:
    canvas = stage.heatmap(view_of(labels=tuple(f"w{index}" for index in range(64))))
    whole = grid(canvas)
    stage.page.get_by_test_id("heatmap-in").click()
    assert grid(canvas)[2] == pytest.approx(1.6 * whole[2], rel=1e-3)
    stage.page.get_by_test_id("heatmap-out").click()
    assert grid(canvas) == pytest.approx(whole)
    canvas.focus()
    stage.page.keyboard.press("+")
    assert grid(canvas)[2] > whole[2]
    stage.page.keyboard.press("0")
    assert grid(canvas) == whole


def test_arrow_keys_go_from_cell_to_cell_and_say_the_value(stage: Stage) -> None:
    view = view_of()
    canvas = stage.heatmap(view)
    canvas.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight"):
        stage.page.keyboard.press(key)
    live = stage.page.get_by_test_id("heatmap-live")
    expect(live).to_contain_text(f"oil looks at <b>x</b>: {view.weights[0, 0, 2, 1]:.6f}")
    stage.page.keyboard.press("End")
    expect(live).to_contain_text(f"oil looks at [SEP]: {view.weights[0, 0, 2, 7]:.6f}")
    stage.page.keyboard.press("Escape")
    expect(stage.page.get_by_test_id("heatmap-tip")).to_be_hidden()


def test_the_color_can_be_linear(stage: Stage) -> None:
    canvas = stage.heatmap(view_of())
    before = canvas.evaluate("canvas => canvas.toDataURL()")
    linear = stage.page.get_by_test_id("heatmap-linear")
    linear.click()
    expect(linear).to_have_attribute("aria-pressed", "true")
    assert canvas.evaluate("canvas => canvas.toDataURL()") != before


def test_zoom_stays_when_another_head_of_the_same_shape_comes(stage: Stage) -> None:
    canvas = stage.heatmap(view_of())
    stage.page.get_by_test_id("heatmap-in").click()
    zoomed = grid(canvas)
    other = view_of(seed=1)
    stage.page.evaluate("data => void window.show(data)", heatmap.payload(other, title="L0 · H1"))
    stage.painted(heatmap.HEATMAP, 2)
    expect(stage.page.get_by_text("L0 · H1")).to_be_visible()
    assert grid(canvas) == zoomed
    smaller = view_of(labels=("a", "b"))
    stage.page.evaluate("data => void window.show(data)", heatmap.payload(smaller, title="L0 · H1"))
    stage.painted(heatmap.HEATMAP, 3)
    expect(stage.page.get_by_test_id("heatmap-whole")).to_be_disabled()


HOLD: dict[str, Callable[[Stage], object]] = {
    "heatmap": lambda stage: stage.heatmap(view_of()),
    "arcs": lambda stage: stage.arcs(view_of(3)),
}


@pytest.mark.parametrize("name", HOLD)
def test_a_picture_fills_the_screen_and_comes_back(stage: Stage, name: str) -> None:
    HOLD[name](stage)
    screen, enlarge = stage.page.get_by_test_id("screen"), stage.page.get_by_test_id("enlarge")
    expect(screen).to_be_hidden()
    enlarge.click()
    expect(screen).to_be_visible()
    assert stage.page.evaluate(DEEP_FOCUS) == name
    picture = stage.page.get_by_test_id(name).bounding_box()
    assert picture is not None
    assert picture["y"] + picture["height"] <= 720
    stage.page.keyboard.press("Escape")
    expect(screen).to_be_hidden()
    expect(stage.page.get_by_test_id(name)).to_be_visible()
    assert stage.page.evaluate(DEEP_FOCUS) == "enlarge"
    assert stage.page.evaluate("window.closings") == 1
    enlarge.click()
    expect(enlarge).to_have_accessible_name("Close")
    enlarge.click()
    expect(screen).to_be_hidden()
    assert stage.page.evaluate("window.closings") == 2


@pytest.mark.parametrize("name", HOLD)
def test_another_picture_can_open_it_and_gets_the_focus_back(stage: Stage, name: str) -> None:
    HOLD[name](stage)
    stage.page.locator("#other").focus()
    event = "picture => window.dispatchEvent(new CustomEvent('clsight:open', {detail: {picture}}))"
    stage.page.evaluate(event, "another")
    expect(stage.page.get_by_test_id("screen")).to_be_hidden()
    stage.page.evaluate(event, None)
    expect(stage.page.get_by_test_id("screen")).to_be_visible()
    stage.page.keyboard.press("Escape")
    expect(stage.page.get_by_test_id("screen")).to_be_hidden()
    assert stage.page.evaluate(DEEP_FOCUS) == "other"


@pytest.mark.parametrize("name", HOLD)
def test_a_picture_that_is_taken_away_while_it_fills_the_screen_leaves_nothing(
    stage: Stage, name: str
) -> None:
    HOLD[name](stage)
    stage.page.get_by_test_id("enlarge").click()
    stage.page.evaluate("window.end()")
    expect(stage.page.get_by_test_id("screen")).to_be_hidden()
    stage.page.evaluate("window.dispatchEvent(new CustomEvent('clsight:open'))")
    expect(stage.page.get_by_test_id("screen")).to_be_hidden()
