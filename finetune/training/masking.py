"""Training with words hidden in half of each batch, so that hidden words are nothing unusual.

Explanations are measured by hiding words, but a classifier that never saw a text with hidden words
may do anything there.  One that was trained with them judges fairly: half of each batch is read
with tokens hidden at a ratio drawn for each text from 0 to 1, and the loss is the mean over all.
Source: Madsen et al. 2024, Faithfulness Measurable Models (ICML).
"""

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerFast

from finetune.data.token_masking import Row, TokenMasking
from finetune.training.batches import TokenBatches


class MaskingCollator:
    """Batches in which tokens of half of the texts are hidden, all other things as they were.

    What is hidden depends on the seed, the epoch and the texts of the batch alone, so that a
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
        self.masking = TokenMasking(tokenizer)

    def __call__(self, rows: Sequence[Row]) -> Any:
        """The batch, half of its texts with tokens hidden."""
        texts = zlib.crc32(repr([row["input_ids"] for row in rows]).encode())
        chance = np.random.default_rng([self.seed, self.batches.epoch, texts])
        half = (len(rows) + int(chance.integers(2))) // 2  # of an odd number either of two
        masked = set(chance.permutation(len(rows))[:half].tolist())
        return self.collator(
            [
                self.masking.hide(row, float(chance.random()), chance) if number in masked else row
                for number, row in enumerate(rows)
            ]
        )
