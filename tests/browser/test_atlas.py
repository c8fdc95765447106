"""What a reader does with the atlas, in a real browser."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, WebSocket, expect

from tests.browser.conftest import App
from viz import Classifier
from viz.attention.statistics import HeadStatistics, head_statistics

TEXT = "Oil prices rise as stocks fall, the market was not good."
LARGE = 10_000
"""Bytes from which on Streamlit keeps a message, and sends but a reference to it."""


@pytest.fixture
def page(shared_page: Page) -> Page:
    """One tab for all tests of this file."""
    return shared_page


class Received:
    """What the server sent since it was last asked."""

    def __init__(self, page: Page) -> None:
        self.messages: list[bytes] = []
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._note)

    def _note(self, frame: str | bytes) -> None:
        self.messages.append(frame if isinstance(frame, bytes) else frame.encode())

    def rasters(self) -> list[int]:
        """How large each message was that held the picture of the atlas."""
        sizes = [len(message) for message in self.messages if b'"levels":' in message]
        self.messages.clear()
        return sizes


@pytest.fixture
def atlas(app: App) -> Locator:
    """The atlas of one text, with nothing but its own choices."""
    return opened(app)


def opened(app: App) -> Locator:
    """The atlas, once it is painted."""
    app.open(text=TEXT, layer="1", head="1")
    canvas = app.page.get_by_test_id("atlas")
    expect(canvas).to_have_attribute("data-cells", re.compile("^\\[\\["))
    return canvas


@pytest.fixture
def facts(classifier: Classifier) -> HeadStatistics:
    """The facts of the same text."""
    reading = classifier.read(TEXT)
    return head_statistics(reading.encoding, reading.attention.weights)


def places(atlas: Locator) -> dict[tuple[int, int], tuple[float, float]]:
    """Left top corners of the thumbnails by layer and head, in the order shown."""
    cells = json.loads(atlas.get_attribute("data-cells") or "[]")
    return {(row, column): (x, y) for row, column, x, y in cells}


def point(atlas: Locator, layer: int, head: int, *, click: bool = False) -> None:
    x, y = places(atlas)[layer, head]
    act = atlas.click if click else atlas.hover
    act(position={"x": x + 8, "y": y + 8})


def choose(app: App, name: str, option: str) -> None:
    app.page.locator(f"select[name={name}]").select_option(option)


def shown(app: App) -> Iterator[int]:
    """The pixels of the atlas, as one number that changes with them."""
    while True:
        yield app.page.get_by_test_id("atlas").evaluate(
            "canvas => { const { width, height } = canvas;"
            " const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);"
            " return data.reduce((sum, value, at) => (sum + value * (at % 8191)) % 1e9, 0); }"
        )


def test_a_click_does_not_send_the_picture_again(app: App) -> None:
    received = Received(app.page)
    atlas = opened(app)
    assert [size > LARGE for size in received.rasters()] == [True]
    for layer, head in ((0, 2), (1, 3), (0, 1)):
        point(atlas, layer, head, click=True)
        expect(app.page).to_have_url(
            re.compile(rf"layer={layer}.*head={head}|head={head}.*layer={layer}")
        )
        app.settle()
        expect(app.page.get_by_test_id("atlas-selected")).to_have_text(f"L{layer} · H{head}")
    assert received.messages
    assert received.rasters() == []


def test_a_head_chosen_above_is_outlined_in_the_atlas(app: App, atlas: Locator) -> None:
    app.open_heads()
    app.page.get_by_role("option", name="3", exact=True).click()
    expect(app.page.get_by_test_id("atlas-selected")).to_have_text("L1 · H3")
    assert atlas.is_visible()


def test_heads_are_sorted_by_a_statistic(app: App, atlas: Locator, facts: HeadStatistics) -> None:
    choose(app, "statistic", "to_first")
    heads = [place for place in places(atlas) if place[0] < 3 and place[1] < 4]
    values = [facts.to_first[place] for place in heads]
    assert len(values) == 12
    assert values == sorted(values, reverse=True)
    assert list(places(atlas))[:12] == heads, "means come last"
    app.page.locator("input[name=sort]").uncheck()
    assert next(iter(places(atlas))) == (0, 0)
    assert places(atlas)[0, 4][0] > places(atlas)[0, 3][0]


def test_arrow_keys_follow_the_order_that_is_shown(app: App, atlas: Locator) -> None:
    choose(app, "statistic", "entropy")
    order = list(places(atlas))
    atlas.focus()
    for key, (layer, head) in (
        ("Home", order[0]),
        ("ArrowRight", order[1]),
        ("ArrowRight", order[2]),
        ("ArrowLeft", order[1]),
    ):
        app.page.keyboard.press(key)
        expect(app.page.get_by_test_id("atlas-selected")).to_have_text(f"L{layer} · H{head}")
    app.page.keyboard.press("End")
    expect(app.page.get_by_test_id("atlas-selected")).to_contain_text("mean of layers")


def test_heads_outside_a_range_are_dimmed(app: App, atlas: Locator, facts: HeadStatistics) -> None:
    choose(app, "statistic", "to_first")
    app.page.locator("input[name=sort]").uncheck()
    pixels = shown(app)
    before = next(pixels)
    app.page.locator("input[name=min]").fill("500")
    middle = (facts.to_first.min() + facts.to_first.max()) / 2
    left = int((facts.to_first >= middle).sum())
    expect(app.page.get_by_test_id("atlas-count")).to_have_text(f"{left} of 12 heads")
    assert next(pixels) != before
    app.page.locator("input[name=min]").fill("0")
    expect(app.page.get_by_test_id("atlas-count")).to_have_text("")
    assert next(pixels) == before
    assert atlas.is_visible()


def test_heads_of_one_pattern_are_shown(app: App, atlas: Locator, facts: HeadStatistics) -> None:
    choose(app, "statistic", "pattern")
    pattern = str(facts.pattern[0, 0])
    choose(app, "pattern", pattern)
    count = int((facts.pattern == pattern).sum())
    expect(app.page.get_by_test_id("atlas-count")).to_have_text(f"{count} of 12 heads")
    assert atlas.is_visible()


@pytest.mark.parametrize(("name", "option"), [("curve", "linear"), ("scale", "own")])
def test_colors_change_without_the_server(app: App, atlas: Locator, name: str, option: str) -> None:
    received = Received(app.page)
    pixels = shown(app)
    before = next(pixels)
    choose(app, name, option)
    assert next(pixels) != before
    assert received.messages == []
    assert atlas.is_visible()


def test_contributions_start_with_a_scale_for_each_head(app: App, atlas: Locator) -> None:
    scale = app.page.locator("select[name=scale]")
    expect(scale).to_have_value("shared")
    app.open(text=TEXT, show="contribution to the class")
    expect(scale).to_have_value("own")
    pixels = shown(app)
    before = next(pixels)
    choose(app, "scale", "shared")
    assert next(pixels) != before
    app.open(text=TEXT, show="contribution to the class", layer="1")
    expect(scale).to_have_value("shared")
    assert atlas.is_visible()


def test_choices_stay_for_the_next_text(app: App, atlas: Locator) -> None:
    choose(app, "statistic", "distance")
    choose(app, "curve", "linear")
    app.read("the team wins the game")
    for name, option in (("statistic", "distance"), ("curve", "linear")):
        expect(app.page.locator(f"select[name={name}]")).to_have_value(option)
    app.open(text=TEXT)
    expect(app.page.locator("select[name=statistic]")).to_have_value("distance")
    assert atlas.is_visible()


def test_the_card_says_the_facts_of_a_head(app: App, atlas: Locator, facts: HeadStatistics) -> None:
    point(atlas, 0, 2)
    card = app.page.get_by_test_id("atlas-hover")
    expect(card).to_contain_text("L0 · H2")
    expect(card).to_contain_text(str(facts.pattern[0, 2]))
    expect(card).to_contain_text(f"{facts.entropy[0, 2]:.2f} bits")
    atlas.focus()
    app.page.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_the_selected_head_is_shown_among_all(
    app: App, atlas: Locator, facts: HeadStatistics
) -> None:
    profile = app.page.get_by_test_id("atlas-profile")
    point(atlas, 0, 2, click=True)
    expect(profile).to_contain_text("One mark for each of 12 heads")
    expect(profile).to_contain_text("blue: L0 · H2.")
    expect(profile).to_contain_text(str(facts.pattern[0, 2]))
    expect(profile).to_contain_text(f"{facts.entropy[0, 2]:.2f} bits")
    marks = profile.locator("svg").first
    expect(marks.locator(".all")).to_have_attribute("d", re.compile(r"^(M[\d.]+ 0v10){12}$"))
    expect(marks.locator(".own")).to_have_attribute("d", re.compile(r"^(M[\d.]+ 0v10){1}$"))
    point(atlas, 3, 2, click=True)
    expect(profile).to_contain_text("H2 · mean of layers, whose numbers are means over 3 heads")
    expect(profile).to_contain_text(f"{facts.entropy[:, 2].mean():.2f} bits")
    expect(marks.locator(".own")).to_have_attribute("d", re.compile(r"^(M[\d.]+ 0v10){3}$"))
    app.page.set_viewport_size({"width": 400, "height": 900})
    expect(profile).to_be_hidden()


def test_a_screen_reader_hears_name_pattern_and_facts(
    app: App, atlas: Locator, facts: HeadStatistics
) -> None:
    live = app.page.get_by_test_id("atlas-live")
    atlas.focus()
    app.page.keyboard.press("ArrowRight")
    expect(live).to_contain_text(f"L1 · H2, {facts.pattern[1, 2]}: entropy")
    expect(live).to_have_attribute("aria-live", "polite")
    expect(atlas).to_have_attribute("aria-label", re.compile("3 × 4 heads"))


def test_enter_opens_the_head_and_escape_gives_the_focus_back(app: App, atlas: Locator) -> None:
    atlas.focus()
    app.page.keyboard.press("ArrowUp")
    app.page.keyboard.press("Enter")
    expect(app.page.locator("dialog[open]")).to_have_count(1)
    expect(atlas).not_to_be_focused()
    expect(app.page.get_by_test_id("atlas-selected")).to_have_text("L0 · H1")
    app.page.keyboard.press("Escape")
    expect(app.page.locator("dialog[open]")).to_have_count(0)
    expect(atlas).to_be_focused()


def test_enter_leads_to_the_row_on_the_text_and_escape_back(app: App) -> None:
    app.open(text=TEXT, layer="1", head="1", view="on the text")
    atlas = app.page.get_by_test_id("atlas")
    expect(atlas).to_have_attribute("data-cells", re.compile("^\\[\\["))
    atlas.focus()
    app.page.keyboard.press("Enter")
    expect(app.page.get_by_test_id("colored-text").last).to_be_focused()
    app.page.keyboard.press("ArrowRight")
    expect(app.page.get_by_test_id("colored-text-tip").last).to_be_visible()
    app.page.keyboard.press("Escape")
    expect(atlas).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_without_a_server_shows_the_same_atlas(
    page: Page, classifier: Classifier, tmp_path: Path, theme: str
) -> None:
    file = tmp_path / "atlas.html"
    file.write_text(stand_alone(classifier, theme), "utf-8")
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(file.as_uri())
    atlas = page.get_by_test_id("atlas")
    expect(page.get_by_test_id("atlas-selected")).to_have_text("L2 · H3")
    x, y = places(atlas)[0, 1]
    atlas.click(position={"x": x + 8, "y": y + 8})
    expect(page.get_by_test_id("atlas-selected")).to_have_text("L0 · H1")
    expect.soft(page.locator("[data-theme]")).to_have_attribute("data-theme", theme)
    page.wait_for_function("() => window.sent.length")
    assert page.evaluate("() => window.sent[0]") == {"layer": 0, "head": 1, "revision": 1}
    assert problems == []


def stand_alone(classifier: Classifier, theme: str) -> str:
    """A page with the atlas and no more: the least that its script asks of one."""
    from viz.attention.views import view
    from viz.colors import PALETTES
    from viz.widgets.atlas.payload import ATLAS, payload
    from viz.widgets.shared.modules import bundle

    reading = classifier.read(TEXT)
    facts = head_statistics(reading.encoding, reading.attention.weights)
    data = payload(view(reading.encoding, reading.attention.weights), facts)
    data |= {"selected": {"layer": 2, "head": 3}}
    colors = PALETTES["dark" if theme == "dark" else "light"]
    names = {"background-color": colors.ground, "text-color": colors.ink, "font": "sans-serif"}
    variables = "".join(f"--st-{name}: {value};" for name, value in names.items())
    script = bundle("page.js", f'import draw from "./{ATLAS.source}.js";\nwindow.draw = draw;')
    return f"""<!doctype html><meta charset="utf-8"><style>:root {{ {variables} }} {ATLAS.style}
    </style><div id="host">{ATLAS.html}</div><script type="module">
    {script}
    window.sent = [];
    const setStateValue = (name, value) => window.sent.push(value);
    const parentElement = document.getElementById("host");
    window.draw({{ data: [{json.dumps(data)}], parentElement, setStateValue }});
    </script>"""
