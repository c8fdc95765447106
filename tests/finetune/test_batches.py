"""Batches by tokens: every row once, the same number each epoch, little padding, shared fairly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.batches import TokenBatches, budget_for, cut, padded_sizes

LENGTHS = st.lists(st.integers(1, 512), min_size=1, max_size=60)


def lengths_like_news(n: int = 3_000) -> list[int]:
    """Lengths spread as those of news are."""
    lengths = np.clip(np.random.default_rng(0).lognormal(3.9, 0.4, n), 8, 256)
    return [int(length) for length in lengths]


@given(lengths=LENGTHS, budget=st.integers(1, 2_000), epoch=st.integers(0, 5))
def test_every_row_comes_once_an_epoch_and_every_epoch_has_as_many_batches(
    lengths: list[int], budget: int, epoch: int
) -> None:
    batches = TokenBatches(lengths, budget=budget, seed=1)
    batches.set_epoch(epoch)
    found = list(batches)
    assert sorted(row for batch in found for row in batch) == list(range(len(lengths)))
    assert len(found) == len(batches)


@given(lengths=LENGTHS, budget=st.integers(1, 2_000))
def test_no_batch_holds_more_than_the_budget_unless_it_is_one_row(
    lengths: list[int], budget: int
) -> None:
    for batch in TokenBatches(lengths, budget=budget, seed=1):
        widest = max(lengths[row] for row in batch)
        assert len(batch) == 1 or len(batch) * widest <= budget


@given(lengths=LENGTHS, epoch=st.integers(0, 3))
def test_processes_share_the_batches_and_have_as_many_each(lengths: list[int], epoch: int) -> None:
    processes = min(3, len(lengths))
    alone = TokenBatches(lengths, budget=600, seed=1, processes=processes)
    shared = [
        TokenBatches(lengths, budget=600, seed=1, processes=processes, rank=rank)
        for rank in range(processes)
    ]
    for part in shared:
        part.set_epoch(epoch)
    assert {len(list(part)) for part in shared} == {len(alone)}
    rows = [row for part in shared for batch in part for row in batch]
    assert sorted(rows) == list(range(len(lengths)))


def test_padding_is_a_few_per_cent_at_most() -> None:
    lengths = np.array(lengths_like_news())
    batches = TokenBatches(lengths.tolist(), budget=1_600, seed=1)
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert padded < 1.04 * lengths.sum()


@given(lengths=LENGTHS)
def test_a_length_grows_by_a_sixteenth_at_most(lengths: list[int]) -> None:
    sizes = padded_sizes(lengths)
    found = np.array(lengths)
    assert np.all(sizes >= found)
    assert np.all(sizes - found <= found / 16)
    assert sizes.max() == found.max()


def test_an_epoch_has_an_order_of_its_own_which_hangs_on_the_seed_alone() -> None:
    def rows(seed: int, epoch: int) -> list[list[int]]:
        batches = TokenBatches(lengths_like_news(), budget=1_600, seed=seed)
        batches.set_epoch(epoch)
        return list(batches)

    assert rows(1, 0) == rows(1, 0)
    assert rows(1, 0) != rows(1, 1)
    assert rows(1, 0) != rows(2, 0)
    first, second = ({frozenset(batch) for batch in rows(1, epoch)} for epoch in (0, 1))
    assert len(first & second) < len(first) / 5


def test_the_longest_texts_come_first() -> None:
    lengths = lengths_like_news()
    for epoch in range(3):
        batches = TokenBatches(lengths, budget=1_600, seed=1)
        batches.set_epoch(epoch)
        assert max(lengths) in [lengths[row] for row in next(iter(batches))]


@given(lengths=LENGTHS, batches=st.integers(1, 60))
def test_the_budget_is_the_least_that_makes_no_more_batches(
    lengths: list[int], batches: int
) -> None:
    sizes = np.sort(padded_sizes(lengths))
    budget = budget_for(lengths, batches)
    assert len(cut(sizes, budget)) + 1 <= batches
    assert budget == 1 or len(cut(sizes, budget - 1)) + 1 > batches


@pytest.mark.parametrize(("rows", "batches"), [(40, 10), (41, 11), (3_000, 94)])
def test_rows_of_one_length_fall_into_batches_of_the_same_number(rows: int, batches: int) -> None:
    lengths = [20] * rows
    assert len(TokenBatches(lengths, budget=budget_for(lengths, batches), seed=1)) == batches
