"""The equations: what the browser is sent of terms and formulas, and what it sends back."""

import json
from typing import Any

import numpy as np
import pytest

from tests.viz.widgets.test_heatmap import unpacked
from viz.mechanism.unfolding.step import Step
from viz.mechanism.unfolding.term import Axis, Source, Term
from viz.widgets.equations import payload
from viz.widgets.equations.component import Event, is_plain_math, sent_event
from viz.widgets.equations.payload import Equation, Names, Section, Walk
from viz.widgets.equations.term_picture import indices_of, largest, picture, strongest

NAMES = Names(("[CLS]", "oil", "<b>"), ("World", "Sports"))
RANDOM = np.random.default_rng(0)


def term(name: str, *shape: int, source: Source = "computed", **place: Any) -> Term:
    axes: tuple[Axis, ...] = tuple("dimension" for _ in shape)
    values = RANDOM.normal(size=shape).astype(np.float32)
    return Term(name, name, f"{name}_{{1}}", values, axes, source, **place)


def linear(width: int = 6) -> Step:
    """One number: a row of weights times a state, plus a bias."""
    x, row = term("state", width, token=1, layer=0), term("W", width, source="parameter")
    return Step(term("query", token=1, layer=0, head=2), "linear", (x, row, term("b")))


def test_a_term_is_sent_once_with_its_exact_values() -> None:
    step = linear()
    state = step.operands[0]
    other = Step(term("sum", 6), "sum", (state, state))
    sent: Any = payload.story(
        [Section("a", "A", [Equation(step, "q"), Equation(other, "s")])], NAMES
    )
    json.dumps(sent, allow_nan=False)
    assert len(sent["terms"]) == 5
    values = unpacked(sent["values"], np.float32)
    assert len(values) == 6 + 6 + 1 + 1 + 6
    described = sent["terms"]["state"]
    np.testing.assert_array_equal(values[described["offset"] :][:6], state.values)
    assert described["place"] == "oil (1) · L0"
    assert sent["terms"]["query"]["place"] == "oil (1) · L0 · H2"


def test_a_closed_section_sends_its_heading_alone() -> None:
    sent: Any = payload.story([Section("L0", "Layer 0", None, "12 equations")], NAMES)
    (section,) = sent["sections"]
    assert (section["open"], section["steps"], section["note"]) == (False, [], "12 equations")
    assert sent["terms"] == {}


@pytest.mark.parametrize(
    ("operation", "shape", "expected"),
    [("linear", (), True), ("matmul", (), True), ("mix", (), True), ("sum", (), False)],
)
def test_products_are_shown_of_a_sum_of_products(
    operation: str, shape: tuple[int, ...], expected: bool
) -> None:
    step = Step(term("r", *shape), operation, (term("a", 4), term("b", 4)))
    sent: Any = payload.story([Section("s", "S", [Equation(step, "")])], NAMES)
    assert sent["sections"][0]["steps"][0]["multiplied"] is expected


def test_a_matrix_times_a_vector_is_no_sum_of_products_of_two_vectors() -> None:
    step = Step(term("r", 4), "linear", (term("a", 4), term("b", 4, 4)))
    sent: Any = payload.story([Section("s", "S", [Equation(step, "")])], NAMES)
    assert sent["sections"][0]["steps"][0]["multiplied"] is False


def test_a_term_that_is_followed_tells_where_it_comes_from_and_what_it_makes() -> None:
    step = linear()
    followed = Walk(step.result, Equation(step, "q=Wx"), [], [step.operands[0], step.result])
    sent: Any = payload.walk(followed, NAMES)
    assert [section["title"] for section in sent["sections"]] == [
        "Where it comes from",
        "What it makes",
    ]
    assert [place["id"] for place in sent["walk"]["trail"]] == ["state", "query"]
    assert sent["walk"]["end"] == ""
    assert sent["sections"][1]["note"] == "nothing on the way to the class"


def test_a_parameter_is_an_end() -> None:
    weight = term("W", 3, source="parameter")
    uses = [Equation(linear(), "q")] * (payload.MAX_USES + 2)
    sent: Any = payload.walk(Walk(weight, None, uses, [weight]), NAMES)
    assert "a parameter" in sent["walk"]["end"]
    (used,) = sent["sections"]
    assert (len(used["steps"]), used["more"]) == (payload.MAX_USES, 2)
    assert list(sent["terms"]) == ["W"]


@pytest.mark.parametrize(
    ("constant", "name"),
    [(32**-0.5, "1/√32"), (0.125, "1/√64"), (8.0, "√64"), (0.3, "constant"), (0.0, "constant")],
)
def test_what_a_score_is_scaled_by_is_named_by_its_root(constant: float, name: str) -> None:
    factor = Term("c", "constant", "c", np.array(constant), (), "constant")
    step = Step(term("score"), "product", (term("product"), factor))
    sent: Any = payload.story([Section("s", "S", [Equation(step, "")])], NAMES)
    assert sent["terms"]["c"]["name"] == name


def test_every_formula_is_set_once() -> None:
    step = linear()
    sent = payload.story(
        [Section("s", "S", [Equation(step, "f", "n"), Equation(step, "f")])], NAMES
    )
    formulas = payload.formulas(sent)
    assert sorted(formulas) == sorted({"f", "n", "query_{1}", "state_{1}", "W_{1}", "b_{1}"})


@pytest.mark.parametrize(
    ("tex", "expected"), [(r"\frac{1}{2}", True), ("a$ ![](x) $", False), ("a\nb", False)]
)
def test_what_would_end_a_formula_in_markdown_is_not_set(tex: str, expected: bool) -> None:
    assert is_plain_math(tex) is expected


@pytest.mark.parametrize(
    ("difference", "expected"), [(0.0, "0"), (3.4e-8, "3e-8"), (2e-12, "2e-12"), (0.5, "5e-1")]
)
def test_a_difference_has_one_digit(difference: float, expected: str) -> None:
    assert payload.short(difference) == expected


def test_what_is_small_is_sent_whole_and_what_is_large_by_its_strongest() -> None:
    small, large = RANDOM.normal(size=(32, 64)), RANDOM.normal(size=(1536, 384))
    np.testing.assert_array_equal(picture(small).values, small.astype(np.float32))
    drawn = picture(large)
    assert drawn.values.shape == (32, 48)
    assert drawn.block == (48, 8)
    block = large[48:96, 8:16]
    assert drawn.values[1, 1] == np.float32(block.flat[np.abs(block).argmax()])
    assert picture(RANDOM.normal(size=(12, 9, 9))).values.shape == (108, 9)
    assert picture(np.array(2.0)).values.tolist() == [[2.0]]
    assert picture(RANDOM.normal(size=3072)).block == (1, 1)


def test_blocks_at_the_ends_may_be_smaller() -> None:
    values = np.array([[1.0, -2.0, 3.0], [-4.0, 0.5, -3.0], [0.0, 0.0, -1.0]])
    np.testing.assert_array_equal(strongest(values, (2, 2)), [[-4, 3], [0, -1]])


def test_what_a_mask_puts_there_does_not_wash_the_colors_out() -> None:
    assert largest(np.array([-np.inf, np.finfo(np.float32).min, -2.0, 1.0])) == 2.0
    assert largest(np.array([-np.inf])) == 0.0


@pytest.mark.parametrize(
    ("shape", "expected"), [((), ()), ((9,), (7,)), ((9, 9), (4, 7)), ((3, 3, 9), (1, 1, 7))]
)
def test_a_cell_of_the_picture_is_a_number_of_the_term(
    shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert indices_of(shape, 4, 7) == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"kind": "follow", "id": "q"}, Event("follow", "q")),
        ({"kind": "part", "id": "q", "row": 1, "column": 2}, Event("part", "q", 1, 2)),
        ({"kind": "part", "id": "q", "row": 1, "column": None}, Event("part", "q", 1)),
        ({"kind": "back", "row": 2}, Event("back", row=2)),
        ({"kind": "delete", "id": "q"}, None),
        ({"kind": "part", "id": "q", "row": -1}, None),
        ({"kind": "part", "id": "q", "row": 1, "column": "2"}, None),
        ({"kind": "follow", "id": 3}, None),
        (["follow"], None),
        (None, None),
    ],
)
def test_what_a_browser_sends_is_an_event_or_nothing(
    sent: Any, expected: Event | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamlit.session_state", {"inside": {"event": sent}})
    assert sent_event("inside") == expected
