"""Batches by tokens: every row once, the same number each epoch, little padding, shared fairly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.training.batches import (
    TokenBatches,
    count_batches,
    cut_points,
    cut_pool,
    least_budget,
)

LENGTHS = st.lists(st.integers(1, 512), min_size=1, max_size=60)


def lengths_like_news(n: int = 3_000) -> list[int]:
    """Lengths spread as those of news are."""
    lengths = np.clip(np.random.default_rng(0).lognormal(3.9, 0.4, n), 8, 256)
    return [int(length) for length in lengths]


@given(lengths=LENGTHS, batches=st.integers(1, 80), epoch=st.integers(0, 5))
def test_every_row_comes_once_an_epoch_and_every_epoch_has_as_many_batches(
    lengths: list[int], batches: int, epoch: int
) -> None:
    made = TokenBatches(lengths, batches=batches, seed=1)
    made.set_epoch(epoch)
    found = list(made)
    assert sorted(row for batch in found for row in batch) == list(range(len(lengths)))
    assert len(found) == len(made) == min(batches, len(lengths))
    assert all(found)


@given(lengths=LENGTHS, batches=st.integers(1, 40), epoch=st.integers(0, 3))
def test_processes_share_the_batches_of_one_and_have_as_many_each(
    lengths: list[int], batches: int, epoch: int
) -> None:
    processes = min(3, len(lengths))
    shared = [
        TokenBatches(lengths, batches=batches, seed=1, processes=processes, rank=rank)
        for rank in range(processes)
    ]
    alone = TokenBatches(lengths, batches=len(shared[0]) * processes, seed=1)
    for part in (*shared, alone):
        part.set_epoch(epoch)
    steps = zip(*shared, strict=True)
    assert [batch for step in steps for batch in step] == list(alone)


def test_padding_is_a_few_per_cent_and_no_batch_is_much_larger_than_another() -> None:
    lengths = np.array(lengths_like_news())
    batches = TokenBatches(lengths.tolist(), batches=94, seed=1)
    tokens = [len(batch) * lengths[batch].max() for batch in batches]
    assert sum(tokens) < 1.07 * lengths.sum()
    assert max(tokens) < 1.15 * np.mean(tokens)


def test_a_step_sees_more_lengths_than_one_where_rows_are_few() -> None:
    """Where length tells of the class, batches of one length each would mislead every step."""
    lengths = [8] * 150 + [9] * 150
    for batch in TokenBatches(lengths, batches=19, seed=1):
        assert len(batch) < 40
    mixed = sum(
        len({lengths[row] for row in batch}) == 2
        for epoch in range(5)
        for batch in _of_epoch(lengths, 19, epoch)
    )
    assert mixed >= 20


def _of_epoch(lengths: list[int], batches: int, epoch: int) -> list[list[int]]:
    made = TokenBatches(lengths, batches=batches, seed=1)
    made.set_epoch(epoch)
    return list(made)


def test_an_epoch_has_an_order_of_its_own_which_hangs_on_the_seed_alone() -> None:
    def rows(seed: int, epoch: int) -> list[list[int]]:
        batches = TokenBatches(lengths_like_news(), batches=94, seed=seed)
        batches.set_epoch(epoch)
        return list(batches)

    assert rows(1, 0) == rows(1, 0)
    assert rows(1, 0) != rows(2, 0)
    together = {frozenset(batch) for batch in rows(1, 0)}
    assert not together & {frozenset(batch) for batch in rows(1, 1)}


def test_the_longest_texts_come_first() -> None:
    lengths = lengths_like_news()
    for epoch in range(3):
        first = _of_epoch(lengths, 94, epoch)[0]
        assert max(lengths) in [lengths[row] for row in first]


@given(lengths=LENGTHS, batches=st.integers(1, 60))
def test_the_budget_is_the_least_that_makes_no_more_batches(
    lengths: list[int], batches: int
) -> None:
    ascending = np.sort(np.array(lengths))
    windows = ascending[::-1] % 4 + 1
    budget = least_budget(ascending, windows, batches)
    assert len(cut_points(ascending, windows, budget)) + 1 <= batches
    assert budget == 1 or len(cut_points(ascending, windows, budget - 1)) + 1 > batches


@given(lengths=LENGTHS, budget=st.integers(1, 2_000))
def test_a_batch_holds_the_budget_or_one_row(lengths: list[int], budget: int) -> None:
    ascending = np.sort(np.array(lengths))
    windows = ascending[::-1] % 4 + 1
    for batch in np.split(np.arange(len(lengths)), cut_points(ascending, windows, budget)):
        assert len(batch) == 1 or windows[batch].sum() * ascending[batch[-1]] <= budget


@given(lengths=LENGTHS, share=st.floats(0.01, 1))
def test_a_pool_is_cut_into_as_many_batches_as_asked(lengths: list[int], share: float) -> None:
    rows, wanted = np.arange(len(lengths)), max(round(share * len(lengths)), 1)
    batches = cut_pool(rows, np.array(lengths), rows % 3 + 1, wanted)
    assert len(batches) == wanted
    assert sorted(np.concatenate(batches)) == rows.tolist()
    assert all(len(batch) for batch in batches)


@pytest.mark.parametrize("budget", [1_000, 4_000, 16_000])
def test_so_many_batches_stay_within_a_budget(budget: int) -> None:
    lengths = np.array(lengths_like_news())
    batches = count_batches(lengths.tolist(), budget)
    tokens = [
        len(batch) * lengths[batch].max()
        for epoch in range(3)
        for batch in _of_epoch(lengths.tolist(), batches, epoch)
    ]
    assert max(tokens) < 1.1 * budget
    assert np.mean(tokens) > 0.75 * budget
