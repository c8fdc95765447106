"""Truncation: texts of which the model would not see all."""

from collections.abc import Iterator
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from finetune.checkpoint.truncation import Truncation
from finetune.checkpoint.windows import WindowSettings
from finetune.data.check.findings import Finding
from finetune.data.rows import Rows

MAX_TRUNCATED_SHARE = 0.1
"""Share of texts above which it is warned about."""

BATCH_TEXTS = 1_000

LOST_PART: dict[Truncation, str] = {"head": "end", "tail": "beginning", "head+tail": "middle"}
"""Which part of a long text goes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InputSettings:
    """How a run reads texts: what counts their tokens, and what happens to those with too many."""

    tokenizer: PreTrainedTokenizerBase
    max_length: int
    """Tokens read at once, special ones included."""
    truncation: Truncation = "head"
    windows: WindowSettings | None = None
    """How longer texts are read in windows; None where they are cut."""
    windows_of_epoch: int | None = None
    """Windows of a text that training reads in an epoch at most; None for all."""

    def special(self, rows: Rows) -> int:
        """How many special tokens stand among the tokens of each row."""
        count: int = self.tokenizer.num_special_tokens_to_add(pair=rows.pairs is not None)
        return count


def truncation_findings(role: str, rows: Rows, reading: InputSettings) -> Iterator[Finding]:
    """How many rows are longer than what is read at once, and what becomes of them."""
    count = _count(rows, reading)
    if count:
        share = count / len(rows)
        fate, loses = _fate(role, reading)
        yield Finding(
            severity="warning" if loses and share > MAX_TRUNCATED_SHARE else "note",
            kind="truncated",
            sentence=f"{share:.1%} of {role} (rows: {count:,}) have more than {reading.max_length}"
            f" tokens and {fate}.",
            count=count,
        )


def _fate(role: str, reading: InputSettings) -> tuple[str, bool]:
    """What becomes of texts that are too long, in words, and whether any of them is lost."""
    if reading.windows is None:
        return f"lose their {LOST_PART[reading.truncation]}", True
    if reading.windows.pooling == "first":
        return "lose what lies behind their first window", True
    if role != "train":
        return "are measured whole, in windows", False
    limit = reading.windows_of_epoch
    of_them = "" if limit is None else f", {limit:,} of a text at most in an epoch, drawn at random"
    return f"are read in windows{of_them}", False


def _count(rows: Rows, reading: InputSettings) -> int:
    limit, special = reading.max_length, reading.special(rows)
    # No token is shorter than a byte, so that most texts needn't be tokenized to be called short.
    long = [row for row in rows.inputs() if _bytes(row) + special > limit]
    count = 0
    for start in range(0, len(long), BATCH_TEXTS):
        texts, pairs = zip(*long[start : start + BATCH_TEXTS], strict=True)
        encoded = reading.tokenizer(
            list(texts),
            None if rows.pairs is None else list(pairs),
            truncation=True,
            max_length=limit + 1,
        )
        count += sum(len(tokens) > limit for tokens in encoded["input_ids"])
    return count


def _bytes(row: tuple[str, str | None]) -> int:
    return sum(len(text.encode()) for text in row if text)
