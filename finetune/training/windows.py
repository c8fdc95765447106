"""Training on texts in windows: which of them a batch holds, and the pooled logits of its texts.

The loss is that of the pooled logits, which are what is measured and shown afterwards.  An epoch
reads so many windows of a text at most; which ones depends on the seed, the epoch and the text
alone, so that a resumed run draws what it would have drawn.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from finetune.checkpoint.windows import Pooling, pooling_weights
from finetune.training.batches import TokenBatches

OWNERS, SIZES = "owners", "sizes"
"""Beside the inputs of a batch of windows: the number of the text of each, and its tokens.  (W,)"""


class WindowCollator:
    """Batches of the windows of texts, padded, with the labels of the texts.

    Args:
        tokenizer: What pads.
        limit: Windows of a text that are read at most; None for all.
        seed: Chooses them, together with the epoch.
        batches: What knows the epoch; not needed where all windows are read.
        multiple: What the padded length is a multiple of, if anything.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        *,
        limit: int | None = None,
        seed: int = 0,
        batches: TokenBatches | None = None,
        multiple: int | None = None,
    ) -> None:
        self.tokenizer, self.limit, self.seed = tokenizer, limit, seed
        self.batches, self.multiple = batches, multiple

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """The inputs of all windows (W, L), `owners` and `sizes` (W,), `labels` of the texts."""
        chosen = [self.draw(row["input_ids"]) for row in rows]
        columns = {
            name: [row[name][i] for row, own in zip(rows, chosen, strict=True) for i in own]
            for name in rows[0]
            if name != "labels"
        }
        padded = self.tokenizer.pad(columns, pad_to_multiple_of=self.multiple, return_tensors="pt")
        owners = [number for number, own in enumerate(chosen) for _ in own]
        return {
            **padded,
            OWNERS: torch.tensor(owners),
            SIZES: torch.tensor(list(map(len, columns["input_ids"]))),
            "labels": torch.tensor([row["labels"] for row in rows]),
        }

    def draw(self, windows: Sequence[Sequence[int]]) -> list[int]:
        """Which windows of a text are read in this epoch, in their order."""
        if self.limit is None or len(windows) <= self.limit:
            return list(range(len(windows)))
        epoch = 0 if self.batches is None else self.batches.epoch
        text = zlib.crc32(repr(list(windows)).encode())
        chance = np.random.default_rng([self.seed, epoch, text])
        return sorted(chance.choice(len(windows), self.limit, replace=False).tolist())


def pool(logits: Tensor, owners: Tensor, n_texts: int, pooling: Pooling) -> Tensor:
    """The logits of each text from those of its windows, with gradients.  (W, C) to (texts, C)

    See `finetune.checkpoint.windows.pool_logits`, which does the same with numbers alone.
    """
    logits = logits.float()
    plain = logits.detach().cpu().numpy()
    weights = pooling_weights(plain, owners.tolist(), n_texts, pooling)
    pooled = logits.new_zeros((n_texts, logits.shape[1]))
    return pooled.index_add(0, owners, logits * torch.from_numpy(weights).to(logits))


def pooled_model(
    model: Any, inputs: Mapping[str, Any], *, pooling: Pooling, side: str, batch_size: int
) -> tuple[Any, dict[str, Any]]:
    """A *model* that gives logits of the texts of a batch of windows, and its inputs.

    Args:
        model: Gives those of windows.
        inputs: A batch of a WindowCollator.
        pooling: How they are pooled.
        side: On which side windows are padded.
        batch_size: Windows that are read at once where no gradients are needed; where they are, the
            whole batch is.
    """
    rest = dict(inputs)
    owners, sizes = rest.pop(OWNERS), rest.pop(SIZES)
    n_texts = len(rest["labels"])

    def read(**columns: Any) -> dict[str, Tensor]:
        if torch.is_grad_enabled():
            logits = model(**columns)["logits"]
        else:
            parts = _parts(columns, sizes, side, batch_size)
            logits = torch.cat([model(**part)["logits"] for part in parts])
        return {"logits": pool(logits, owners, n_texts, pooling)}

    return read, rest


def _parts(
    columns: Mapping[str, Any], sizes: Tensor, side: str, batch_size: int
) -> list[dict[str, Any]]:
    """So many windows at a time, with no more padding than they need."""
    parts = []
    for start in range(0, len(sizes), batch_size):
        own = slice(start, start + batch_size)
        width = int(sizes[own].max())
        kept = slice(-width, None) if side == "left" else slice(width)
        parts.append(
            {
                name: value[own, kept] if isinstance(value, Tensor) and value.ndim == 2 else value
                for name, value in columns.items()
            }
        )
    return parts
