"""The Read page without a browser: widgets, calls and sentences."""

import re
import time
from pathlib import Path
from typing import cast

import pytest
from streamlit.testing.v1 import AppTest

from tests.architectures import architecture_checkpoint
from tests.family_tokenizers import family_tokenizer
from tests.page_content import component_data, page_text
from tests.tiny_models import (
    edit_config,
    tiny_checkpoint,
    tiny_mpnet,
    with_tokenizer,
    without_mask_token,
)
from viz import METHODS, Classifier
from viz.app import keys
from viz.app.examples import load_examples
from viz.app.panels.method import SEVERAL, ordered

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def app(checkpoint: Path) -> AppTest:
    """The app, opened by a link on the tiny checkpoint."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params["checkpoint"] = str(checkpoint)
    return test


def write(app: AppTest, text: str) -> AppTest:
    """Type a text and press Read."""
    app.text_area(key=keys.TEXT).set_value(text)
    return app.button[0].click().run()


def test_the_page_opens_with_an_example_already_read(app: AppTest) -> None:
    app.run()
    assert not app.exception
    assert not app.error
    assert app.text_area(key=keys.TEXT).value == load_examples()[0].text
    assert component_data(app, "heatmap")["title"] == "L2 · mean of heads"
    assert "every word hidden" in page_text(app)


def test_a_link_restores_text_method_layer_and_head(app: AppTest) -> None:
    app.query_params.update(
        {"text": "the team wins", "layer": "1", "head": "3", "method": "Attention rollout"}
    )
    app.run()
    assert app.text_area(key=keys.TEXT).value == "the team wins"
    assert app.selectbox(key=keys.METHOD).value == "rollout"
    assert component_data(app, "heatmap")["title"] == "L1 · H3"


@pytest.mark.usefixtures("_no_pass_adds_up")
def test_a_method_of_a_link_that_the_checkpoint_refuses_is_said(
    app: AppTest, tmp_path: Path
) -> None:
    app.query_params["checkpoint"] = str(tiny_mpnet(tmp_path / "mpnet"))
    app.query_params["method"] = "Decomposition"
    app.run()
    assert not app.exception
    (said,) = app.toast
    assert "The decomposition does not add up for the architecture MPNet" in said.value
    assert app.selectbox(key=keys.METHOD).value != "decomposition"
    assert "method" not in app.query_params


def test_a_short_text_goes_into_the_link_and_a_long_one_does_not(app: AppTest) -> None:
    write(app.run(), "the market falls")
    assert app.query_params["text"] == "the market falls"
    write(app, "oil " * 200)
    assert "text" not in app.query_params


def test_half_a_pair_does_not_go_into_the_link(app: AppTest) -> None:
    app.query_params.update({"text": "oil", "pair": "the team wins"})
    write(app.run(), "oil " * 200)
    assert "text" not in app.query_params
    assert "pair" not in app.query_params


@pytest.mark.parametrize(
    "label", ["Gradient × attention", "Attention of [CLS]", "Input × gradient"]
)
def test_every_method_can_be_chosen(app: AppTest, label: str) -> None:
    app.query_params["method"] = label
    app.run()
    assert not app.exception
    assert not app.error


def test_a_class_is_explained_against_the_one_that_was_chosen(app: AppTest) -> None:
    app.run()
    app.selectbox(key=keys.TARGET).select(0).run()
    app.selectbox(key=keys.AGAINST).select(3).run()
    assert "logit World − logit Sci/Tech" in page_text(app)
    app.selectbox(key=keys.AGAINST).select("nothing").run()
    assert "logit World" in page_text(app)
    assert "− logit" not in page_text(app)


def test_a_class_whose_name_another_option_has_can_be_chosen(tmp_path: Path) -> None:
    labels = ("nothing", "twice", "twice", "predicted class")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["checkpoint"] = str(tiny_checkpoint(tmp_path / "names", labels=labels))
    app.run()
    for target in (3, 1):
        app.selectbox(key=keys.TARGET).select(target).run()
        assert not app.exception
        assert app.selectbox(key=keys.TARGET).value == target
    app.selectbox(key=keys.AGAINST).select(0).run()
    assert "logit twice (class 1) − logit nothing" in page_text(app)


def test_the_heading_names_a_class_that_is_not_the_predicted_one(app: AppTest) -> None:
    app.run()
    assert app.subheader[0].value == "Why this class?"
    asked = []
    for index in range(4):
        app.selectbox(key=keys.TARGET).select(index).run()
        asked.append(app.subheader[0].value)
    assert sorted(asked)[-1] == "Why this class?"
    named = {"Why World?", "Why Sports?", "Why Business?", "Why Sci/Tech?"}
    assert len(named & set(asked)) == 3


def test_a_method_that_joins_all_other_classes_leaves_no_choice_of_one(app: AppTest) -> None:
    app.query_params["method"] = METHODS["decomposition-path"].label
    app.run()
    (against,) = [box for box in app.selectbox if box.label == "Against"]
    assert (against.value, against.disabled) == ("all others", True)
    assert "log-odds" in page_text(app)


def test_bars_are_drawn_on_demand(app: AppTest) -> None:
    app.run()
    before = len(app.get("plotly_chart"))
    app.toggle(key=keys.BARS).set_value(True).run()
    assert len(app.get("plotly_chart")) == before + 1


def test_removing_special_tokens_says_how_much_went_with_them(app: AppTest) -> None:
    app.run()
    app.toggle(key=keys.SPECIAL).set_value(False).run()
    note = str(component_data(app, "heatmap")["note"])
    assert "of its attention went to special tokens; rows rescaled to 1" in note


def test_a_second_text_is_read_with_the_first(app: AppTest) -> None:
    app.run()
    app.toggle(key=keys.HAS_PAIR).set_value(True).run()
    app.text_area(key=keys.PAIR).set_value("the team wins")
    app.button[0].click().run()
    assert not app.error
    assert app.query_params["pair"] == "the team wins"


def test_a_link_restores_a_pair_of_texts(app: AppTest) -> None:
    app.query_params.update({"text": "oil prices", "pair": "the team wins"})
    app.run()
    assert app.toggle(key=keys.HAS_PAIR).value
    assert app.text_area(key=keys.PAIR).value == "the team wins"


def test_an_example_replaces_the_text(app: AppTest) -> None:
    app.run()
    app.selectbox(key=keys.EXAMPLE).select(load_examples()[1].name).run()
    assert app.text_area(key=keys.TEXT).value == load_examples()[1].text
    assert app.selectbox(key=keys.EXAMPLE).value == load_examples()[1].name
    write(app, "oil prices")
    assert app.selectbox(key=keys.EXAMPLE).value is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The text is empty; write at least one word."),
        (" \n ", "The text is empty; write at least one word."),
        ("\x00\x07", "No token of this text is left; write at least one word."),
        ("ΩΨ 🙂", "No character of this text is in the model's vocabulary"),
    ],
)
def test_a_text_that_cannot_be_read_is_one_sentence_and_the_page_goes_on(
    app: AppTest, text: str, sentence: str
) -> None:
    write(app.run(), text)
    assert len(app.error) == 1
    assert app.error[0].value.startswith(sentence)
    write(app, "the market falls")
    assert not app.error
    assert not app.exception


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("oil " * 20_000, "The model never saw the last 19,938 of 20,002 tokens"),
        ("oil ΩΨ prices", "1 of 3 tokens is unknown to the vocabulary"),
    ],
)
def test_what_the_model_did_not_see_is_said(app: AppTest, text: str, note: str) -> None:
    write(app.run(), text)
    assert not app.error
    assert note in app.warning[0].value


@pytest.mark.parametrize(
    "text", ["<script>alert('oil')</script>", "<b>oil</b> & $x^2$", "oil\x07 a"]
)
def test_markup_is_sent_as_text(app: AppTest, text: str) -> None:
    """The browser test of the same name checks that it also stays text there."""
    write(app.run(), text)
    assert not app.error
    assert not app.exception
    (part,) = cast("list[list[dict[str, str]]]", component_data(app, "colored-text")["parts"])
    assert "".join(s["text"] for s in part if s["kind"] != "special") == text


def test_names_that_a_checkpoint_brings_are_not_taken_for_markdown(tmp_path: Path) -> None:
    """A picture in a class name would be fetched from a foreign host."""
    hostile = "![x](http://example.invalid/x.png)"
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["checkpoint"] = str(tiny_checkpoint(tmp_path / "h", labels=(hostile, "b")))
    app.run()
    assert not app.error
    written = [str(e.value) for e in [*app.caption, *app.markdown, *app.warning]]
    assert not any("![" in text for text in written)
    edit_config(tmp_path / "h", architectures=[hostile])
    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    again.query_params["checkpoint"] = str(tmp_path / "h")
    again.run()
    assert "\\!\\[x\\]" in again.error[0].value


def test_a_folder_that_is_no_checkpoint_is_one_sentence_and_the_widgets_stay(
    app: AppTest, tmp_path: Path
) -> None:
    app.query_params["checkpoint"] = str(tmp_path)
    app.run()
    assert "is not a checkpoint\\: config.json is missing" in app.error[0].value
    assert app.selectbox(key=keys.CHECKPOINT)
    assert app.text_area(key=keys.TEXT)


def test_a_hub_id_with_no_network_is_one_sentence(app: AppTest) -> None:
    app.session_state[keys.CHECKPOINT] = "someone/some-model"
    app.run()
    assert "the Hugging Face Hub has no such model" in app.error[0].value


def test_a_link_does_not_send_the_app_to_the_hub(app: AppTest) -> None:
    app.query_params["checkpoint"] = "someone/some-model"
    app.run()
    assert app.selectbox(key=keys.CHECKPOINT).value != "someone/some-model"
    assert "The link names the checkpoint 'someone/some-model'" in app.warning[0].value


def test_contributions_are_of_the_class_that_is_explained(app: AppTest) -> None:
    app.query_params["show"] = "contribution to the class"
    app.run()
    assert component_data(app, "heatmap")["signed"]
    app.selectbox(key=keys.TARGET).select(0).run()
    app.selectbox(key=keys.AGAINST).select(3).run()
    assert "What each weight contributes to logit World − logit Sci/Tech" in page_text(app)


@pytest.mark.usefixtures("_no_pass_adds_up")
def test_a_checkpoint_that_can_not_be_split_shows_weights_alone(tmp_path: Path) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["checkpoint"] = str(tiny_mpnet(tmp_path / "mpnet"))
    app.query_params.update({"method": "Attention rollout", "show": "contribution to the class"})
    app.run()
    assert not app.exception
    assert not app.error
    assert app.segmented_control(key=keys.MEASURE).options == ["weights"]
    assert not component_data(app, "heatmap")["signed"]


def test_a_pair_can_be_seen_by_its_quadrants(app: AppTest) -> None:
    app.query_params.update({"text": "oil prices", "pair": "the team", "quadrant": "A-B"})
    app.run()
    assert not app.exception
    assert app.segmented_control(key=keys.QUADRANT).value == "A-B"
    app.segmented_control(key=keys.QUADRANT).set_value("B-B").run()
    assert not app.exception


def test_one_text_has_no_quadrants(app: AppTest) -> None:
    app.run()
    assert keys.QUADRANT not in [control.key for control in app.segmented_control]


def test_bertviz_is_shown_where_it_is_asked_for(app: AppTest) -> None:
    app.run()
    assert not app.get("iframe")
    app.toggle(key=keys.BERTVIZ).set_value(True).run()
    assert not app.exception
    assert app.get("iframe")


def test_a_quadrant_does_not_claim_that_its_rows_sum_to_1(app: AppTest) -> None:
    app.query_params.update({"text": "oil prices rise", "pair": "the team wins"})
    assert component_data(app.run(), "heatmap")["note"] == "each row sums to 1"
    quadrants = next(one for one in app.segmented_control if one.key == keys.QUADRANT)
    note = str(component_data(quadrants.set_value("A-B").run(), "heatmap")["note"])
    assert re.fullmatch(r"text A looking at B: rows sum to 0\.\d\d on average", note)


def test_a_head_that_hands_nothing_to_the_class_is_said_to(app: AppTest) -> None:
    app.query_params.update({"show": "contribution to the class", "layer": "1"})
    assert "nothing is rescaled" in str(component_data(app.run(), "heatmap")["note"])
    app.selectbox(key=keys.LAYER).set_value("2")
    note = component_data(app.toggle(key=keys.SPECIAL).set_value(False).run(), "heatmap")["note"]
    assert note == "all 0: nothing here contributes to the class or score"


LONG = "oil prices rise as stocks fall the market team wins game election peace talks"


def finished(app: AppTest) -> AppTest:
    """The app once what it computes in the background is there."""
    for _ in range(100):
        if "parts" in component_data(app, "colored-text"):
            return app
        time.sleep(0.1)
        app.run()
    raise AssertionError("the explanation did not come")


def test_a_slow_method_is_computed_beside_the_page_and_kept(app: AppTest) -> None:
    app.query_params.update({"text": LONG, "method": "occlusion"})
    app.run()
    assert component_data(app, "heatmap")
    finished(app)
    assert not app.exception
    assert "What the class loses when a word is hidden" in page_text(app)
    app.run()
    assert "parts" in component_data(app, "colored-text")


def test_settings_of_a_method_change_what_it_finds(app: AppTest) -> None:
    app.query_params.update({"text": LONG, "method": "occlusion"})
    before = component_data(finished(app.run()), "colored-text")["parts"]
    app.segmented_control(key="option-occlusion-operator").set_value("delete").run()
    assert component_data(finished(app), "colored-text")["parts"] != before


def test_ways_of_hiding_words_that_a_tokenizer_lacks_are_not_offered(
    tmp_path: Path, checkpoint: Path
) -> None:
    plain = without_mask_token(tmp_path / "plain")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"checkpoint": str(checkpoint), "text": LONG, "method": "shapley"})
    assert "mask" in app.run().segmented_control(key="option-shapley-operator").options
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"checkpoint": str(plain), "text": LONG, "method": "shapley"})
    finished(app.run())
    assert not app.exception
    assert app.number_input(key="option-shapley-seed").value == 0
    with pytest.raises(KeyError):
        app.segmented_control(key="option-shapley-operator")
    app.session_state["option-integrated-gradients-baseline"] = "mask"  # of another checkpoint
    app.selectbox(key=keys.METHOD).select("integrated-gradients").run()
    baseline = app.segmented_control(key="option-integrated-gradients-baseline")
    assert (baseline.value, baseline.options) == ("zero", ["zero", "pad"])
    assert "[MASK]" not in page_text(app)
    assert not app.exception


def test_a_text_without_special_tokens_is_read_explained_and_measured(tmp_path: Path) -> None:
    bare = with_tokenizer(tmp_path / "bare", family_tokenizer("gpt2"))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"checkpoint": str(bare), "text": LONG, "method": "kernel-shap"})
    finished(app.run())
    for _ in range(100):
        if "measuring" not in page_text(app):
            break
        time.sleep(0.1)
        app.run()
    assert not app.exception
    assert not app.error
    assert keys.SPECIAL not in [toggle.key for toggle in app.toggle]
    (parts,) = cast("list[list[dict[str, str]]]", component_data(app, "colored-text")["parts"])
    assert [part["text"] for part in parts if part["kind"] != "gap"] == LONG.split()
    assert {part["kind"] for part in parts} == {"word", "gap"}
    assert "by deletion: comprehensiveness" in str([each.help for each in app.markdown])


def test_a_link_names_a_method_by_its_name_too(app: AppTest) -> None:
    app.query_params["method"] = "rollout"
    assert app.run().selectbox(key=keys.METHOD).value == "rollout"


def test_methods_are_offered_quick_ones_first_then_by_their_cost(classifier: Classifier) -> None:
    costs = [METHODS[name].cost for name in ordered(classifier)]
    slow = [cost for cost in costs if cost >= SEVERAL]
    assert slow == sorted(slow)
    assert costs[-len(slow) :] == slow
    assert set(ordered(classifier)) == set(METHODS)


@pytest.mark.usefixtures("_no_pass_adds_up")
def test_only_what_a_checkpoint_allows_is_offered_and_the_first_of_it_is_taken(
    tmp_path: Path, checkpoint: Path
) -> None:
    architecture_checkpoint(tmp_path / "modern", "modernbert", classifier_pooling="mean")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"checkpoint": str(checkpoint), "text": LONG, "method": "rollout"})
    assert app.run().selectbox(key=keys.METHOD).value == "rollout"
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"checkpoint": str(tmp_path / "modern"), "text": LONG})
    app.query_params.update({"method": "decomposition", "show": "contribution to the class"})
    app.run()
    assert not app.exception
    assert not app.error
    method = app.selectbox(key=keys.METHOD)
    assert method.value == "grad-attention"
    offered = {label.split(" · ")[0] for label in method.options}
    assert {METHODS[name].label for name in ("occlusion", "saliency", "attattr")} <= offered
    refused = ("decomposition", "decomposition-path", "decomposition+")
    assert not {METHODS[name].label for name in refused} & offered
    assert app.segmented_control(key=keys.MEASURE).options == ["weights"]
    assert "parts" in component_data(app, "colored-text")
