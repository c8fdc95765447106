"""A search by estimate, where not all sets can be tried."""

from collections.abc import Mapping, Sequence

import numpy as np

from viz.data.counterfactuals.edit_search import Edited, Edits, EditSearch


class Scalar:
    """A text whose margin is a sum over words and pairs of words."""

    def __init__(self, gains: Mapping[Edits, float], margin: float = -1.0) -> None:
        self.gains, self.margin = gains, margin
        self.n_read = 0

    def read(self, sets: Sequence[Edits]) -> list[Edited]:
        self.n_read += len(sets)
        outcomes = []
        for edits in sets:
            margin = self.margin + sum(
                gain for part, gain in self.gains.items() if set(part) <= set(edits)
            )
            outcomes.append(Edited(margin > 0, np.array([-np.inf, margin]), margin))
        return outcomes


def test_a_triple_among_ten_thousand_is_one_of_the_first() -> None:
    text = Scalar({(7,): 0.4, (21,): 0.4, (33,): 0.3, (2,): 0.05})
    result = EditSearch(range(40), text.read, lambda edits: True, 1_200).run()
    assert result.edits == (7, 21, 33)
    assert result.smallest
    assert result.n_exhausted == 2
    assert text.n_read <= 1 + 40 + 780 + 32


def test_words_that_matter_together_are_seen_in_pairs() -> None:
    text = Scalar({(3, 9): 0.5, (9, 14): 0.3, (3, 14): 0.3, (5,): 0.1})
    result = EditSearch(range(30), text.read, lambda edits: True, 700).run()
    assert result.edits == (3, 9, 14)


def test_of_one_size_the_likeliest_flip_is_taken_and_one_that_fails_alone_is_dropped() -> None:
    text = Scalar({(1,): 1.5, (4,): 1.2, (6,): 1.7})
    search = [EditSearch(range(8), text.read, confirm, 100).run() for confirm in (
        lambda edits: True, lambda edits: edits != (6,), lambda edits: len(edits) > 1,
    )]  # fmt: skip
    assert [result.edits for result in search] == [(6,), (1,), (1, 6)]


def test_one_edit_of_a_word_excludes_another() -> None:
    text = Scalar({(0,): 0.6, (1,): 0.6, (2,): 0.3, (3,): 0.2})
    search = EditSearch([0, 0, 1, 2], text.read, lambda edits: True, 100)
    assert [search.count(size) for size in (1, 2, 3)] == [4, 5, 2]
    assert search.run().edits == (0, 2, 3)


def test_a_set_found_by_estimate_holds_nothing_that_it_does_not_need() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        gains: dict[Edits, float] = {
            (word,): float(gain) for word, gain in enumerate(generator.normal(0, 0.2, 60))
        }
        text = Scalar(gains)
        result = EditSearch(range(60), text.read, lambda edits: True, 300).run()
        assert text.n_read <= 301 + 10
        best = np.cumsum(sorted(gains.values(), reverse=True)[:10])
        if result.edits is None:
            assert best[-1] <= 1
        else:
            assert len(result.edits) == int(np.argmax(best > 1)) + 1


def test_more_words_than_sets_are_tried_in_the_order_of_their_priority() -> None:
    text = Scalar({(500,): 1.5})
    priority = -np.abs(np.arange(900.0) - 480)
    result = EditSearch(range(900), text.read, lambda edits: True, 200, priority).run()
    assert result.edits == (500,)
    assert result.smallest
    assert not EditSearch(range(900), text.read, lambda edits: True, 200).run().smallest
