"""The deciding token by its name: where the class is read from, as a reader sees it."""

from finetune.checkpoint.arrays import FloatArray
from viz.types import Reading, Token

UNNAMED = "the deciding token"
"""What texts that hold for any model call it; `named` puts its name there."""


def name(tokens: tuple[Token, ...], pooling: FloatArray | None) -> str:
    """What it is called, alike in all texts of a model: `[CLS]`, `the last token`.

    Args:
        tokens: Those of a text.
        pooling: How much of each is read, as in `Reading.pooling`.  (T,)
    """
    if pooling is None:
        return UNNAMED
    low, high = float(pooling.min()), float(pooling.max())
    if high < 1:
        even = high - low <= 1e-4 * high
        return "the mean of all tokens" if even else "a weighted mean of tokens"
    at = int(pooling.argmax())
    if at == len(tokens) - 1:
        return "the last token"
    if tokens[at].special:
        return tokens[at].text
    return f"token {at}" if at else "the first token"


def name_of(reading: Reading) -> str:
    """What it is called in a reading."""
    return name(reading.encoding.tokens, reading.pooling)


def name_with_text(reading: Reading) -> str:
    """The same, with the token itself where the name doesn't say it: `the last token, “rise”`."""
    at, its_name = reading.deciding_token, name_of(reading)
    if at is None:
        return its_name
    token = reading.encoding.tokens[at]
    if its_name == token.text:
        return its_name
    written = token.text if token.special else f"“{reading.encoding.token_text(token).strip()}”"
    return f"{its_name}, {written}"


def named(text: str, its_name: str) -> str:
    """A text that holds for any model, with the name of the deciding token of one."""
    return text.replace(UNNAMED, its_name)


def sentence(reading: Reading) -> str | None:
    """Where the class is read from; None where that is [CLS], as a reader expects, or unknown."""
    at, first = reading.deciding_token, reading.encoding.tokens[0]
    if reading.pooling is None or (at == 0 and first.special):
        return None
    what = "score" if reading.prediction.regression else "class"
    return f"The {what} is read from {name_with_text(reading)}."
