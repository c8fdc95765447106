"""Equations in a terminal: one line without a command of LaTeX."""

import pytest

from tests.steps import steps
from viz.mechanism.unfolding.latex import equation_latex, numbers_latex
from viz.mechanism.unfolding.latex_values import text_latex
from viz.mechanism.unfolding.plain_text import plain_text
from viz.mechanism.unfolding.step import Step


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"s_{5,3}^{(3,7)} = \dfrac{-12.300}{5.6569}", "s_5,3^(3,7) = −12.300 / 5.6569"),
        (r"(0.120, \ldots, 0.310)_{12 \times 32}", "(0.120, …, 0.310)[12×32]"),
        (r"\dfrac{x - 1}{\sqrt{y + 10^{-12}}}", "(x − 1) / √(y + 10^−12)"),
        (r"1.2{\cdot}10^{-5}", "1.2e−5"),
        (r"X\, {W_Q}^{\top} + b", "X W_Qᵀ + b"),
        (r"\gamma \odot \left[x\right]_{2:4}", "γ ⊙ [x][2:4]"),
        (r"\sum_j {\exp\left(s\right)}_j", "Σ_j exp(s)[j]"),
        (r"\tilde{s}_{\mathrm{Q}} \cdot \bar{y}", "s\u0303_Q · y\u0304"),
    ],
)
def test_latex_is_read(latex: str, plain: str) -> None:
    assert plain_text(latex) == plain


@pytest.mark.parametrize("text", ["a b", "$5 {x}", "back\\slash", "中 文 😀", "50%_#&"])
def test_a_text_is_itself(text: str) -> None:
    assert plain_text(text_latex(text)) == text


@pytest.mark.parametrize("step", steps(), ids=lambda step: step.operation)
def test_no_command_is_left_of_any_equation(step: Step) -> None:
    for latex in (equation_latex(step), numbers_latex(step)):
        plain = plain_text(latex)
        assert not set(plain.replace("{0,3}", "")) & set("\\{}\n")
        for left, right in ("()", "[]"):
            assert plain.count(left) == plain.count(right)
