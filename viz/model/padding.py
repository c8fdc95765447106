"""Texts of different lengths in one batch: the shorter ones filled up on one side."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from finetune.checkpoint.arrays import IntArray
from viz.types import Inputs

PaddingSide = Literal["right", "left"]
SIDES: tuple[PaddingSide, ...] = ("right", "left")


def pad_rows(rows: Sequence[Inputs], pad_token_id: int, side: PaddingSide) -> dict[str, IntArray]:
    """The inputs of several texts, by name; what is filled up has no attention.  Each (B, T)"""
    lengths = [len(row["input_ids"]) for row in rows]
    places = token_places(lengths, side)
    batch: dict[str, IntArray] = {}
    for name in rows[0]:
        fill = pad_token_id if name == "input_ids" else 0
        batch[name] = np.full((len(rows), max(lengths)), fill, dtype=np.int64)
        for number, (row, tokens) in enumerate(zip(rows, places, strict=True)):
            batch[name][number, tokens] = row[name]
    return batch


def token_places(lengths: Sequence[int], side: PaddingSide) -> list[slice]:
    """Where the tokens of each text are in a batch of texts of these lengths."""
    longest = max(lengths)
    starts = [longest - length if side == "left" else 0 for length in lengths]
    return [slice(start, start + length) for start, length in zip(starts, lengths, strict=True)]
