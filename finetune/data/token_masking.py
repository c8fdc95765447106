"""Hiding tokens of a row, as a twin is trained and measured with them.

Source: Madsen et al. 2024, Faithfulness Measurable Models (ICML).
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

Row = Mapping[str, Any]


class TokenMasking:
    """Tokens become the mask token, or are taken out where there is none; special tokens stay.

    Args:
        tokenizer: Whose tokens they are.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.mask: int | None = tokenizer.mask_token_id
        self.special = np.array(sorted(_special_ids(tokenizer)))

    def hide(self, row: Row, ratio: float, chance: np.random.Generator) -> Row:
        """A row with about this share of its tokens hidden; of a text in windows, in each."""
        if not isinstance(row["input_ids"][0], Sequence):
            return self._hide(row, ratio, chance)
        windows = [
            self._hide({n: each[i] for n, each in row.items() if _is_windows(each)}, ratio, chance)
            for i in range(len(row["input_ids"]))
        ]
        return {**row, **{name: [each[name] for each in windows] for name in windows[0]}}

    def hide_all(
        self, columns: Mapping[str, Sequence[Sequence[int]]], ratio: float
    ) -> dict[str, list[list[int]]]:
        """Rows, column by column, each with about this share of its tokens hidden.

        What is hidden depends on a row's tokens alone: two models with the same tokens read the
        same, whatever the order and the batches.
        """
        hidden = []
        for number, ids in enumerate(columns["input_ids"]):
            chance = np.random.default_rng(zlib.crc32(repr(list(ids)).encode()))
            row = {name: list(column[number]) for name, column in columns.items()}
            hidden.append(self.hide(row, ratio, chance))
        return {name: [row[name] for row in hidden] for name in columns}

    def _hide(self, row: Row, ratio: float, chance: np.random.Generator) -> Row:
        ids = np.array(row["input_ids"])
        hidden = (chance.random(len(ids)) < ratio) & ~np.isin(ids, self.special)
        if self.mask is not None:
            return {**row, "input_ids": np.where(hidden, self.mask, ids).tolist()}
        if hidden.all():
            hidden[chance.integers(len(ids))] = False  # no model reads a text of no tokens
        return {
            name: values if name == "labels" else _kept(values, ~hidden)
            for name, values in row.items()
        }


def _special_ids(tokenizer: PreTrainedTokenizerFast) -> set[int]:
    """What is never hidden; an unknown word is a word, unless its token has another use too."""
    names = {name: each for name, each in tokenizer.special_tokens_map.items() if each}
    unknown = names.pop("unk_token", None)
    others = {str(each) for value in names.values() for each in np.atleast_1d(value)}
    ids = set(tokenizer.all_special_ids)
    return ids if str(unknown) in others else ids - {tokenizer.unk_token_id}


def _is_windows(values: object) -> bool:
    return isinstance(values, list) and bool(values) and isinstance(values[0], list)


def _kept(values: Any, keep: NDArray[np.bool_]) -> Any:
    """What stays of a column that has a value for each token; any other is as it was."""
    if not isinstance(values, list) or len(values) != len(keep):
        return values
    return [value for value, stays in zip(values, keep, strict=True) if stays]
