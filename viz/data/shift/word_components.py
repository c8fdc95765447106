"""What rows are about: their words, weighed by rarity, as a few components (Deerwester 1990).

Latent semantic analysis: a truncated singular value decomposition of which row has which word.  It
knows nothing of the files that rows come from.
"""

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import normalize

from finetune.checkpoint.arrays import FloatArray

MIN_WORD_ROWS = 3
"""Rows that must have a word for it to count."""
N_COMPONENTS = 100
MIN_ROWS_PER_COMPONENT = 5


@dataclass(frozen=True, slots=True)
class WordPresence:
    """Which of V words each of M rows has."""

    vocabulary: list[str]
    weights: csr_array
    """Of the words of a row, larger for rare ones; each row has length 1.  (M, V)"""

    def components(self, seed: int) -> FloatArray:
        """At most N_COMPONENTS of each row; fewer where there are few rows or words.  (M, K)"""
        n_rows, n_words = self.weights.shape
        n = min(N_COMPONENTS, n_rows // MIN_ROWS_PER_COMPONENT, n_words - 1)
        if n < 1:
            return np.zeros((n_rows, 0))
        components: FloatArray = TruncatedSVD(n, random_state=seed).fit_transform(self.weights)
        return components


def word_presence(rows: Sequence[tuple[str, ...]], without: Container[str]) -> WordPresence:
    """Which words rows have.

    Args:
        rows: The words of each row.  M
        without: Words that don't count, such as those that are misspelled.
    """
    counts = Counter(word for words in rows for word in set(words))
    usual = (word for word, n in counts.items() if n >= MIN_WORD_ROWS)
    vocabulary = sorted(word for word in usual if word not in without)
    number = {word: place for place, word in enumerate(vocabulary)}
    places = [sorted({number[word] for word in words if word in number}) for words in rows]
    ends = np.cumsum([0, *(len(row) for row in places)])
    columns = np.array([place for row in places for place in row], dtype=np.int64)
    rarity = np.sqrt(np.log1p(len(rows) / np.array([counts[word] for word in vocabulary])))
    values = rarity[columns] if len(columns) else np.zeros(0)
    weights = csr_array((values, columns, ends), (len(rows), len(vocabulary)))
    return WordPresence(vocabulary, csr_array(normalize(weights)) if vocabulary else weights)
