"""Exact tests against scipy's, against all orders of a small file, and their correction."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from viz.data.slices.fisher_test import n_testable, stratified_tail, upper_tails


def test_tails_are_those_of_fishers_exact_test() -> None:
    draw = np.random.default_rng(0)
    n_rows, n_errors = 900, 70
    sizes = draw.integers(5, 880, 60)
    errors = draw.hypergeometric(n_errors, n_rows - n_errors, sizes)
    tails = upper_tails(n_rows, n_errors, sizes, errors)
    for size, wrong, tail in zip(sizes.tolist(), errors.tolist(), tails, strict=True):
        rest = n_errors - wrong
        table = [[wrong, size - wrong], [rest, n_rows - size - rest]]
        assert tail == pytest.approx(fisher_exact(table, "greater").pvalue, rel=1e-9)


def test_tails_stay_exact_in_a_file_of_a_million_rows() -> None:
    tail = upper_tails(1_000_000, 80_000, np.array([2_000]), np.array([260]))[0]
    table = [[260, 1_740], [79_740, 918_260]]
    assert tail == pytest.approx(fisher_exact(table, "greater").pvalue, rel=1e-6)


def test_tail_within_strata_is_that_of_all_orders() -> None:
    first, second = (1, 1, 0, 0), (1, 0, 0, 0)
    """Errors of two strata; the part has two rows of the first and one of the second."""
    sums = [a[0] + a[1] + b[0] for a in permutations(first) for b in permutations(second)]
    for errors in range(5):
        expected = np.mean([total >= errors for total in sums])
        assert stratified_tail([(4, 2, 2), (4, 1, 1)], errors) == pytest.approx(expected)


def test_parts_that_can_never_be_significant_are_not_counted() -> None:
    n_rows, n_errors, level = 100, 4, 0.05
    small, large = [1] * 1000, [10, 20, 30]
    sizes = np.array(small + large)
    k = n_testable(n_rows, n_errors, sizes, level)
    reachable = [
        fisher_exact(
            [[min(size, n_errors), size - min(size, n_errors)],
             [n_errors - min(size, n_errors), n_rows - size - n_errors + min(size, n_errors)]],
            "greater",
        ).pvalue
        for size in sizes.tolist()
    ]  # fmt: skip
    assert k == next(k for k in range(1, len(sizes)) if sum(p <= level / k for p in reachable) <= k)
    assert k <= 3


def test_all_parts_count_where_all_can_be_significant() -> None:
    assert n_testable(1000, 500, np.full(40, 100), 0.05) == 40
