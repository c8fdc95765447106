"""From one list of words to another: which stay, and what is replaced, inserted or deleted.

Words that stay, or that are nearly the same (`rise`, `rises`), are matched so that as much as
possible is matched, and rather in a row than scattered: a weighted longest common subsequence with
a bonus for neighbors.  What lies between two matches is one block of edits.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from finetune.checkpoint.arrays import FloatArray
from viz.jobs.cancellation import check_cancelled

EditKind = Literal["same", "replaced", "inserted", "deleted"]

SIMILAR = 0.6
"""The least similarity of two words that are matched though they differ."""
FOLDED = 0.95
"""The similarity of words that differ in nothing but case or width."""
NEIGHBOR_BONUS = 0.1
"""What a match is worth more that follows right upon another."""
DISTANCE_COST = 0.01
"""What a match is worth less between the first word of one list and the last of the other, so that
of equal ways the one is taken that moves words least."""


@dataclass(frozen=True, slots=True)
class WordEdit:
    """A stretch of the first list, and what stands in its place in the second."""

    kind: EditKind
    first: range
    """Places in the first list; empty where something is inserted."""
    second: range
    """Places in the second list; empty where something is deleted."""


def edit_words(first: Sequence[str], second: Sequence[str]) -> list[WordEdit]:
    """The edits that lead from one list of words to the other, in reading order.

    Every word of both lists is in one edit.  Words that stay, are inserted or are deleted have an
    edit each; so has each pair of words, where as many replace as are replaced.  The other way
    around the edits are the same, with both sides exchanged.
    """
    if tuple(first) > tuple(second):
        exchanged = map(_exchanged, edit_words(second, first))
        runs = groupby(exchanged, lambda edit: not (edit.first and edit.second))
        # What is deleted comes before what is inserted in its place.
        return [
            edit
            for _, run in runs
            for edit in sorted(run, key=lambda edit: edit.kind == "inserted")
        ]
    edits: list[WordEdit] = []
    i = j = 0
    for one, other in (*_matches(first, second), (len(first), len(second))):
        edits += _block(first, second, range(i, one), range(j, other))
        if one < len(first) and other < len(second):
            kind: EditKind = "same" if first[one] == second[other] else "replaced"
            edits.append(WordEdit(kind, range(one, one + 1), range(other, other + 1)))
        i, j = one + 1, other + 1
    return edits


def _exchanged(edit: WordEdit) -> WordEdit:
    kinds: dict[EditKind, EditKind] = {"inserted": "deleted", "deleted": "inserted"}
    return WordEdit(kinds.get(edit.kind, edit.kind), edit.second, edit.first)


def _block(
    first: Sequence[str], second: Sequence[str], ours: range, theirs: range
) -> Iterator[WordEdit]:
    """The edits between two matches: pairs, or one stretch in place of another."""
    runs, others = ([*_runs(words, part)] for words, part in ((first, ours), (second, theirs)))
    if [is_word for is_word, _ in runs] == [is_word for is_word, _ in others]:
        for (_, run), (_, other) in zip(runs, others, strict=True):
            if len(run) == len(other):
                pairs = zip(run, other, strict=True)
                yield from (
                    WordEdit("replaced", range(i, i + 1), range(j, j + 1)) for i, j in pairs
                )
            else:
                yield WordEdit("replaced", run, other)
    elif {is_word for is_word, _ in runs} & {is_word for is_word, _ in others}:
        yield WordEdit("replaced", ours, theirs)
    else:  # a mark is the counterpart of no word
        yield from (
            WordEdit("deleted", range(i, i + 1), range(theirs.start, theirs.start)) for i in ours
        )
        yield from (
            WordEdit("inserted", range(ours.stop, ours.stop), range(j, j + 1)) for j in theirs
        )


def _runs(words: Sequence[str], part: range) -> Iterator[tuple[bool, range]]:
    """Neighbors that are words, and neighbors that are marks."""
    for is_word, run in groupby(part, lambda place: any(map(str.isalnum, words[place]))):
        places = list(run)
        yield is_word, range(places[0], places[-1] + 1)


def _matches(first: Sequence[str], second: Sequence[str]) -> list[tuple[int, int]]:
    """The places of words that are matched, in order."""
    if not first or not second:
        return []
    one, own = _numbered(first)
    other, theirs = _numbered(second)
    similarity = _similarity(one, other)
    place, places = np.arange(len(own)) / len(own), np.arange(len(theirs)) / len(theirs)
    rows = [similarity[word][theirs] for word in own]
    return _best_path(
        [
            np.where(row > 0, row - DISTANCE_COST * np.abs(here - places), 0).astype(np.float32)
            for row, here in zip(rows, place, strict=True)
        ]
    )


def _numbered(words: Sequence[str]) -> tuple[list[str], NDArray[np.intp]]:
    """Each different word once, and the number of the word at each place."""
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    return list(numbers), np.array([numbers[word] for word in words])


def _similarity(first: Sequence[str], second: Sequence[str]) -> FloatArray:
    """1 for the same word, else the share of pairs of letters that two words have in common.

    The share is Dice's coefficient, and 0 where it is below `SIMILAR`.  (n, m)
    """
    one, other = ([_letter_pairs(word) for word in side] for side in (first, second))
    numbers = {pair: n for n, pair in enumerate(sorted(set().union(*one, *other)))}
    shared = (_counts(one, numbers) @ _counts(other, numbers).T).toarray()
    totals = np.add.outer([len(pairs) for pairs in one], [len(pairs) for pairs in other])
    dice = 2 * shared / totals
    similar = np.where(dice >= SIMILAR, np.minimum(dice, FOLDED), 0)
    same = np.array(first, object)[:, None] == np.array(second, object)
    return np.where(same, 1.0, similar).astype(np.float32)


def _letter_pairs(word: str) -> set[str]:
    """Neighbors among the letters of a word, its ends included, whatever their case."""
    letters = unicodedata.normalize("NFKC", word).casefold()
    return {before + after for before, after in zip(f"^{letters}", f"{letters}$", strict=True)}


def _counts(words: Sequence[set[str]], numbers: dict[str, int]) -> csr_array:
    rows = [row for row, pairs in enumerate(words) for _ in pairs]
    columns = [numbers[pair] for pairs in words for pair in pairs]
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(words), len(numbers)))


def _best_path(similarity: Sequence[FloatArray]) -> list[tuple[int, int]]:
    """The matches, in order, whose similarities and bonuses sum to the most.

    Args:
        similarity: A row for each word of the first list; 0 where words can't be matched.
    """
    n_rows, n_columns = len(similarity), len(similarity[0])
    is_match, is_above, is_run = (np.zeros((n_rows, n_columns), bool) for _ in range(3))
    # Of what stands before a row and a column: the best, and the best that ends with a match there.
    best = np.zeros(n_columns + 1, np.float32)
    matched = np.full(n_columns + 1, -np.inf, np.float32)
    for row, similar in enumerate(similarity):
        check_cancelled()
        continued = matched[:-1] + NEIGHBOR_BONUS
        is_run[row] = continued > best[:-1]
        matched = np.full_like(matched, -np.inf)
        worth = similar + np.maximum(continued, best[:-1])
        matched[1:] = np.where(similar > 0, worth, -np.inf)
        above = best
        best = np.maximum.accumulate(np.maximum(above, matched))
        is_match[row], is_above[row] = best[1:] == matched[1:], best[1:] == above[1:]
    path: list[tuple[int, int]] = []
    row, column, in_run = n_rows - 1, n_columns - 1, False
    while row >= 0 and column >= 0:
        if in_run or is_match[row, column]:
            path.append((row, column))
            in_run = bool(is_run[row, column])
            row, column = row - 1, column - 1
        elif is_above[row, column]:
            row -= 1
        else:
            column -= 1
    return path[::-1]
