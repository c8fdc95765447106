"""The link to a page, without a browser: what is put into it, and what Back and Forward bring."""

from pathlib import Path

import pytest
from streamlit.runtime.state.query_params import QueryParams
from streamlit.testing.v1 import AppTest

from tests.page_content import component_data, link_of
from tests.tiny_models import tiny_checkpoint
from tests.viz.app.conftest import GoBack
from viz.app import checkpoints, keys
from viz.app.panels.inside import trail

ROOT = Path(__file__).resolve().parents[3]
LONG = "oil " * 200
"""A text that no link holds."""


@pytest.fixture
def app(checkpoint: Path) -> AppTest:
    """The app, opened by a link on the tiny checkpoint."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params.update({keys.CHECKPOINT: str(checkpoint), keys.TEXT: "the team wins"})
    return test


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs that a browser is sent, of which it makes a step of its history each."""
    urls: list[str] = []
    send = QueryParams._send_query_param_msg

    def note(parameters: QueryParams) -> None:
        urls.append(str(parameters))
        send(parameters)

    monkeypatch.setattr(QueryParams, "_send_query_param_msg", note)
    return urls


def read(app: AppTest, text: str) -> AppTest:
    """Type a text and press Read."""
    app.text_area(key=keys.TEXT).set_value(text)
    return app.button[0].click().run()


def open_checkpoint(app: AppTest, source: str) -> AppTest:
    """Type the name of a checkpoint."""
    box = app.selectbox(key=keys.CHECKPOINT)
    box.options.append(source)
    return box.set_value(source).run()


def test_back_shows_the_text_and_the_method_of_before(app: AppTest, go_back: GoBack) -> None:
    first = link_of(app.run())
    app.selectbox(key=keys.METHOD).set_value("rollout").run()
    second = link_of(app)
    read(app, "oil prices rise")
    go_back(app, second)
    assert app.text_area(key=keys.TEXT).value == "the team wins"
    assert app.selectbox(key=keys.METHOD).value == "rollout"
    assert link_of(app) == second
    go_back(app, first)
    assert app.selectbox(key=keys.METHOD).value != "rollout"
    assert link_of(app) == first
    app.run()  # and what is chosen afterwards stays
    assert read(app, "oil prices rise").text_area(key=keys.TEXT).value == "oil prices rise"


def test_back_turns_heads_on_and_forward_off(app: AppTest, go_back: GoBack) -> None:
    app.query_params[keys.OFF] = "0.1"
    off = link_of(app.run())
    app.button(key="all-heads-on").click().run()
    whole = link_of(app)
    assert component_data(go_back(app, off), "atlas-selection")["off"] == [[0, 1]]
    assert "off" not in component_data(go_back(app, whole), "atlas-selection")


def test_back_opens_the_checkpoint_of_before(
    app: AppTest, checkpoint: Path, tmp_path: Path, go_back: GoBack
) -> None:
    other = tiny_checkpoint(tmp_path / "other")
    before = link_of(app.run())
    after = link_of(open_checkpoint(app, str(other)))
    assert after[keys.CHECKPOINT] == str(other)
    assert go_back(app, before).selectbox(key=keys.CHECKPOINT).value == str(checkpoint)
    assert go_back(app, after).selectbox(key=keys.CHECKPOINT).value == str(other)
    assert app.run().selectbox(key=keys.CHECKPOINT).value == str(other)
    # A link without one is that of the checkpoint that opens by itself.
    go_back(app, {keys.TEXT: "the team wins"})
    assert app.selectbox(key=keys.CHECKPOINT).value == checkpoints.offered()[0]


def test_back_sends_the_app_to_the_hub_only_for_what_the_reader_typed(
    app: AppTest, checkpoint: Path, go_back: GoBack
) -> None:
    before = link_of(app.run())
    on_the_hub = before | {keys.CHECKPOINT: "someone/model"}
    assert go_back(app, on_the_hub).selectbox(key=keys.CHECKPOINT).value == str(checkpoint)
    open_checkpoint(app, "someone/model")
    go_back(app, before)
    assert go_back(app, on_the_hub).selectbox(key=keys.CHECKPOINT).value == "someone/model"


def test_a_long_text_is_not_lost_by_going_back_to_a_link_without_one(
    app: AppTest, go_back: GoBack
) -> None:
    before = link_of(app.run())
    without = link_of(read(app, LONG))
    assert keys.TEXT not in without
    assert go_back(app, without).text_area(key=keys.TEXT).value == LONG
    assert go_back(app, before).text_area(key=keys.TEXT).value == "the team wins"
    assert go_back(app, without).text_area(key=keys.TEXT).value == LONG


def test_a_link_that_names_nothing_changes_nothing(app: AppTest, go_back: GoBack) -> None:
    app.query_params[keys.METHOD] = "rollout"
    shown = link_of(app.run())
    assert link_of(go_back(app, {})) == shown
    assert app.text_area(key=keys.TEXT).value == "the team wins"


def test_back_goes_from_equation_to_equation(app: AppTest, go_back: GoBack) -> None:
    app.switch_page("viz/app/pages/inside.py")
    first = link_of(app.run())
    (score,) = app.session_state[trail.TRAIL]
    other = next(name for name in component_data(app, "equations", 1)["terms"] if name != score)
    go_back(app, first | {keys.TERM: other})
    assert app.session_state[trail.TRAIL] == [score, other]
    go_back(app, first)
    assert app.session_state[trail.TRAIL] == [score]
    go_back(app, first | {keys.LAYER: "0"})
    assert app.selectbox(key="inside-layer").value == 0


def test_back_on_compare_brings_both_texts_and_the_head(app: AppTest, go_back: GoBack) -> None:
    app.query_params[keys.OTHER_TEXT] = "the team loses"
    app.switch_page("viz/app/pages/compare.py")
    before = link_of(app.run()) | {keys.LAYER: "1", keys.HEAD: "2"}
    app.text_area(key=keys.OTHER_TEXT).set_value("oil prices rise")
    next(each for each in app.button if each.label == "Compare").click().run()
    assert link_of(app)[keys.OTHER_TEXT] == "oil prices rise"
    go_back(app, before)
    assert app.text_area(key=keys.OTHER_TEXT).value == "the team loses"
    assert link_of(app) == before


def test_back_on_compare_brings_a_long_text_of_that_page(app: AppTest, go_back: GoBack) -> None:
    read(app.run(), LONG)
    read(app, "the team wins")
    app.switch_page("viz/app/pages/compare.py").run()
    app.text_area(key=keys.OTHER_TEXT).set_value("oil prices " * 60)
    next(each for each in app.button if each.label == "Compare").click().run()
    without = link_of(app)
    assert keys.TEXT not in without
    app.text_area(key=keys.OTHER_TEXT).set_value("oil prices rise")
    next(each for each in app.button if each.label == "Compare").click().run()
    go_back(app, without)
    assert app.text_area(key=keys.TEXT).value == "the team wins"
    assert app.text_area(key=keys.OTHER_TEXT).value == "oil prices " * 60


def test_a_link_to_a_pair_and_a_single_text_opens_them(app: AppTest) -> None:
    texts = {keys.PAIR: "oil prices rise", keys.OTHER_TEXT: "the team loses"}
    app.query_params.update(texts)
    app.switch_page("viz/app/pages/compare.py").run()
    assert app.text_area(key=keys.PAIR).value == "oil prices rise"
    assert app.text_area(key=keys.OTHER_PAIR).value == ""
    assert keys.OTHER_PAIR not in link_of(app)


def test_what_a_page_changes_is_one_step_back(app: AppTest, sent: list[str]) -> None:
    app.query_params[keys.PAIR] = "oil prices rise"
    app.query_params[keys.OFF] = "0.1"
    app.run()
    sent.clear()
    app.text_area(key=keys.TEXT).set_value("oil prices rise")
    app.text_area(key=keys.PAIR).set_value("")
    app.button[0].click().run()
    assert sent
    assert len(set(sent)) == 1
    assert "oil prices rise" in sent[0]
    assert keys.PAIR not in sent[0]


@pytest.mark.parametrize("name", [keys.STRIDE, keys.WINDOW, keys.PASSAGE])
def test_a_number_of_any_length_is_passed_over(app: AppTest, name: str) -> None:
    app.query_params.update({keys.TEXT: "oil " * 100, keys.WINDOWS: "1", name: "9" * 5000})
    assert not app.run().exception


def test_a_head_of_any_length_is_passed_over(app: AppTest) -> None:
    app.query_params.update({keys.OTHER_TEXT: "the team loses"})
    app.query_params.update({keys.LAYER: "9" * 5000, keys.HEAD: "1"})
    assert not app.switch_page("viz/app/pages/compare.py").run().exception
    assert keys.LAYER not in link_of(app)


def test_parameters_are_changed_in_one_go(sent: list[str]) -> None:
    def page() -> None:
        from viz.app import link

        link.keep({"one": "1", "two": "2", "three": None})
        link.keep_choice("four", "first", "first")
        link.keep_choice("five", "second", "first")

    app = AppTest.from_function(page)
    app.query_params.update({"three": "3", "four": "second", "two": "2", "six": "6"})
    app.run()
    assert link_of(app) == {"one": "1", "two": "2", "five": "second", "six": "6"}
    assert len(sent) == 3
