"""Batches of about the same number of tokens, from texts of nearly the same length."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

Numbers = NDArray[np.int64]

STEP = 16
"""Lengths within a 1/16 of each other count as the same: 6 % of padding at most, 3 % on average."""


class TokenBatches(Sampler[list[int]]):
    """The rows of each batch of an epoch: as many as the budget holds, padding counted.

    Where batches are cut hangs on the lengths alone, so every epoch has as many steps as any other.
    Which rows of like length fall into which batch, and in which order batches come, hangs on the
    seed and the epoch alone, so a resumed run goes on with the batches it would have had.

    Of several processes each takes every n-th batch: they make a step of what one process makes of
    the same batches accumulated.

    Args:
        lengths: Tokens of each row.  (N,)
        budget: Tokens of a batch; a longer row is a batch of its own.
        seed: Chooses the order together with the epoch.
        processes: How many share the batches.
        rank: Which of them this one is.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        *,
        budget: int,
        seed: int,
        processes: int = 1,
        rank: int = 0,
    ) -> None:
        self.seed, self.processes, self.rank, self.epoch = seed, processes, rank, 0
        self.sizes = padded_sizes(lengths)
        self.cuts = cut(np.sort(self.sizes), budget, multiple_of=processes)

    def set_epoch(self, epoch: int) -> None:
        """Take the order of *epoch*, counted from 0."""
        self.epoch = epoch

    def __len__(self) -> int:
        """The batches of this process in an epoch."""
        return (len(self.cuts) + 1) // self.processes

    def __iter__(self) -> Iterator[list[int]]:
        """The row numbers of each batch; the longest texts first, so that memory fails early."""
        batches, order = self.whole_epoch(self.epoch)
        for number in order[self.rank :: self.processes]:
            yield batches[number].tolist()

    def whole_epoch(self, epoch: int) -> tuple[list[Numbers], Numbers]:
        """The batches of all processes from short to long texts, and the order they come in."""
        chance = np.random.default_rng([self.seed, epoch])
        rows = np.lexsort((chance.random(len(self.sizes)), self.sizes))
        batches = np.split(rows, self.cuts)
        order = chance.permutation(len(batches))
        longest = int(np.flatnonzero(order == len(batches) - 1)[0])
        order[[0, longest]] = order[[longest, 0]]
        return batches, order


def padded_sizes(lengths: Sequence[int]) -> Numbers:
    """Each length as the greatest of those that count as the same.  (N,)"""
    found = np.asarray(lengths, dtype=np.int64)
    ladder, top = [1], int(found.max())
    while ladder[-1] < top:
        ladder.append(ladder[-1] + 1 + ladder[-1] // STEP)
    steps = np.minimum(np.array(ladder), top)
    sizes: Numbers = steps[np.searchsorted(steps, found)]
    return sizes


def budget_for(lengths: Sequence[int], batches: int) -> int:
    """The least tokens of a batch with which rows of *lengths* fit into so many *batches*."""
    sizes = np.sort(padded_sizes(lengths))
    low, high = 1, int(sizes[-1]) * len(sizes)
    while low < high:
        middle = (low + high) // 2
        if len(cut(sizes, middle)) < batches:
            high = middle
        else:
            low = middle + 1
    return low


def cut(sizes: Numbers, budget: int, *, multiple_of: int = 1) -> list[int]:
    """Where to cut rows of ascending *sizes* so that each batch holds the budget or a single row.

    The widest batches are halved until their number is a multiple of *multiple_of*; where there are
    too few rows for that, the narrowest neighbours are joined.
    """
    cuts, start = [], 0
    for row, size in enumerate(sizes.tolist()):
        if row > start and (row + 1 - start) * size > budget:
            cuts.append(row)
            start = row
    return _evened([0, *cuts, len(sizes)], multiple_of)


def _evened(edges: list[int], multiple_of: int) -> list[int]:
    wanted = -(-(len(edges) - 1) // multiple_of) * multiple_of
    if wanted > edges[-1]:
        wanted -= multiple_of
    while len(edges) - 1 < wanted:
        widest = int(np.argmax(np.diff(edges)))
        edges.insert(widest + 1, (edges[widest] + edges[widest + 1]) // 2)
    while len(edges) - 1 > wanted:
        joined = np.array(edges[2:]) - np.array(edges[:-2])
        del edges[int(np.argmin(joined)) + 1]
    return edges[1:-1]
