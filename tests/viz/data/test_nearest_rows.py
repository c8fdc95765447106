"""The nearest rows are exact, and of equals the first."""

import numpy as np
import pytest

from viz.data.rows import nearest_rows as module
from viz.data.rows.nearest_rows import DIGITS, nearest_rows


@pytest.mark.parametrize("block", [1, 100, 2**24])
def test_they_are_those_of_brute_force(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BLOCK", block)
    states = np.random.default_rng(0).normal(size=(60, 7)).astype(np.float32)
    states[[5, 20, 41]] = states[5]  # equal rows
    states[9] = 2 * states[5]
    states[30] = 0
    queries = np.array([5, 30, 2, 59, 41])
    wide = states.astype(float)
    for query, nearest in zip(queries, nearest_rows(states, queries, 3), strict=True):
        lengths = np.linalg.norm(wide, axis=1) * np.linalg.norm(wide[query])
        cosines = np.divide(wide @ wide[query], lengths, out=np.zeros(60), where=lengths > 0)
        others = sorted(
            set(range(60)) - {int(query)}, key=lambda i: (-round(cosines[i], DIGITS), i)
        )
        assert [row for row, _ in nearest] == others[:3]
        np.testing.assert_allclose([c for _, c in nearest], cosines[others[:3]], atol=1e-5)


def test_there_may_be_fewer_or_none() -> None:
    states = np.eye(3)
    assert nearest_rows(states, np.array([1]), 3) == [[(0, 0.0), (2, 0.0)]]
    assert nearest_rows(states[:1], np.array([0]), 3) == [[]]
    assert nearest_rows(states, np.array([], int), 3) == []
