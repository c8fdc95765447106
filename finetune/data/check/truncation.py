"""Truncation: texts of which the model would not see all."""

from collections.abc import Iterator
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from finetune.checkpoint.truncation import Truncation
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
    window_stride: int = 0
    """Tokens from one window of measuring to the next; 0 where it reads one, as training does."""

    def special(self, rows: Rows) -> int:
        """How many special tokens stand among the tokens of each row."""
        count: int = self.tokenizer.num_special_tokens_to_add(pair=rows.pairs is not None)
        return count


def truncation_findings(role: str, rows: Rows, reading: InputSettings) -> Iterator[Finding]:
    """How many rows are longer than what is read at once, and what becomes of them."""
    count = _count(rows, reading)
    if count:
        share = count / len(rows)
        fate, loses = _fate(role, rows, reading)
        yield Finding(
            severity="warning" if loses and share > MAX_TRUNCATED_SHARE else "note",
            kind="truncated",
            sentence=f"{share:.1%} of {role} (rows: {count:,}) have more than {reading.max_length}"
            f" tokens and {fate}.",
            count=count,
        )


def _fate(role: str, rows: Rows, reading: InputSettings) -> tuple[str, bool]:
    """What becomes of texts that are too long, in words, and whether any of them is lost."""
    lost = f"lose their {LOST_PART[reading.truncation]}"
    if not reading.window_stride:
        return lost, True
    if role == "train":
        return f"{lost} in training, which reads one window", True
    size = reading.max_length - reading.special(rows)
    if reading.window_stride > size:
        return f"lose what lies between the windows, of {size} tokens each", True
    return "are measured whole, in windows", False


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
