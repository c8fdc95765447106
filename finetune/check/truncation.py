"""Truncation: texts of which the model would not see the end."""

from collections.abc import Iterator

from transformers import PreTrainedTokenizerBase

from finetune.check.findings import Finding
from finetune.dataset.rows import Rows

MANY = 0.1
"""Share of texts above which it is warned about."""

BATCH = 1_000


def truncation_findings(
    role: str, rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> Iterator[Finding]:
    """How many rows have more than *max_length* tokens, special ones included."""
    count = _count(rows, tokenizer, max_length)
    if count:
        share = count / len(rows)
        yield Finding(
            severity="warning" if share > MANY else "note",
            kind="truncated",
            sentence=f"{share:.1%} of {role} (rows: {count:,}) have more than {max_length} tokens"
            " and lose their end.",
            count=count,
        )


def _count(rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int) -> int:
    special = tokenizer.num_special_tokens_to_add(pair=rows.pairs is not None)
    # No token is shorter than a byte, so that most texts needn't be tokenised to be called short.
    long = [row for row in rows.inputs() if _bytes(row) + special > max_length]
    count = 0
    for start in range(0, len(long), BATCH):
        texts, pairs = zip(*long[start : start + BATCH], strict=True)
        encoded = tokenizer(
            list(texts),
            None if rows.pairs is None else list(pairs),
            truncation=True,
            max_length=max_length + 1,
        )
        count += sum(len(tokens) > max_length for tokens in encoded["input_ids"])
    return count


def _bytes(row: tuple[str, str | None]) -> int:
    return sum(len(text.encode()) for text in row if text)
