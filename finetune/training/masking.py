"""Training with words hidden in half of each batch, so that hidden words are nothing unusual.

Explanations are measured by hiding words, but a classifier that never saw a text with hidden words
may do anything there.  One that was trained with them judges fairly: half of each batch is read
with tokens hidden at a ratio drawn for each text from 0 to 1, and the loss is the mean over all.
Source: Madsen et al. 2024, Faithfulness Measurable Models (ICML).
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from finetune.training.batches import TokenBatches

Row = Mapping[str, Any]


class MaskingCollator:
    """Batches in which tokens of half of the texts are hidden, all other things as they were.

    Tokens become the mask token, or are taken out where the tokenizer has none; special tokens
    stay.  What is hidden depends on the seed, the epoch and the texts of the batch alone, so that a
    resumed run hides what it would have hidden.

    Args:
        collator: Makes the batch of rows.
        tokenizer: Whose tokens they are.
        seed: Draws what is hidden, together with the epoch.
        batches: What knows the epoch.
    """

    def __init__(
        self,
        collator: Callable[[Sequence[Row]], Any],
        tokenizer: PreTrainedTokenizerFast,
        *,
        seed: int,
        batches: TokenBatches,
    ) -> None:
        self.collator, self.seed, self.batches = collator, seed, batches
        self.mask: int | None = tokenizer.mask_token_id
        self.special = np.array(sorted(_special_ids(tokenizer)))

    def __call__(self, rows: Sequence[Row]) -> Any:
        """The batch, half of its texts with tokens hidden."""
        texts = zlib.crc32(repr([row["input_ids"] for row in rows]).encode())
        chance = np.random.default_rng([self.seed, self.batches.epoch, texts])
        half = (len(rows) + int(chance.integers(2))) // 2  # of an odd number either of two
        masked = set(chance.permutation(len(rows))[:half].tolist())
        return self.collator(
            [
                self.hide(row, float(chance.random()), chance) if number in masked else row
                for number, row in enumerate(rows)
            ]
        )

    def hide(self, row: Row, ratio: float, chance: np.random.Generator) -> Row:
        """A row with about this share of its tokens hidden; of a text in windows, in each."""
        if not isinstance(row["input_ids"][0], Sequence):
            return self._hide(row, ratio, chance)
        windows = [
            self._hide({n: each[i] for n, each in row.items() if _is_windows(each)}, ratio, chance)
            for i in range(len(row["input_ids"]))
        ]
        return {**row, **{name: [each[name] for each in windows] for name in windows[0]}}

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
