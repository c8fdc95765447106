"""Words that are likely misspelled: cut into pieces by the tokenizer, and one slip from a word.

A slip leaves a letter out, puts one in, changes one or swaps two neighbors: 80% of misspellings are
one of these (Damerau 1964).  Two words one slip apart become the same when at most one letter is
left out of each, which finds them without comparing each word with each (Garbe 2012, SymSpell).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from transformers import PreTrainedTokenizerBase

from viz.jobs.cancellation import check_cancelled

MIN_LETTERS, MAX_LETTERS = 3, 24
"""Shorter words are one slip from many others; longer ones are no words."""
MIN_RATIO = 2
"""How many times as many rows must have the word that was meant."""
SHORT_LETTERS, MIN_SHORT_RATIO = 3, 10
"""The same for words of so few letters, which are one slip from many others."""
COMMON = 5
"""Rows from which on a word counts as one that was meant, though the tokenizer cuts it."""


def likely_misspellings(
    tokenizer: PreTrainedTokenizerBase, n_rows: Mapping[str, int]
) -> dict[str, str]:
    """The words that are likely misspelled, each with the word that was likely meant.

    Args:
        tokenizer: Whose vocabulary tells which words are usual.
        n_rows: Of each word, casefolded, how many rows have it.
    """
    words = sorted(word for word in n_rows if word.isalpha() and len(word) <= MAX_LETTERS)
    whole = _whole_words(tokenizer, words)
    meant_by: dict[str, list[str]] = defaultdict(list)
    for word in words:
        if word in whole or n_rows[word] >= COMMON:
            for shorter in _letters_left_out(word):
                meant_by[shorter].append(word)
    check_cancelled()
    misspelled = {}
    for word in words:
        if len(word) < MIN_LETTERS or word in whole:
            continue
        ratio = MIN_SHORT_RATIO if len(word) <= SHORT_LETTERS else MIN_RATIO
        candidates = {
            candidate
            for shorter in _letters_left_out(word)
            for candidate in meant_by.get(shorter, ())
            if candidate != word and n_rows[candidate] >= ratio * n_rows[word]
        }
        if candidates:
            misspelled[word] = max(candidates, key=lambda each: (n_rows[each], each))
    return misspelled


def _letters_left_out(word: str) -> set[str]:
    """The word, and all that it becomes by leaving out one letter."""
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}


def _whole_words(tokenizer: PreTrainedTokenizerBase, words: Sequence[str]) -> set[str]:
    """The words that are one token in some way of writing them: inside a text, or with capitals."""

    def tokens(texts: list[str]) -> list[list[int]]:
        ids: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"]
        return ids

    ways = [(before, case) for case in (str, str.capitalize, str.upper) for before in ("", " ")]
    samples = tokens([before + case("the") for before, case in ways])
    # Many tokenizers see no difference between some of these.
    different = {tuple(ids): way for ids, way in zip(samples[::-1], ways[::-1], strict=True)}
    whole: set[str] = set()
    for before, case in reversed(different.values()):
        rest = [word for word in words if word not in whole]
        if not rest:
            break
        whole.update(
            word
            for word, ids in zip(rest, tokens([before + case(word) for word in rest]), strict=True)
            if len(ids) == 1 and ids[0] != tokenizer.unk_token_id
        )
    return whole
