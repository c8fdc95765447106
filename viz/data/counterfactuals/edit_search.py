"""The smallest set of edits that changes a class: every set of a size while that can be paid.

Sets of one edit come first, then pairs, then triples.  A size whose sets are too many for what may
be read is searched by an estimate: the margins of a set of one edit less, plus what the further
edit gains alone, plus what it gains beside each of the others where that pair was read.
Source: viz/data/README.md 2.6.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.jobs.cancellation import check_cancelled

MAX_EDITS = 10
"""The most edits of a set; more is no small change."""
BEAM = 64
"""Sets of a size from which those of the next are made by estimate."""
AT_ONCE = 32
"""Sets read at once where their order is that of an estimate; the first flip among them ends it."""


@dataclass(frozen=True, slots=True)
class Edited:
    """What became of a text under a set of edits."""

    flips: bool
    """Whether its class is another one; False where nothing of the text could be read."""
    margins: FloatArray
    """How far each other class is above the one the text had; -inf where not read.  (C,)"""
    probability: float
    """Of the class it has."""


Edits = tuple[int, ...]
"""A set of edits by their numbers, in ascending order."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The smallest set of edits that was seen to flip the class, if any."""

    edits: Edits | None
    n_exhausted: int
    """Up to which size all sets were tried."""
    n_sets: int
    """How many sets were tried."""
    counts: tuple[tuple[int, int], ...] = ()
    """Of each size that wasn't exhausted: sets tried, and sets that there are."""

    @property
    def smallest(self) -> bool:
        """Whether no smaller set flips it."""
        return self.edits is not None and self.n_exhausted >= len(self.edits) - 1


@dataclass(slots=True)
class EditSearch:
    """A search over sets of edits of different words.

    Args:
        words: Which word each edit changes; at most one edit of a word is in a set.  (m,)
        read: What becomes of the text under each of several sets.
        confirm: Whether a set that was seen to flip the class does so when it is read alone.
        max_sets: How many sets may be tried.  A fifth of them is kept for sizes beyond those whose
            sets can all be tried.
        priority: In which order single edits are tried where not all can be: the highest first.
            (m,)
    """

    words: Sequence[int]
    read: Callable[[Sequence[Edits]], list[Edited]]
    confirm: Callable[[Edits], bool]
    max_sets: int
    priority: FloatArray | None = None
    _known: dict[Edits, Edited] = field(default_factory=dict)
    _refused: set[Edits] = field(default_factory=set)
    _counts: list[tuple[int, int]] = field(default_factory=list)

    def run(self) -> SearchResult:
        """Search from the smallest sets to the largest, and stop at the first size with a flip."""
        self._try([()])
        n_words = len(set(self.words))
        n_exhausted = 0
        largest = min(n_words, MAX_EDITS)
        for size in range(1, largest + 1):
            count = self.count(size)
            kept = self.max_sets // 5 if size < largest else 0
            if n_exhausted == size - 1 and count <= self._left - kept:
                self._try(list(self._all(size)))
                n_exhausted = size
            elif n_tried := self._try_by_estimate(
                size, self._left // (2 if size == 1 else largest - size + 1)
            ):
                self._counts.append((n_tried, count))
            else:
                break
            if (edits := self._flip(size)) is not None:
                return self._result(self._improved(edits, n_exhausted), n_exhausted)
        return self._result(None, n_exhausted)

    def _result(self, edits: Edits | None, n_exhausted: int) -> SearchResult:
        return SearchResult(edits, n_exhausted, len(self._known) - 1, tuple(self._counts))

    def count(self, size: int) -> int:
        """How many sets of a size there are."""
        choices: dict[int, int] = defaultdict(int)
        for word in self.words:
            choices[word] += 1
        sums = [1] + [0] * size  # elementary symmetric polynomials
        for number in choices.values():
            for order in range(size, 0, -1):
                sums[order] += number * sums[order - 1]
        return sums[size]

    @property
    def _left(self) -> int:
        return self.max_sets - (len(self._known) - 1)  # the text as it stands is one of them

    def _all(self, size: int) -> Iterator[Edits]:
        for edits in combinations(range(len(self.words)), size):
            if len({self.words[edit] for edit in edits}) == size:
                yield edits

    def _try(self, sets: Sequence[Edits]) -> None:
        new = [edits for edits in dict.fromkeys(sets) if edits not in self._known]
        self._known.update(zip(new, self.read(new), strict=True))

    def _try_by_estimate(self, size: int, most: int) -> int:
        """Try the most promising sets of a size that weren't tried; how many were."""
        sets = self._most_promising(size, min(self._left, max(AT_ONCE, most)))
        for start in range(0, len(sets), AT_ONCE):
            self._try(sets[start : start + AT_ONCE])
            if self._flip(size) is not None:
                return start + len(sets[start : start + AT_ONCE])
        return len(sets)

    def _most_promising(self, size: int, most: int) -> list[Edits]:
        if size == 1:
            singles: list[Edits] = [(edit,) for edit in range(len(self.words))]
            if self.priority is not None:
                singles = [singles[i] for i in np.argsort(-self.priority, kind="stable")]
            return singles[:most]
        gains = self._gains()
        pair_gains = self._pair_gains(gains) if size > 2 else {}
        beam = sorted(
            (edits for edits in self._known if len(edits) == size - 1 and self._was_read(edits)),
            key=lambda edits: (-float(self._known[edits].margins.max()), edits),
        )[:BEAM]
        estimates: dict[Edits, float] = {}
        for edits in beam:
            check_cancelled()
            margins = self._known[edits].margins + gains
            for edit in set(edits) & set(pair_gains):
                others, extra = pair_gains[edit]
                margins[others] += extra
            best = margins.max(axis=1)
            edited = {self.words[edit] for edit in edits}
            for edit in map(int, np.flatnonzero(np.isfinite(best))):
                larger = tuple(sorted((*edits, edit)))
                if self.words[edit] not in edited and larger not in self._known:
                    estimates[larger] = max(estimates.get(larger, -math.inf), float(best[edit]))
        order = sorted(estimates, key=lambda edits: (-estimates[edits], edits))
        return order[:most]

    def _was_read(self, edits: Edits) -> bool:
        return bool(np.isfinite(self._known[edits].margins).any())

    def _gains(self) -> FloatArray:
        """What each edit adds to the margins by itself; -inf where that isn't known.  (m, C)"""
        whole = self._known[()].margins
        gains = np.full((len(self.words), len(whole)), -np.inf)
        finite = np.isfinite(whole)
        for edit in range(len(self.words)):
            if (edit,) in self._known and self._was_read((edit,)):
                gains[edit, finite] = self._known[edit,].margins[finite] - whole[finite]
        return gains

    def _pair_gains(self, gains: FloatArray) -> dict[int, tuple[list[int], FloatArray]]:
        """Beside each edit, others and what these add beyond what they add alone.  (n, C)"""
        whole = self._known[()].margins
        finite = np.isfinite(whole)
        extras: dict[int, dict[int, FloatArray]] = defaultdict(dict)
        for edits, outcome in self._known.items():
            if len(edits) != 2 or not np.isfinite(gains[list(edits)][:, finite]).all():
                continue
            if self._was_read(edits):
                first, second = edits
                extra = np.zeros(len(whole))
                alone = whole + gains[first] + gains[second]
                extra[finite] = outcome.margins[finite] - alone[finite]
                extras[first][second] = extras[second][first] = extra
        return {
            edit: (list(beside), np.stack(list(beside.values()))) for edit, beside in extras.items()
        }

    def _flip(self, size: int) -> Edits | None:
        """The set of a size that flips with the highest probability, confirmed."""
        flips = [
            edits
            for edits, outcome in self._known.items()
            if len(edits) == size and outcome.flips and edits not in self._refused
        ]
        for edits in sorted(flips, key=lambda edits: (-self._known[edits].probability, edits)):
            if self.confirm(edits):
                return edits
            self._refused.add(edits)
        return None

    def _improved(self, edits: Edits, n_exhausted: int) -> Edits:
        """A smaller set that flips, where one is found within what may still be read.

        First the set without each of its edits, then the most promising ones of its size less one.
        """
        while (size := len(edits) - 1) > n_exhausted:
            self._try(list(combinations(edits, size)))
            if self._flip(size) is None and self._left > 0:
                self._try_by_estimate(size, self._left // 2)
            smaller = self._flip(size)
            if smaller is None:
                break
            edits = smaller
        return edits
