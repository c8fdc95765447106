"""Which attention weight is followed where a reader names only part of it."""

import numpy as np
import pytest

from tests.synthetic import read, read_causal, read_without_attention
from viz.errors import MissingAttentionError, SelectionError
from viz.mechanism.unfolding.cell import default_cell


def test_it_is_the_strongest_weight_from_the_deciding_token_to_a_word() -> None:
    reading = read()
    cell = default_cell(reading, layer=1)
    tokens = reading.encoding.tokens
    words = [
        index
        for index, token in enumerate(tokens)
        if index and not token.special and token.text not in ",."
    ]
    weights = reading.attention.weights[1, :, 0]
    assert (cell.layer, cell.query) == (1, reading.deciding_token)
    assert cell.key in words
    assert weights[cell.head, cell.key] == weights[:, words].max()


def test_what_is_named_is_kept() -> None:
    reading = read()
    assert default_cell(reading, layer=0, head=2, query=4, key=1) == (0, 2, 4, 1)
    assert default_cell(reading, layer=0, query=4).query == 4
    row = reading.attention.weights[0, :, 4, 1]
    assert default_cell(reading, layer=0, query=4, key=1).head == row.argmax()


def test_a_decoder_looks_from_its_last_token_and_of_a_mean_any_token_looks() -> None:
    assert default_cell(read_causal()).query == read_causal().encoding.n_tokens - 1
    reading = read(reads="mean")
    weights = np.array(reading.attention.weights)
    for token in range(reading.encoding.n_tokens):
        weights[..., token, token] = 0
    words = [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14]
    assert reading.attention.weights[default_cell(reading)] == weights[..., words].max()


def test_a_key_that_a_causal_mask_forbids_can_be_named() -> None:
    reading = read_causal()
    assert reading.attention.weights[default_cell(reading, query=2, key=5)] == 0


def test_a_text_without_words_has_a_cell_all_the_same() -> None:
    reading = read("!?")
    assert default_cell(reading).key in (1, 2)


@pytest.mark.parametrize("wrong", ["layer", "head", "query", "key"])
@pytest.mark.parametrize("index", [-1, 99])
def test_what_does_not_exist_is_refused(wrong: str, index: int) -> None:
    with pytest.raises(SelectionError, match=rf"{wrong.capitalize()} {index} does not exist"):
        default_cell(read(), **{wrong: index})


def test_a_network_without_maps_has_no_cell() -> None:
    with pytest.raises(MissingAttentionError):
        default_cell(read_without_attention())
