"""Batches of about the same number of tokens, from texts of nearly the same length."""

from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

Numbers = NDArray[np.int64]

MAX_POOL_BATCHES = 50
"""Batches at most that are cut from one pool of rows, which is sorted by length."""
MIN_POOLS = 4
"""Pools at least: where length tells of the class, rows all of one length would mislead a step."""


class TokenBatches(Sampler[list[int]]):
    """The rows of each batch of an epoch: few long texts, or many short ones.

    Rows are dealt to pools at random; those of a pool are sorted by length and cut into batches
    that hold about the same number of tokens, padding counted. All of it depends on the seed and
    the epoch alone, so a resumed run goes on with the batches it would have had, and every epoch
    has as many as any other.

    Of several processes each takes every n-th batch: they make a step of what one process makes of
    the same batches accumulated.

    Args:
        lengths: Tokens of each row, or of its longest window.  (N,)
        batches: Batches of an epoch; more where that takes a multiple of *processes*.
        seed: Chooses pools and order, together with the epoch.
        processes: How many share the batches, N at most.
        rank: Which of them this one is.
        windows: How many windows of each row are read; by default one.  (N,)
    """

    def __init__(
        self,
        lengths: Sequence[int],
        *,
        batches: int,
        seed: int,
        processes: int = 1,
        rank: int = 0,
        windows: Sequence[int] | None = None,
    ) -> None:
        self.lengths, self.windows = as_numbers(lengths), as_counts(windows, len(lengths))
        self.seed, self.processes, self.rank, self.epoch = seed, processes, rank, 0
        most = len(lengths) // processes
        self.each = min(ceil(batches / processes), most)

    def set_epoch(self, epoch: int) -> None:
        """Take the order of *epoch*, counted from 0."""
        self.epoch = epoch

    def __len__(self) -> int:
        """The batches of this process in an epoch."""
        return self.each

    def steps(self, accumulation: int) -> int:
        """The optimizer steps of an epoch, each of *accumulation* batches but for the last."""
        return ceil(self.each / accumulation)

    def __iter__(self) -> Iterator[list[int]]:
        """The row numbers of each batch; the longest texts first, so that memory fails early."""
        batches = self.whole_epoch(self.epoch)
        for batch in batches[self.rank :: self.processes]:
            yield batch.tolist()

    def whole_epoch(self, epoch: int) -> list[Numbers]:
        """The batches of all processes in their order."""
        chance, count = np.random.default_rng([self.seed, epoch]), self.each * self.processes
        pools = count_pools(count)
        shuffled = np.array_split(chance.permutation(len(self.lengths)), pools)
        counts = [len(part) for part in np.array_split(np.arange(count), pools)]
        cut_batches = [
            batch
            for rows, batches in zip(shuffled, counts, strict=True)
            for batch in cut_pool(rows, self.lengths[rows], self.windows[rows], batches)
        ]
        order = chance.permutation(count)
        tokens = self.lengths * self.windows
        longest = max(range(count), key=lambda place: tokens[cut_batches[order[place]]].max())
        order[[0, longest]] = order[[longest, 0]]
        return [cut_batches[number] for number in order]


def as_numbers(values: Sequence[int]) -> Numbers:
    """Whole numbers as an array."""
    return np.asarray(values, dtype=np.int64)


def as_counts(windows: Sequence[int] | None, rows: int) -> Numbers:
    """The windows of each of so many *rows*; where none are told, each is one."""
    return np.ones(rows, dtype=np.int64) if windows is None else as_numbers(windows)


def count_pools(batches: int) -> int:
    """Into how many pools the rows of so many *batches* are dealt."""
    return ceil(batches / min(MAX_POOL_BATCHES, max(batches // MIN_POOLS, 1)))


def cut_pool(rows: Numbers, lengths: Numbers, windows: Numbers, batches: int) -> list[Numbers]:
    """So many *batches* of *rows*, as even in tokens as they can be cut.

    Args:
        rows: Their numbers.
        lengths: Tokens of each, or of its longest window.
        windows: How many windows of each are read.
        batches: How many to make.
    """
    order = np.argsort(lengths, kind="stable")
    ascending, counts = lengths[order], windows[order]
    budget = least_budget(ascending, counts, batches)
    edges = [0, *cut_points(ascending, counts, budget), len(rows)]
    while len(edges) - 1 < batches:
        widest = int(np.argmax(np.diff(edges)))
        edges.insert(widest + 1, (edges[widest] + edges[widest + 1]) // 2)
    return np.split(rows[order], edges[1:-1])


def least_budget(ascending: Numbers, windows: Numbers, batches: int) -> int:
    """The fewest tokens a batch may hold where rows of *ascending* lengths make *batches*."""
    low, high = 1, int(ascending[-1]) * int(windows.sum())
    while low < high:
        middle = (low + high) // 2
        if len(cut_points(ascending, windows, middle)) < batches:
            high = middle
        else:
            low = middle + 1
    return low


def cut_points(ascending: Numbers, windows: Numbers, budget: int) -> list[int]:
    """Where rows of *ascending* lengths are cut so that each batch holds the budget, or one row."""
    cuts, start, total = [], 0, 0
    for row, (size, count) in enumerate(zip(ascending.tolist(), windows.tolist(), strict=True)):
        total += count
        if row > start and total * size > budget:
            cuts.append(row)
            start, total = row, count
    return cuts


def count_batches(lengths: Sequence[int], budget: int, windows: Sequence[int] | None = None) -> int:
    """How many batches rows of *lengths* make where each holds the *budget* or hardly more."""
    sizes, counts = as_numbers(lengths), as_counts(windows, len(lengths))
    order = np.argsort(sizes, kind="stable")
    batches = len(cut_points(sizes[order], counts[order], budget)) + 1
    # Pools have a chance share of long rows each: one batch more gives them room.
    return min(batches + count_pools(batches), len(lengths))
