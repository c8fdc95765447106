"""The Compare page without a browser."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.page_content import component_data, page_text
from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.app import comparisons, keys
from viz.app.panels.comparison import results
from viz.errors import MethodError

ROOT = Path(__file__).resolve().parents[3]


def opened(checkpoint: Path, **link: str) -> AppTest:
    """The page, opened by a link."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["checkpoint"] = str(checkpoint)
    for name, value in link.items():
        app.query_params[name.replace("_", "-")] = value
    return app.switch_page("viz/app/pages/compare.py").run()


def heatmaps(app: AppTest) -> list[dict[str, Any]]:
    """What the heat maps show: the difference, the first and the second."""
    return [component_data(app, "heatmap", index) for index in range(3)]


@pytest.mark.parametrize("mode", ["two texts", "two checkpoints", "fine-tuning"])
def test_a_link_says_what_is_compared(checkpoint: Path, mode: str) -> None:
    app = opened(checkpoint, mode=mode)
    assert not app.exception
    assert app.segmented_control(key=keys.MODE).value == mode
    assert app.query_params.get("mode") == (None if mode == "two texts" else mode)


FIRST = "oil prices rise as stocks fall"
SECOND = "oil prices fall as the team wins"


def test_two_texts_are_compared_in_class_words_and_heads(checkpoint: Path) -> None:
    app = opened(checkpoint, text=FIRST, other_text=SECOND)
    assert not app.exception
    assert not app.error
    bars, words = component_data(app, "bars"), component_data(app, "colored-text")
    assert len(bars["rows"]) == 4
    (part,) = words["parts"]
    marks = [
        (each["text"], each.get("mark"), each.get("before")) for each in part if "score" in each
    ]
    assert ("fall", "replaced", "rise") in marks
    assert ("oil", None, None) in marks
    assert "change: every word hidden" in str(words["caption"])
    difference, first, second = heatmaps(app)
    assert difference["difference"]
    assert difference["signed"]
    assert not first["signed"]
    assert first["title"] == second["title"]


def test_a_class_of_any_name_can_be_explained(tmp_path: Path) -> None:
    labels = ("twice", "twice", results.CHANGE)
    checkpoint = tiny_checkpoint(tmp_path / "names", labels=labels)
    app = opened(checkpoint, text=FIRST, other_text=SECOND)
    rows = component_data(app, "bars")["rows"]
    assert {row["label"] for row in rows} == {"twice (class 0)", "twice (class 1)", labels[2]}
    first, second = (Classifier.load(checkpoint).read(text).prediction for text in (FIRST, SECOND))
    for row in rows:
        index = first.labels.index(row["label"])
        assert row["share"] == pytest.approx(first.probabilities[index], abs=1e-4)
        assert row["then"]["share"] == pytest.approx(second.probabilities[index], abs=1e-4)
    for target in ("what changed (class 2)", "twice (class 1)"):
        app.selectbox(key=results.TARGET).select(target).run()
        assert not app.exception
        caption = str(component_data(app, "colored-text")["caption"])
        assert f"logit {target.replace('changed (class 2)', 'changed')} −" in caption
        assert app.query_params["target"] == target


def test_two_texts_that_are_the_same_get_a_sentence_and_no_map_of_zeros(checkpoint: Path) -> None:
    app = opened(checkpoint, text=FIRST, other_text=FIRST)
    assert not app.exception
    assert [info.value for info in app.info] == [results.SAME]
    assert not component_data(app, "heatmap")
    app.text_area(key=keys.OTHER_TEXT).set_value(SECOND)
    app.button[0].click().run()
    assert not app.info
    assert heatmaps(app)[0]["difference"]


def test_a_word_that_is_chosen_selects_a_head_and_the_link_holds_it(checkpoint: Path) -> None:
    app = opened(checkpoint, text=FIRST, other_text=SECOND)
    assert "layer" not in app.query_params
    (words,) = (pills for pills in app.pills if "Words" in pills.label)
    words.set_value(0).run()
    assert not app.exception
    layer, head = app.query_params["layer"], app.query_params["head"]
    assert f"L{layer[0]} · H{head[0]} of the first" in str(heatmaps(app)[0]["title"])
    again = opened(checkpoint, text=FIRST, other_text=SECOND, layer="1", head="2")
    assert "L1 · H2 of the first" in str(heatmaps(again)[0]["title"])


def test_a_method_that_refuses_a_text_hides_neither_class_nor_heads(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise MethodError("Not this text.")

    monkeypatch.setattr(comparisons, "compare", refuse)
    app = opened(checkpoint, text=FIRST, other_text="the oil market falls")
    assert not app.error
    assert "Not this text." in page_text(app)
    assert component_data(app, "bars")["rows"]
    assert heatmaps(app)[0]["difference"]


def test_a_text_that_can_not_be_read_is_said(checkpoint: Path) -> None:
    app = opened(checkpoint, text=FIRST, other_text=" ")
    assert not app.exception
    assert len(app.error) == 1


def test_two_checkpoints_read_one_text(checkpoint: Path, tmp_path: Path) -> None:
    other = tiny_checkpoint(tmp_path / "other", seed=5)
    app = opened(checkpoint, mode="two checkpoints", text=FIRST, other_checkpoint=str(other))
    assert not app.exception
    assert not app.error
    assert "nearest of the second" in page_text(app)
    same = opened(checkpoint, mode="two checkpoints", text=FIRST, other_checkpoint=str(checkpoint))
    assert "Choose another checkpoint" in same.info[0].value
