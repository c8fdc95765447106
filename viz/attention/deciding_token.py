"""The deciding token by its name: where the class is read from, as a reader sees it."""

from viz.types import Reading, Token

UNNAMED = "the deciding token"
"""What texts that hold for any model call it; `named` puts its name there."""

_NAMES = {
    "first": "the first token",
    "last": "the last token",
    "mean": "the mean of all tokens",
    "several": "a weighted mean of tokens",
    None: UNNAMED,
}


def name(reads: str | None, first: Token) -> str:
    """What it is called in all texts that a model reads: `[CLS]`, `the last token`.

    Args:
        reads: Which of the last states are read, as in `Capabilities.reads`.
        first: The first token of a text.
    """
    return first.text if reads == "first" and first.special else _NAMES[reads]


def name_of(reading: Reading) -> str:
    """What it is called in a reading."""
    at, tokens = reading.deciding_token, reading.encoding.tokens
    if at is None:
        return name(_several(reading), tokens[0])
    if at == len(tokens) - 1 and not (at == 0 and tokens[0].special):
        return name("last", tokens[0])
    return name("first", tokens[0]) if at == 0 else f"token {at}"


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


def _several(reading: Reading) -> str | None:
    """Whether the class is read from all tokens alike."""
    if reading.pooling is None:
        return None
    low, high = float(reading.pooling.min()), float(reading.pooling.max())
    return "mean" if high - low <= 1e-4 * high else "several"
