"""The arcs in a real browser."""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import Stage, view_of
from viz.widgets.arcs import payload as arcs


@pytest.fixture
def stage(page: Page) -> Iterator[Stage]:
    with Stage.on(page) as stage:
        yield stage


def test_a_hovered_query_shows_its_exact_weights_beside_the_keys(stage: Stage) -> None:
    view = view_of(3)
    stage.arcs(view)
    stage.token("query", 2).hover()
    for index, value in enumerate(view.weights[0, 0, 2]):
        if value:
            expect(stage.token("key", index)).to_contain_text(f"{value:.6f}")
    expect(stage.page.get_by_test_id("arcs-share")).to_have_text(
        re.compile(r"oil: \d arcs hold 100% of the weight it gives in H0\.")
    )


def test_a_hovered_key_shows_who_looks_at_it(stage: Stage) -> None:
    view = view_of(3)
    stage.arcs(view)
    stage.token("key", 3).hover()
    value = view.weights[0, 0, 5, 3]
    expect(stage.token("query", 5)).to_contain_text(f"{value:.6f}")
    expect(stage.page.get_by_test_id("arcs-share")).to_contain_text("of the weight it gets in H0")


def test_a_click_pins_a_token_and_escape_or_another_click_lets_go(stage: Stage) -> None:
    stage.arcs(view_of(3))
    share = stage.page.get_by_test_id("arcs-share")
    token = stage.token("query", 2)
    for again in ("click", "Escape"):
        token.click()
        expect(token).to_have_attribute("aria-selected", "true")
        stage.token("query", 5).hover()
        expect(share).to_contain_text("oil:")
        if again == "click":
            token.click()
        else:
            stage.page.keyboard.press(again)
        expect(token).to_have_attribute("aria-selected", "false")
        stage.page.mouse.move(0, 0)
        expect(share).to_contain_text("The strongest")


def test_escape_lets_go_of_a_pinned_token_before_it_closes_the_screen(stage: Stage) -> None:
    stage.arcs(view_of(3))
    stage.page.get_by_test_id("enlarge").click()
    stage.token("query", 2).click()
    stage.page.keyboard.press("Escape")
    expect(stage.token("query", 2)).to_have_attribute("aria-selected", "false")
    expect(stage.page.get_by_test_id("screen")).to_be_visible()
    stage.page.keyboard.press("Escape")
    expect(stage.page.get_by_test_id("screen")).to_be_hidden()


def test_tokens_are_reached_and_pinned_by_keys(stage: Stage) -> None:
    stage.arcs(view_of(3))
    stage.token("query", 0).focus()
    stage.page.keyboard.press("ArrowDown")
    stage.page.keyboard.press("ArrowDown")
    expect(stage.token("query", 2)).to_be_focused()
    stage.page.keyboard.press("ArrowRight")
    expect(stage.token("key", 2)).to_be_focused()
    expect(stage.page.get_by_test_id("arcs-share")).to_contain_text("oil:")
    stage.page.keyboard.press("Enter")
    expect(stage.token("key", 2)).to_have_attribute("aria-selected", "true")


def test_chips_choose_heads_and_one_always_stays(stage: Stage) -> None:
    view = view_of(4)
    stage.arcs(view)
    share = stage.page.get_by_test_id("arcs-share")
    stage.chip("H1").click()
    expect(share).to_contain_text("2 heads")
    stage.token("query", 2).hover()
    both = view.weights[0, :2, 2, 3]
    expect(stage.token("key", 3)).to_contain_text(f"H{both.argmax()} {both.max():.3f}")
    stage.chip("all").click()
    expect(share).to_contain_text("3 heads")
    expect(stage.chip("mean")).to_have_attribute("aria-pressed", "false")
    stage.chip("one").click()
    expect(stage.chip("H1")).to_have_attribute("aria-pressed", "true")
    expect(share).to_contain_text("H1")
    stage.chip("H1").click()
    expect(stage.chip("H1")).to_have_attribute("aria-pressed", "true")
    expect(stage.chip("H1")).to_be_focused()


def test_the_share_of_the_strongest_arcs_is_that_of_numpy(stage: Stage) -> None:
    view = view_of(3, labels=tuple(f"w{index}" for index in range(100)))
    stage.arcs(view, 0, 1)
    strongest = np.sort(view.weights[0, :2].astype(np.float64).ravel())[-300:]
    expect(stage.page.get_by_test_id("arcs-share")).to_have_text(
        f"The strongest 300 arcs hold {strongest.sum() / 200 * 100:.1f}% of the weight in 2 heads."
    )


def test_one_head_of_signed_shares_is_colored_by_sign(stage: Stage) -> None:
    stage.arcs(view_of(3, signed=True))
    expect(
        stage.page.get_by_text("Orange: against the class, or lowers the score.")
    ).to_be_visible()
    stage.chip("H1").click()
    expect(
        stage.page.get_by_text("Dashed: against the class, or lowers the score.")
    ).to_be_visible()


def test_512_tokens_scroll_within_the_picture(stage: Stage) -> None:
    stage.arcs(view_of(13, labels=tuple(f"w{index}" for index in range(512))), *range(12))
    assert stage.painted(arcs.ARCS) < 2000  # far above what is measured, for a busy machine
    box = stage.page.get_by_test_id("arcs").bounding_box()
    assert box is not None
    assert box["height"] <= 620
    stage.token("query", 0).focus()
    stage.page.keyboard.press("End")
    expect(stage.token("query", 511)).to_be_in_viewport()


def test_markup_in_tokens_stays_text(stage: Stage) -> None:
    stage.arcs(view_of(3))
    expect(stage.token("query", 1).locator("bdi")).to_have_text("<b>x</b>")
    assert stage.page.locator("#host b").count() == 0


def test_arcs_of_nothing_say_so(stage: Stage) -> None:
    view = view_of(2, signed=True)
    stage.arcs(replace(view, weights=np.zeros_like(view.weights)))
    share = stage.page.get_by_test_id("arcs-share")
    expect(share).to_have_text("Nothing to draw: each share in H0 is 0.")
