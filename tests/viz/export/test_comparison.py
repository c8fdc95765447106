"""The table of all methods: ranked, with its random band, and everything in its CSV."""

import csv
import io

import numpy as np
import pytest

from viz import Classifier, Reading
from viz.export.comparison import (
    comparison_csv,
    mean_share,
    method_agreement,
    random_shares,
    ranked,
)
from viz.faithfulness.compare import Comparison, compare

NAMES = ["decomposition", "saliency", "attention", "rollout"]


@pytest.fixture(scope="module")
def found(classifier: Classifier, reading: Reading) -> Comparison:
    """Four methods on one text."""
    return compare(classifier, reading, NAMES)


def test_the_most_faithful_method_stands_first(found: Comparison) -> None:
    shares = [mean_share(found, row) for row in ranked(found)]
    assert None not in shares
    assert shares == sorted(shares, key=lambda share: -(share or 0))
    assert {row.method for row in ranked(found)} == set(NAMES)


def test_random_orders_lie_around_0_and_nothing_above_1(found: Comparison) -> None:
    for operator, (low, high) in random_shares(found).items():
        assert low <= 0 <= high <= 1 + 1e-9
        assert max(found.share(row, operator) or 0 for row in found.rows) <= 1 + 1e-9


def test_agreement_stands_in_the_order_of_the_table(found: Comparison) -> None:
    names, values = method_agreement(found)
    assert names == [row.label for row in ranked(found)]
    np.testing.assert_allclose(np.diag(values), 1)
    np.testing.assert_allclose(values, values.T)
    first, second = (row.scores for row in ranked(found)[:2])
    assert first is not None
    assert second is not None
    ranks = [np.argsort(np.argsort(scores)) for scores in (first, second)]
    assert values[0, 1] == pytest.approx(np.asarray(np.corrcoef(np.stack(ranks)))[0, 1])


def test_the_csv_holds_every_method_under_every_operator(found: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(comparison_csv(found).decode("utf-8"))))
    assert [row["method"] for row in rows] == [
        *(row.method for row in ranked(found)),
        "random mean",
        "best order",
        "worst order",
    ]
    best = ranked(found)[0]
    for operator in ("mask", "delete"):
        assert float(rows[0][f"{operator}_aopc"]) == pytest.approx(best.measures[operator]["aopc"])
        assert float(rows[0][f"{operator}_share"]) == pytest.approx(found.share(best, operator))
        assert float(rows[0][f"{operator}_naopc"]) == pytest.approx(found.naopc(best, operator))
        ends = (found.random_mean, found.best_aopc, found.worst_aopc)
        for row, end in zip(rows[-3:], ends, strict=True):
            assert float(row[f"{operator}_aopc"]) == pytest.approx(end(operator))
