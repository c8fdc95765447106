"""The link to a page, without a browser: what is put into it, and what Back and Forward bring."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from tests.page_content import component_data
from tests.tiny_models import tiny_checkpoint
from viz.app import checkpoints, keys, link
from viz.app.panels.inside import trail

ROOT = Path(__file__).resolve().parents[3]
LONG = "oil " * 200
"""A text that no link holds."""

GoBack = Callable[[AppTest, Mapping[str, str]], AppTest]


@pytest.fixture
def app(checkpoint: Path) -> AppTest:
    """The app, opened by a link on the tiny checkpoint."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params.update({keys.CHECKPOINT: str(checkpoint), keys.TEXT: "the team wins"})
    return test


@pytest.fixture
def go_back(monkeypatch: pytest.MonkeyPatch) -> GoBack:
    """Run a page as a browser does that shows a link of before again."""

    def run(app: AppTest, before: Mapping[str, str]) -> AppTest:
        app.query_params.clear()
        app.query_params.update(before)
        with monkeypatch.context() as patch:
            context = SimpleNamespace(is_history_navigation=True)
            patch.setattr(link, "get_script_run_ctx", lambda **_: context)
            app.run()
        assert not app.exception
        return app

    return run


def now(app: AppTest) -> dict[str, str]:
    """The link of what a page shows."""
    return {name: value[-1] if isinstance(value, list) else value for name, value in linked(app)}


def linked(app: AppTest) -> list[tuple[str, str | list[str]]]:
    return list(app.query_params.items())


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
    first = now(app.run())
    app.selectbox(key=keys.METHOD).set_value("rollout").run()
    second = now(app)
    read(app, "oil prices rise")
    go_back(app, second)
    assert app.text_area(key=keys.TEXT).value == "the team wins"
    assert app.selectbox(key=keys.METHOD).value == "rollout"
    assert now(app) == second
    go_back(app, first)
    assert app.selectbox(key=keys.METHOD).value != "rollout"
    assert now(app) == first
    app.run()  # and what is chosen afterwards stays
    assert read(app, "oil prices rise").text_area(key=keys.TEXT).value == "oil prices rise"


def test_back_turns_heads_on_and_forward_off(app: AppTest, go_back: GoBack) -> None:
    app.query_params[keys.OFF] = "0.1"
    off = now(app.run())
    app.button(key="all-heads-on").click().run()
    whole = now(app)
    assert component_data(go_back(app, off), "atlas-selection")["off"] == [[0, 1]]
    assert "off" not in component_data(go_back(app, whole), "atlas-selection")


def test_back_opens_the_checkpoint_of_before(
    app: AppTest, checkpoint: Path, tmp_path: Path, go_back: GoBack
) -> None:
    other = tiny_checkpoint(tmp_path / "other")
    before = now(app.run())
    after = now(open_checkpoint(app, str(other)))
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
    before = now(app.run())
    on_the_hub = before | {keys.CHECKPOINT: "someone/model"}
    assert go_back(app, on_the_hub).selectbox(key=keys.CHECKPOINT).value == str(checkpoint)
    open_checkpoint(app, "someone/model")
    go_back(app, before)
    assert go_back(app, on_the_hub).selectbox(key=keys.CHECKPOINT).value == "someone/model"


def test_a_long_text_is_not_lost_by_going_back_to_a_link_without_one(
    app: AppTest, go_back: GoBack
) -> None:
    before = now(app.run())
    without = now(read(app, LONG))
    assert keys.TEXT not in without
    assert go_back(app, without).text_area(key=keys.TEXT).value == LONG
    assert go_back(app, before).text_area(key=keys.TEXT).value == "the team wins"
    assert go_back(app, without).text_area(key=keys.TEXT).value == LONG


def test_a_link_that_names_nothing_changes_nothing(app: AppTest, go_back: GoBack) -> None:
    app.query_params[keys.METHOD] = "rollout"
    shown = now(app.run())
    assert now(go_back(app, {})) == shown
    assert app.text_area(key=keys.TEXT).value == "the team wins"


def test_back_goes_from_equation_to_equation(app: AppTest, go_back: GoBack) -> None:
    app.switch_page("viz/app/pages/inside.py")
    first = now(app.run())
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
    before = now(app.run()) | {keys.LAYER: "1", keys.HEAD: "2"}
    app.text_area(key=keys.OTHER_TEXT).set_value("oil prices rise")
    next(each for each in app.button if each.label == "Compare").click().run()
    assert now(app)[keys.OTHER_TEXT] == "oil prices rise"
    go_back(app, before)
    assert app.text_area(key=keys.OTHER_TEXT).value == "the team loses"
    assert now(app) == before


def test_what_changes_together_is_put_into_the_link_at_once() -> None:
    def page() -> None:
        from viz.app import link

        link.keep({"one": "1", "two": "2", "three": None})
        link.keep_choice("four", "first", "first")
        link.keep_choice("five", "second", "first")

    app = AppTest.from_function(page)
    app.query_params.update({"three": "3", "four": "second", "two": "2", "six": "6"})
    app.run()
    assert now(app) == {"one": "1", "two": "2", "five": "second", "six": "6"}
