"""Words one slip from a usual one are told from words that are new."""

from types import SimpleNamespace
from typing import Any, cast

from transformers import PreTrainedTokenizerBase

from viz.data.shift.misspelling import likely_misspellings

VOCABULARY = {"market", "the", "then", "prices", "minister", "Paris", "pairs"}


def _tokenizer() -> PreTrainedTokenizerBase:
    """Keeps a word of the vocabulary whole, in the case it is written in; cuts others."""

    class Tokenizer(SimpleNamespace):
        unk_token_id = 0

        def __call__(self, texts: list[str], add_special_tokens: bool) -> dict[str, Any]:
            pieces = (
                [text.strip()] if text.strip() in VOCABULARY else list(text) for text in texts
            )
            return {"input_ids": [[1 + sum(map(ord, part)) for part in row] for row in pieces]}

    return cast(PreTrainedTokenizerBase, Tokenizer())


def test_each_of_the_four_slips_is_found() -> None:
    slips = {"markt": "market", "markeet": "market", "merket": "market", "makret": "market"}
    counts = dict.fromkeys(slips, 1) | {"market": 9, "the": 90}
    assert likely_misspellings(_tokenizer(), counts) == slips


def test_what_the_tokenizer_knows_in_some_case_is_not_misspelled() -> None:
    assert likely_misspellings(_tokenizer(), {"paris": 1, "pairs": 9, "then": 1, "the": 90}) == {}


def test_a_word_that_is_not_rarer_than_its_neighbor_is_one_of_its_own() -> None:
    assert likely_misspellings(_tokenizer(), {"markt": 5, "market": 9}) == {}


def test_short_words_take_a_far_more_usual_neighbor() -> None:
    assert likely_misspellings(_tokenizer(), {"hte": 3, "the": 90}) == {"hte": "the"}
    assert likely_misspellings(_tokenizer(), {"tho": 10, "the": 90}) == {}


def test_new_words_numbers_and_signs_are_no_misspellings() -> None:
    counts = {"zebra": 4, "minister": 5, "2004": 1, "2003": 50, "#": 3, "prices": 9}
    assert likely_misspellings(_tokenizer(), counts) == {}


def test_without_a_vocabulary_of_words_usual_ones_stand_in() -> None:
    assert likely_misspellings(_tokenizer(), {"goverment": 1, "government": 6}) == {
        "goverment": "government"
    }
