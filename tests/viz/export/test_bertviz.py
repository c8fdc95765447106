"""BertViz's pages against BertViz itself, and what must never get into one."""

import json
import re
import warnings
from dataclasses import replace
from importlib.resources import files
from typing import Any

import bertviz
import numpy as np
import pytest
import torch

from tests.synthetic import read, read_causal
from viz import Classifier, Reading
from viz.errors import SelectionError
from viz.export.bertviz.page import bertviz_html
from viz.export.bertviz.parameters import (
    BYTES,
    MAX_BYTES,
    MAX_LINES,
    View,
    affordable_layers,
    parameters,
)
from viz.figures.citation import SHOWN_HASH_DIGITS, text_hash
from viz.types import Attention, Encoding, Prediction, Token

VIEWS: tuple[View, ...] = ("head", "model")


@pytest.fixture(scope="module")
def pair(classifier: Classifier) -> Reading:
    return classifier.read("oil prices rise", "the team wins the game")


def of_bertviz(reading: Reading, view: View, **chosen: Any) -> dict[str, Any]:
    """The parameters in the page that BertViz makes."""
    parts = [token.part for token in reading.encoding.tokens]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # BertViz leaves its files open
        page = (bertviz.head_view if view == "head" else bertviz.model_view)(
            attention=[torch.tensor(layer)[None] for layer in reading.attention.weights],
            tokens=[token.text for token in reading.encoding.tokens],
            sentence_b_start=parts.index(1) if 1 in parts else None,
            html_action="return",
            **chosen,
        )
    script = page.data.split("const params = ", 1)[1]
    made: dict[str, Any] = json.JSONDecoder().raw_decode(script)[0]
    return made


def of_page(page: bytes) -> dict[str, Any]:
    """The parameters in a page of ours."""
    found = re.findall(
        r'<script type="application/json" id="parameters">(.*?)</script>', page.decode()
    )
    assert len(found) == 1
    made: dict[str, Any] = json.loads(found[0])
    return made


def assert_same(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """All parameters are the same; weights to four digits, and the root has a name of its own."""
    assert {**ours, "attention": 0, "root_div_id": 0} == {
        **theirs,
        "attention": 0,
        "root_div_id": 0,
    }
    assert len(ours["attention"]) == len(theirs["attention"])
    for mine, other in zip(ours["attention"], theirs["attention"], strict=True):
        assert {**mine, "attn": 0} == {**other, "attn": 0}
        np.testing.assert_allclose(mine["attn"], other["attn"], rtol=5.01e-4)


@pytest.mark.parametrize("read", ["reading", "pair"])
@pytest.mark.parametrize(
    ("view", "chosen"),
    [
        ("head", {}),
        ("head", {"layers": [2, 0], "heads": [1, 3]}),
        ("model", {}),
        ("model", {"layers": [1], "heads": [3, 0]}),
    ],
)
def test_a_page_holds_the_parameters_that_bertviz_makes(
    view: View, chosen: dict[str, list[int]], read: str, request: pytest.FixtureRequest
) -> None:
    given: Reading = request.getfixturevalue(read)
    names = {"layers": "include_layers", "heads": "heads" if view == "head" else "include_heads"}
    asked: dict[str, Any] = {names[name]: value for name, value in chosen.items()}
    if view == "model":
        asked["display_mode"] = "dark"
    page = bertviz_html(given, view=view, theme="dark", **chosen)
    assert_same(of_page(page), of_bertviz(given, view, **asked))


def spelled(*texts: str, written: str = "") -> Reading:
    """A reading of one head whose tokens are spelled so; each stands for one written character."""
    tokens = tuple(Token(text, at, at + 1, at, False, 0) for at, text in enumerate(texts))
    count = len(tokens)
    encoding = Encoding(written or "x" * count, None, tokens, {"input_ids": np.arange(count)})
    weights = np.full((1, 1, count, count), 1 / count, np.float32)
    prediction = Prediction(("a",), np.ones(1), np.ones(1))
    return Reading(encoding, prediction, Attention(weights), "<b>bold</b>")


def test_marks_of_tokenizers_are_cleaned_as_bertviz_does() -> None:
    given = spelled("Ġoil", "▁rise", "##ing", "end</w>", "[UNK]")
    ours = of_page(bertviz_html(given))
    assert ours["attention"][0]["left_text"] == [" oil", " rise", "##ing", "end", "[UNK]"]
    assert_same(ours, of_bertviz(given, "head"))


def test_bytes_are_shown_as_the_character_that_they_spell() -> None:
    given = spelled("Ġ", "æ²¹", "<0xC3>", "##é", written=" 油üé")
    assert of_page(bertviz_html(given))["attention"][0]["left_text"] == [" ", "油", "ü", "##é"]


@pytest.mark.parametrize("view", VIEWS)
def test_no_token_or_name_gets_out_of_its_place(view: View) -> None:
    given = spelled("</script><script>alert(1)</script>", "<!--", "<img src=x onerror=alert(1)>")
    page = bertviz_html(given, view=view).decode()
    assert "alert(1)" in page
    assert not re.search(r"<[^>]*alert|<b>|<img|<!--", page)
    tokens = [token.text for token in given.encoding.tokens]
    assert tokens == of_page(page.encode())["attention"][0]["left_text"]


def test_the_numbers_go_out_once(reading: Reading) -> None:
    empty = len(bertviz_html(spelled("a")))
    numbers = json.dumps(parameters(reading), separators=(",", ":"))
    assert len(bertviz_html(reading)) - empty < len(numbers) + 200


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_loaded_from_anywhere(reading: Reading, view: View) -> None:
    page = bertviz_html(reading, view=view).decode()
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert re.findall(r'\bsrc=|@import|url\(|<link[^>]*href="(?!data:)', markup) == []
    assert "default-src 'none'" in markup


def test_the_script_is_bertvizs_own(reading: Reading) -> None:
    script = files("bertviz").joinpath("model_view.js").read_text("utf-8")
    page = bertviz_html(reading, view="model").decode()
    assert script.replace("PYTHON_PARAMS", "parameters") in page


def test_the_caption_names_checkpoint_text_and_bertviz(reading: Reading) -> None:
    page = bertviz_html(reading).decode()
    assert f"{reading.checkpoint} ({reading.fingerprint[:SHOWN_HASH_DIGITS]})" in page
    assert text_hash(reading.encoding)[:SHOWN_HASH_DIGITS] in page
    assert "Jesse Vig, Apache-2.0" in page
    assert "Apache License\n                           Version 2.0" in page


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"view": "neuron"}, "BertViz view 'neuron' is unknown; head and model"),
        ({"layers": [3]}, "Layer 3 does not exist; this model's layers are 0 to 2"),
        ({"heads": [-1]}, "Head -1 does not exist; this model's heads are 0 to 3"),
        ({"layers": []}, "No layer was chosen; this model's layers are 0 to 2"),
    ],
)
def test_what_does_not_exist_is_refused(
    reading: Reading, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(SelectionError, match=re.escape(message)):
        bertviz_html(reading, **asked)


def large(n_layers: int, n_heads: int, n_tokens: int, *, pair: bool = False) -> Reading:
    """A reading whose heads look everywhere alike."""
    tokens = tuple(Token("x", 0, 1, at, False, int(pair and at > 3)) for at in range(n_tokens))
    second = "x" if pair else None
    encoding = Encoding("x", second, tokens, {"input_ids": np.arange(n_tokens)})
    map_ = np.full((n_tokens, n_tokens), 1 / n_tokens, np.float32)
    weights = np.broadcast_to(map_, (n_layers, n_heads, n_tokens, n_tokens))
    prediction = Prediction(("a",), np.ones(1), np.ones(1))
    return Reading(encoding, prediction, Attention(weights), "large")


def test_what_would_freeze_a_browser_is_refused_with_its_size() -> None:
    given = large(12, 12, 128)
    with pytest.raises(SelectionError) as refused:
        bertviz_html(given, view="model")
    assert str(refused.value) == (
        "BertViz would draw 2,359,296 lines from 21.2 MB of numbers for 12 layers × 12 heads × "
        "128 tokens; a browser can handle 200,000 lines and 24 MB. Choose at most 1 layer, or "
        "open the atlas, which shows all at once."
    )


@pytest.mark.parametrize(
    ("view", "n_tokens", "advice"),
    [
        ("model", 200, "Choose one layer and at most 5 heads of it"),
        ("model", 450, "Read a shorter text"),
        ("head", 200, "Choose the model view, one layer and at most 5 heads of it"),
        ("head", 450, "Read a shorter text"),
    ],
)
def test_a_refusal_says_what_is_possible(view: View, n_tokens: int, advice: str) -> None:
    given = large(1, 12, n_tokens)
    assert affordable_layers(given, view) == 0
    with pytest.raises(SelectionError, match=advice):
        bertviz_html(given, view=view)


def test_fewer_heads_of_a_layer_can_be_afforded() -> None:
    given = large(1, 12, 200)
    page = of_page(bertviz_html(given, view="model", heads=range(5)))
    assert len(page["attention"][0]["attn"][0]) == 5


@pytest.mark.parametrize("pair", [False, True])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("n_tokens", [8, 40, 110, 128])
def test_as_many_layers_are_affordable_as_can_be_drawn(
    view: View, n_tokens: int, pair: bool
) -> None:
    given = large(12, 12, n_tokens, pair=pair)
    most = affordable_layers(given, view)
    assert 1 <= most <= 12
    lines = n_tokens**2 * 12 * (most if view == "model" else 1)
    size = n_tokens**2 * 12 * most * BYTES * (1 + pair)
    assert lines <= MAX_LINES
    assert size <= MAX_BYTES
    parameters(given, view=view, layers=range(most))
    if most < 12:
        with pytest.raises(SelectionError, match=f"at most {most} layer"):
            parameters(given, view=view, layers=range(most + 1))


def test_the_size_is_foreseen_well(reading: Reading) -> None:
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(64), (2, 4, 64)).astype(np.float32)
    given = replace(large(2, 4, 64), attention=Attention(weights))
    made = json.dumps(parameters(given)["attention"], separators=(",", ":"))
    assert len(made) == pytest.approx(weights.size * BYTES, rel=0.1)


def test_a_page_says_where_there_can_be_no_line() -> None:
    said = b"there can be no line"
    assert said in bertviz_html(read_causal())
    assert said not in bertviz_html(read())
