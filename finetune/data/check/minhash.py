"""Near copies: texts as sets of short runs of characters, compared by MinHash and Jaccard index.

Broder 1997, On the Resemblance and Containment of Documents; banding as in Leskovec, Rajaraman,
Ullman, Mining of Massive Datasets, section 3.4. Runs of characters need no blanks between words.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack
from sklearn.feature_extraction.text import HashingVectorizer

MIN_JACCARD = 0.8
"""Jaccard index from which two texts are near copies: of ten runs in either, eight are in both."""

SHINGLE_CHARS = 4
"""Characters in a run."""

MAX_COMPARED_CHARS = 2_000
"""Characters compared of each text, from its start: they bound memory and time."""

BANDS, ROWS_PER_BAND = 16, 5
"""A pair is looked at where all minima of a band agree: 99.8% of pairs at 0.8, 0.2% at 0.2."""

BUCKET_WINDOW = 8
"""Texts of one bucket that each is compared with at most; thousands may share a template."""

MIN_AGREEMENT = 0.65
"""Share of agreeing minima below which the index itself isn't computed: 3 sigma below NEAR."""

CHUNK_CHARS = 4_000_000
"""Characters worked on at a time."""

CHUNK_PAIRS = 20_000
"""Pairs worked on at a time."""

PUNCTUATION = re.compile(r"[\W_]+")

Pairs = NDArray[np.int64]
"""Numbers of two texts each, the lower one first.  (P, 2)"""

UIntArray = NDArray[np.uint32]


def normalized(text: str) -> str:
    """*text* without case, punctuation, and ways of writing one character; blanks are single.

    A text of nothing but punctuation keeps it.
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    return PUNCTUATION.sub(" ", text).strip() or " ".join(text.split())


def near_duplicate_pairs(texts: Sequence[Sequence[str]]) -> Pairs:
    """Pairs of rows that are near copies in each of their texts; *texts* are one list per side.

    Every pair given is one (its index is computed); a few may be missed: see BANDS and WINDOW.
    """
    if len(texts[0]) < 2:
        return np.empty((0, 2), dtype=np.int64)
    sides = [_shingles([text[:MAX_COMPARED_CHARS] for text in side]) for side in texts]
    minima = np.minimum.reduce([_signatures(side, seed) for seed, side in enumerate(sides)])
    pairs = _candidates(minima)
    found = [block[_agree(sides, minima, block)] for block in _blocks(pairs)]
    return np.concatenate(found) if found else pairs


def _shingles(texts: Sequence[str]) -> csr_array:
    """Which runs of characters, by hash, each text has.  (N, 2**30), ones"""
    hashing = HashingVectorizer(
        analyzer="char",
        ngram_range=(SHINGLE_CHARS, SHINGLE_CHARS),
        lowercase=False,
        n_features=2**30,
        alternate_sign=False,
        norm=None,
        binary=True,
        dtype=np.float32,
    )
    # Padding gives a text shorter than a run a run of its own; the analyzer joins blanks itself.
    padded = [" ".join(text.split()).ljust(SHINGLE_CHARS, "\0") for text in texts]
    parts = [csr_array(hashing.transform(padded[part])) for part in _chunks(padded)]
    for part in parts:
        part.data = part.data.astype(np.uint16)
    return vstack(parts, format="csr")


def _chunks(texts: Sequence[str]) -> Iterator[slice]:
    """Slices of about CHUNK characters each."""
    start = size = 0
    for i, text in enumerate(texts):
        size += len(text)
        if size >= CHUNK_CHARS or i == len(texts) - 1:
            yield slice(start, i + 1)
            start, size = i + 1, 0


def _signatures(runs: csr_array, seed: int) -> UIntArray:
    """The lowest run of each text under random orders of all runs.  (N, BANDS * ROWS)"""
    random = np.random.default_rng(seed)
    size = (2, BANDS * ROWS_PER_BAND)
    factors, offsets = random.integers(2**32, size=size, dtype=np.uint32)
    minima = np.empty((runs.shape[0], BANDS * ROWS_PER_BAND), dtype=np.uint32)
    for first in range(0, len(minima), CHUNK_PAIRS):
        starts = runs.indptr[first : first + CHUNK_PAIRS + 1]
        hashes = runs.indices[starts[0] : starts[-1]].astype(np.uint32)
        begins = starts[:-1] - starts[0]
        for order, (factor, offset) in enumerate(zip(factors, offsets, strict=True)):
            # An odd factor and an offset permute the 32-bit numbers.
            mixed = (hashes ^ offset) * (factor | np.uint32(1))
            minima[first : first + CHUNK_PAIRS, order] = np.minimum.reduceat(mixed, begins)
    return minima


def _candidates(minima: UIntArray) -> Pairs:
    """Pairs that agree in all minima of some band."""
    shuffled = np.random.default_rng(0).permutation(len(minima))
    found: list[NDArray[np.int64]] = []
    for band in np.split(minima, BANDS, axis=1):
        _, bucket = np.unique(band, axis=0, return_inverse=True)
        order = shuffled[np.argsort(bucket[shuffled], kind="stable")]
        buckets = bucket[order]
        for step in range(1, min(BUCKET_WINDOW, len(order) - 1) + 1):
            same = np.flatnonzero(buckets[:-step] == buckets[step:])
            pairs = np.sort(np.stack([order[same], order[same + step]]), axis=0)
            found.append(pairs[0] * len(minima) + pairs[1])
    numbers = np.unique(np.concatenate(found))
    return np.stack([numbers // len(minima), numbers % len(minima)], axis=1)


def _blocks(pairs: Pairs) -> Iterator[Pairs]:
    for start in range(0, len(pairs), CHUNK_PAIRS):
        yield pairs[start : start + CHUNK_PAIRS]


def _agree(sides: Sequence[csr_array], minima: UIntArray, pairs: Pairs) -> NDArray[np.bool_]:
    """Which of *pairs* reach NEAR on each side."""
    first, second = pairs.T
    near: NDArray[np.bool_] = (minima[first] == minima[second]).mean(axis=1) >= MIN_AGREEMENT
    for side in sides:
        near[near] = jaccard(side, pairs[near]) >= MIN_JACCARD
    return near


def jaccard(runs: csr_array, pairs: Pairs) -> NDArray[np.float64]:
    """Shared runs by all runs of both texts, for each pair.  (P,)"""
    first, second = pairs.T
    both = np.asarray(runs[first].multiply(runs[second]).sum(axis=1), dtype=np.float64)
    sizes = np.diff(runs.indptr)
    index: NDArray[np.float64] = both / (sizes[first] + sizes[second] - both)
    return index
