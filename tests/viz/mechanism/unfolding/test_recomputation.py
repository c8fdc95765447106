"""An equation is checked against what the pass recorded."""

from dataclasses import replace

import numpy as np
import pytest

from tests.steps import dot_product, softmax, term
from viz.mechanism.unfolding.recomputation import difference_sentence, recomputed_difference
from viz.mechanism.unfolding.step import Step


def test_a_number_that_was_changed_is_noticed() -> None:
    step = dot_product()
    exact = float(np.dot(*(operand.values for operand in step.operands)))
    assert recomputed_difference(step) == pytest.approx(0, abs=1e-12)
    wrong = replace(step, result=replace(step.result, values=np.asarray(exact + 0.5)))
    assert recomputed_difference(wrong) == pytest.approx(0.5 / max(1, abs(exact + 0.5)))
    assert difference_sentence(wrong).startswith("recomputed with a largest difference of ")


def test_a_masked_row_holds() -> None:
    difference = recomputed_difference(softmax([1.0, -3.4e38, 2.0]))
    assert difference is not None
    assert difference < 1e-12


def test_what_has_no_equation_has_no_difference() -> None:
    step = Step(term("z", 1.0), "opaque", (term("a", 1.0),))
    assert recomputed_difference(step) is None
