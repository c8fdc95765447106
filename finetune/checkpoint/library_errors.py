"""What a library raises over somebody's file, as one sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from finetune.errors import ModelError

MAX_REASON_CHARS = 120
"""Characters of a library's own words that a sentence repeats."""


@contextmanager
def as_model_error(what: str, remedy: str) -> Iterator[None]:
    """Raise whatever goes wrong inside as a ModelError: *what*, the reason in brackets, *remedy*.

    The file is the user's: any shape of wrong can come, and the libraries in Rust panic with what
    is not even an Exception.
    """
    try:
        yield
    except (ModelError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        raise ModelError(f"{what} ({short_reason(error)}); {remedy}") from error


def short_reason(error: BaseException) -> str:
    """What an error says, on one short line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    last = lines[-1] if lines else type(error).__name__
    text = re.sub(r"^\w*Error: ", "", "".join(c if c.isprintable() else "?" for c in last))
    return (text if len(text) <= MAX_REASON_CHARS else f"{text[: MAX_REASON_CHARS - 1]}…").rstrip(
        "."
    )
