"""The Inside page without a browser: the cell, the equations, the walk, and what it sends."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.families import family_checkpoint
from tests.page_content import component_data
from tests.tiny_models import tiny_checkpoint
from viz import Classifier, Reading
from viz.app import keys
from viz.app.panels.inside import sections, trail
from viz.app.panels.inside.cell import CELL, existing_cell
from viz.mechanism.trace import recorder
from viz.mechanism.unfolding.unfold import unfold
from viz.mechanism.unfolding.unfolding import Unfolding
from viz.model.classifier import default_checkpoint
from viz.widgets.equations import payload
from viz.widgets.equations.component import Event

ROOT = Path(__file__).resolve().parents[3]
INSIDE = "viz/app/pages/inside.py"
MEGABYTE = 1e6


@pytest.fixture
def app(checkpoint: Path) -> AppTest:
    """The page, on the tiny checkpoint."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params.update({"checkpoint": str(checkpoint), "text": "the market falls"})
    return test.switch_page(INSIDE)


@pytest.fixture(scope="module")
def unfolding(classifier: Classifier, reading: Reading) -> Unfolding:
    return unfold(classifier, reading, 1, 2, 3, 4)


def followed(app: AppTest) -> str:
    """The id of the term that is followed."""
    return str(component_data(app, "equations", 1)["walk"]["term"])


def test_the_page_opens_on_the_deciding_token_and_follows_the_score(app: AppTest) -> None:
    app.run()
    assert not app.exception
    assert not app.error
    assert app.session_state[CELL].query == 0
    assert app.query_params["layer"] == "2"
    sent = component_data(app, "equations", 1)
    assert sent["terms"][followed(app)]["name"] == "score"
    titles = [section["title"] for section in component_data(app, "equations")["sections"]]
    assert titles[:3] == ["Embeddings", "Layer 0", "Layer 1"]
    assert titles[-1] == "Classifier"


def test_a_checkpoint_that_was_written_again_has_other_equations(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "tiny")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"checkpoint": str(folder), "text": "the market falls"})
    app.switch_page(INSIDE).run()
    before = component_data(app, "equations")
    app.run()
    assert component_data(app, "equations") == before
    tiny_checkpoint(folder, seed=5)
    later = folder.stat().st_mtime + 10
    os.utime(folder / "config.json", (later, later))
    app.run()
    assert not app.exception
    assert component_data(app, "equations") != before


def test_a_pass_that_takes_too_much_memory_is_one_sentence(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "MAX_TRACE_BYTES", 1000)
    app.query_params["text"] = "the market rises"
    app.run()
    assert not app.exception
    assert "choose a shorter text" in app.error[0].value


def test_a_link_chooses_cell_and_term(app: AppTest, unfolding: Unfolding) -> None:
    app.query_params.update({"layer": "0", "head": "3", "query": "2", "key": "1"})
    app.run()
    assert app.subheader[0].value == "Inside L0 · H3: market → the"
    assert app.selectbox(key="inside-query").value == 2
    logits = app.session_state[trail.TRAIL]
    assert len(logits) == 1


def test_a_cell_that_is_handed_over_is_named_in_the_link(app: AppTest) -> None:
    app.query_params.update({"cell": "1-2-0-3"})
    app.run()
    assert app.subheader[0].value == "Inside L1 · H2: \\[CLS\\] → fall"
    assert "cell" not in app.query_params
    assert app.query_params["key"] == "3"


def test_a_cell_that_is_not_there_is_replaced_by_one_that_is(app: AppTest) -> None:
    app.query_params.update({"layer": "99", "head": "x", "query": "-1", "key": "7", "term": "?"})
    app.run()
    assert not app.exception
    assert not app.error
    assert app.session_state[CELL].layer == 2


def test_choosing_another_head_shows_its_equations(app: AppTest) -> None:
    app.run()
    before = followed(app)
    app.selectbox(key="inside-layer").select(0).run()
    assert not app.exception
    assert app.query_params["layer"] == "0"
    assert followed(app) != before
    opened = [s["title"] for s in component_data(app, "equations")["sections"] if s["open"]]
    assert opened[:2] == ["Embeddings", "Layer 0: attention, head 2"]


def test_the_same_text_stands_there_as_on_read(app: AppTest) -> None:
    app.run()
    assert app.text_area(key=keys.TEXT).value == "the market falls"


def test_the_link_below_a_head_names_its_cell(checkpoint: Path) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"checkpoint": str(checkpoint), "layer": "1", "head": "3"})
    app.run()
    (link,) = [one.proto for one in app.get("page_link") if one.proto.label.startswith("Inside L")]
    assert link.label.startswith("Inside L1 · H3: ")
    assert link.query_string.startswith("cell=1-3-0-")


def test_a_mean_of_heads_has_no_such_link(checkpoint: Path) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["checkpoint"] = str(checkpoint)
    app.run()
    labels = [one.proto.label for one in app.get("page_link")]
    assert not [label for label in labels if label.startswith("Inside L")]


def test_the_story_leads_from_the_ids_to_the_class(unfolding: Unfolding) -> None:
    steps = sections.story(unfolding)
    names = [step.name for step in steps]
    assert names[0] == "word embedding"
    assert [step.name for step in steps if step.operation == "lookup"] == [
        "word embedding",
        "segment embedding",
        "position embedding",
    ]
    assert names[-1] == "class"
    for earlier, later in (("query", "score"), ("score", "weights"), ("weights", "heads")):
        assert names.index(earlier) < names.index(later)
    tokens = {step.result.token for step in steps if step.layer == 0}
    assert tokens <= {3, None}
    deciding = {step.result.token for step in steps if step.layer == 2}
    assert deciding <= {0, None}


def test_the_story_tells_of_the_head_itself(unfolding: Unfolding) -> None:
    own = [step for step in sections.story(unfolding) if step.layer == 1 and step.name == "weights"]
    assert [(step.result.head, step.result.shape) for step in own] == [
        (2, (unfolding.reading.encoding.n_tokens,))
    ]


def test_of_other_layers_few_are_open_at_once() -> None:
    opened: tuple[str, ...] = ("embeddings", "attention")
    for layer in range(5):
        opened = sections.toggle(opened, f"L{layer}")
    assert opened == ("embeddings", "attention", "L2", "L3", "L4")
    assert sections.toggle(opened, "L3") == ("embeddings", "attention", "L2", "L4")


def test_a_walk_leads_from_a_logit_back_to_an_embedding(
    unfolding: Unfolding, monkeypatch: pytest.MonkeyPatch
) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr("streamlit.session_state", state)
    monkeypatch.setattr("streamlit.query_params", {})
    trail.restore(unfolding, "cell")
    logits = unfolding.step("logits").result
    trail.follow(unfolding, Event("follow", logits.id))
    trail.follow(unfolding, Event("part", logits.id, 0, 2))
    (_, _, term) = trail.terms(unfolding)
    assert term.shape == ()
    assert float(term.values) == float(logits.values[2])
    for _ in range(200):
        step = unfolding.walk.made_by(trail.terms(unfolding)[-1].id)
        assert step is not None
        trail.follow(unfolding, Event("follow", step.operands[0].id))
        if trail.terms(unfolding)[-1].name == "word embedding":
            break
    assert trail.terms(unfolding)[-1].name == "word embedding"
    assert len(state[trail.TRAIL]) <= trail.MAX_LENGTH
    trail.follow(unfolding, Event("back", row=0))
    assert len(state[trail.TRAIL]) == 1
    before = list(state[trail.TRAIL])
    trail.follow(unfolding, Event("follow", "no such term"))
    trail.follow(unfolding, Event("part", logits.id, 0, 99))
    assert state[trail.TRAIL] == before


def test_a_cell_begins_with_the_largest_weight_on_a_word(reading: Reading) -> None:
    cell = existing_cell(reading)
    assert (cell.layer, cell.query) == (reading.attention.n_layers - 1, 0)
    row = reading.attention.weights[cell.layer, cell.head, 0, 1:-1]
    assert cell.key == 1 + row.argmax()
    assert not reading.encoding.tokens[cell.key].special


def test_128_tokens_are_sent_in_less_than_a_megabyte() -> None:
    classifier = Classifier.load(default_checkpoint())
    reading = classifier.read("oil prices rise as stocks fall " * 21)
    assert reading.encoding.n_tokens == 128
    whole = unfold(classifier, reading, 3, 7, 5, 3)
    names = payload.Names.of(reading)
    opened = sections.begin_open(whole)
    for layer in range(reading.attention.n_layers):
        opened = sections.toggle(opened, f"L{layer}")
    story = payload.story(sections.sections(whole, names, opened), names)
    largest = max(whole.steps, key=lambda step: step.result.values.size).result
    following = payload.walk(payload.Walk(largest, None, [], [largest]), names)
    sent = len(json.dumps([story, following])) + sum(map(len, payload.formulas(story)))
    assert sent < MEGABYTE


def test_a_network_without_maps_is_one_sentence(tmp_path: Path) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["checkpoint"] = str(family_checkpoint(tmp_path / "fnet", "fnet"))
    app.switch_page(INSIDE).run()
    assert not app.exception
    (error,) = app.error
    assert error.value.startswith("This model has no attention to show")
