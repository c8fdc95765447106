"""Numbers as a reader sees them."""

import pytest

from viz.attribution.descriptions import number


@pytest.mark.parametrize(
    ("value", "written"),
    [(1.006, "+1.01"), (-1.006, "−1.01"), (0.004, "+0.00"), (-0.004, "+0.00"), (-0.0, "+0.00")],
)
def test_no_minus_stands_before_a_zero(value: float, written: str) -> None:
    assert number(value) == written
