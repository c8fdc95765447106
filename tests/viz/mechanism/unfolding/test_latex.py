"""Equations as LaTeX: what each operation looks like, and that no text can break it."""

import re

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

from tests.steps import dot_product, softmax, steps, term, vector
from viz.mechanism.trace.equations import EQUATIONS
from viz.mechanism.unfolding.latex import equation_latex, numbers_latex
from viz.mechanism.unfolding.latex_values import number_latex, text_latex, values_latex
from viz.mechanism.unfolding.step import Step

HOSTILE = (
    "$",
    "\\",
    "{",
    "}",
    "\\dfrac{",
    "%",
    "#&_^~`",
    "😀",
    "👩\u200d🚀",
    "中文",
    "a\u202eb",
    "\0\n",
)


def set_by_mathtext(latex: str) -> None:
    assert latex.count("$") == latex.count(r"\$")
    MathTextParser("path").parse(f"${latex}$")


def unescaped(latex: str) -> str:
    """LaTeX without the characters that are only shown."""
    return re.sub(r"\\[\\$%#&_{}]", "", latex)


@pytest.mark.parametrize("step", steps(), ids=lambda step: step.operation)
def test_every_operation_is_set_in_symbols_and_in_numbers(step: Step) -> None:
    for latex in (equation_latex(step), numbers_latex(step)):
        assert latex.startswith(f"{step.result.symbol} = ")
        set_by_mathtext(latex)
    assert numbers_latex(step).endswith(f" = {values_latex(step.result.values)}")


def test_every_operation_of_a_pass_is_among_them() -> None:
    assert set(EQUATIONS) <= {step.operation for step in steps()}


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_breaks_an_equation(text: str) -> None:
    step = Step(term(text_latex(text), 1.0), text, (term(text_latex(text), -2.0),))
    for latex in (text_latex(text), equation_latex(step), numbers_latex(step)):
        plain = unescaped(latex)
        assert plain.count("{") == plain.count("}")
        assert set(re.findall(r"\\[a-z]+", plain)) <= {r"\text", r"\left", r"\right", r"\backslash"}
        set_by_mathtext(latex)


def test_a_text_keeps_what_can_be_seen() -> None:
    assert text_latex("stocks") == r"\text{stocks}"
    assert text_latex("$5_%") == r"\text{\$5\_\%}"
    assert text_latex("a\\b") == r"\text{a}\backslash\text{b}"
    assert text_latex("中 文\u202e") == "\\text{中 文\ufffd}"


def test_a_row_that_is_looked_up_is_written_once() -> None:
    row = vector("E_{word}", 3)
    step = Step(term("e_{0}", row.values), "lookup", (row,))
    assert numbers_latex(step) == f"e_{{0}} = {values_latex(row.values)}"


@pytest.mark.parametrize(
    ("shape", "axis", "indices", "index"),
    [
        ((9,), 0, "2,0", r"\{2, 0\}"),
        ((9,), -1, "0,1,2,3,4,5", r"\{0, 1, \ldots, 5\}"),
        ((9, 4), 0, "2,0", r"\{2, 0\},\, \cdot"),
        ((9, 4), 1, "2,0", r"\cdot,\, \{2, 0\}"),
    ],
)
def test_rows_and_columns_are_picked_by_their_numbers(
    shape: tuple[int, ...], axis: int, indices: str, index: str
) -> None:
    step = Step(vector("y", 2), "take", (vector("x", *shape),), {"axis": axis, "indices": indices})
    assert equation_latex(step) == rf"y = \left[x\right]_{{{index}}}"


def test_what_a_mask_puts_there_is_a_choice() -> None:
    step = Step(vector("t", 3), "mask", (vector("s", 3), term("m", -np.inf), vector("w", 3)))
    assert equation_latex(step) == r"t = \mathrm{where}\left(w \neq 0,\, m,\, s\right)"
    assert r"\neq 0,\, -\infty,\, (" in numbers_latex(step)


def test_a_score_is_a_fraction() -> None:
    step = Step(
        term("s_{5,3}", -2.174358),
        "quotient",
        (term("p_{5,3}", -12.3), term(r"\sqrt{d_k}", 32**0.5)),
    )
    assert equation_latex(step) == r"s_{5,3} = \dfrac{p_{5,3}}{\sqrt{d_k}}"
    assert numbers_latex(step) == r"s_{5,3} = \dfrac{-12.300}{5.6569} = -2.1744"


def test_a_dot_product_shows_its_first_products_and_the_last() -> None:
    query, key = np.array([0.5, -1, 2, 3, -0.25]), np.array([2, 0.5, 4, 1, -1])
    step = Step(term("p", float(query @ key)), "matmul", (term("q_5", query), term("k_3", key)))
    assert equation_latex(step) == r"p = q_5 \cdot k_3"
    assert numbers_latex(step) == (
        r"p = 0.500 \cdot 2 + (-1) \cdot 0.500 + 2 \cdot 4 + \ldots + (-0.250) \cdot (-1) = 11.750"
    )
    assert numbers_latex(dot_product(4)).count(r"\cdot") == 4
    assert r"\ldots" not in numbers_latex(dot_product(4))


@pytest.mark.parametrize("scores", [[1.0, 2.0, 0.5], [250.0, 252.0, -np.inf]])
def test_the_numbers_of_a_softmax_come_to_its_weights(scores: list[float]) -> None:
    written = numbers_latex(softmax(scores))
    fraction = re.search(r"\\dfrac\{(.*)\}\{([\d.]+)\} = ", written)
    assert fraction is not None
    less = float(re.search(r"- ([\d.]+)", fraction[1])[1]) if max(scores) > 99 else 0.0  # type: ignore[index]
    assert np.exp(np.array(scores) - less).sum() == pytest.approx(float(fraction[2]), rel=1e-4)


def test_a_normalization_names_the_moments_that_it_takes() -> None:
    x, gamma, beta = term("x", [1.0, 2.0, 6.0]), term(r"\gamma", [1, 1, 2]), vector(r"\beta", 3)
    step = Step(vector("y", 3), "layer_norm", (x, gamma, beta), {"eps": 1e-12})
    assert equation_latex(step) == (
        r"y = \gamma \odot \dfrac{x - \mathrm{mean}\left(x\right)}"
        r"{\sqrt{\mathrm{Var}\left(x\right) + 10^{-12}}} + \beta"
    )
    assert r"\dfrac{(1, 2, 6)_{3} - 3}{\sqrt{4.6667 + 10^{-12}}}" in numbers_latex(step)
    step = Step(vector("y", 3), "rms_norm", (x,), {"eps": 1.5e-6})
    assert r"\dfrac{(1, 2, 6)_{3}}{\sqrt{13.667 + 1.5{\cdot}10^{-6}}}" in numbers_latex(step)


@pytest.mark.parametrize(
    ("shapes", "options", "right"),
    [
        ([(3,), (3,)], {}, r"a \cdot b"),
        ([(3,), (2, 3)], {}, r"b\, a"),
        ([(4, 3), (2, 3)], {}, r"a\, {b}^{\top}"),
        ([(4,), (4, 3)], {"subscripts": "t,td->d"}, r"a\, b"),
        ([(2, 4), (4, 3)], {"subscripts": "at,td->ad"}, r"a\, b"),
        ([(2, 4), (4, 2)], {"subscripts": "at,ta->a"}, r"\sum_{t} {a}_{at}\, {b}_{ta}"),
        ([(3,), (3,)], {"alpha": 0.125}, r"0.125\, a \cdot b"),
    ],
)
def test_a_product_of_arrays_is_written_by_its_axes(
    shapes: list[tuple[int, ...]], options: dict[str, float | int | str], right: str
) -> None:
    operands = tuple(vector(name, *shape) for name, shape in zip("ab", shapes, strict=True))
    assert equation_latex(Step(vector("c", 2), "matmul", operands, options)) == f"c = {right}"


def test_a_weight_of_a_row_is_its_exponential_over_the_sum_of_all() -> None:
    row = term("s", [1.0, 2.0, 3.0])
    step = Step(term(r"\alpha", 0.24473), "softmax", (row,), {"index": 1})
    total = np.exp([1.0, 2.0, 3.0]).sum()
    assert numbers_latex(step) == rf"\alpha = \dfrac{{\exp\left(2\right)}}{{{total:.3f}}} = 0.24473"


def test_an_activation_comes_with_what_it_is() -> None:
    step = Step(vector("a", 4), "gelu", (vector("h", 4),))
    assert equation_latex(step) == (
        r"a = \mathrm{GELU}\left(h\right),\quad \mathrm{GELU}(x) = x\, \Phi(x)"
    )


def test_what_has_no_form_is_a_function_of_its_operands() -> None:
    step = Step(vector("z", 2), "bucket_of", (vector("a", 2), vector("b", 2)))
    assert equation_latex(step) == r"z = \text{bucket\_of}\left(a, b\right)"
    clipped = Step(vector("z", 2), "clip", (vector("a", 2),), {"min": -1.0})
    assert equation_latex(clipped) == r"z = \text{clip}\left(a;\; \text{min} = -1\right)"
    none = Step(vector("z", 2), "sum", ())
    assert equation_latex(none) == r"z = \text{sum}\left(\right)"
    few = Step(vector("z", 2), "quotient", (vector("a", 2),))
    assert equation_latex(few) == r"z = \text{quotient}\left(a\right)"


@pytest.mark.parametrize(
    ("value", "latex"),
    [
        (15768, "15768"),
        (-0.5, "-0.50000"),
        (1234.5678, "1234.6"),
        (-np.inf, r"-\infty"),
        (-3.4028e38, r"-3.4028{\cdot}10^{38}"),
        (0.000012345, r"1.2345{\cdot}10^{-5}"),
        (float("nan"), r"\text{NaN}"),
    ],
)
def test_a_number_has_five_digits(value: float, latex: str) -> None:
    assert number_latex(value) == latex


def test_a_long_vector_is_its_ends_and_its_dimensions() -> None:
    assert values_latex(np.array([0.12, -0.4, 0.3, 0.1, 0.31])) == (
        r"(0.120, -0.400, \ldots, 0.310)_{5}"
    )
    assert values_latex(np.ones((2, 3))) == r"(1, 1, \ldots, 1)_{2 \times 3}"
