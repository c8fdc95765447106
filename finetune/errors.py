"""What can go wrong in `finetune`, as one tree.

Each message says what came, what is allowed or what to do, in one sentence.
"""

import re

MAX_QUOTED_CHARS = 60
"""Letters of a value that a sentence quotes."""


class FinetuneError(Exception):
    """Anything a user can mend; the command line shows its one sentence and exits with 1."""


class ConfigError(FinetuneError):
    """A setting outside what it may be."""


class DataError(FinetuneError):
    """A data set that can't be read, or that can't be learned from."""


class ModelError(FinetuneError):
    """A base model or checkpoint that can't be opened as a text classifier."""


class OutputError(FinetuneError):
    """A place on disk that can't be written to."""


class SnapshotError(OutputError):
    """A snapshot of a run that can't be written, or is not what was written."""


class RecordError(FinetuneError):
    """A file that was written here and can't be read back, or is not what was written."""


def quoted(value: object) -> str:
    """A value as it is written, on one line and no longer than a sentence can hold."""
    text = repr(value)
    return text if len(text) <= MAX_QUOTED_CHARS else f"{text[:MAX_QUOTED_CHARS]} …"


def number_of(count: int, noun: str, plural: str = "") -> str:
    """How many there are of something, as in "1 text", "1,200 texts" and "2 classes".

    Args:
        count: How many.
        noun: What one of them is called.
        plural: What several are called; by default the noun and an s.
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def parameter_count(count: int) -> str:
    """A number of parameters, in millions from a tenth of one: "22.7 million parameters"."""
    if count < 100_000:
        return number_of(count, "parameter")
    return f"{count / 1e6:,.1f} million parameters"


SPELLED_OUT = re.compile(r"(?!(f[lr]?|h|ll?|m|n|r|s[chklmnpqtw]?[hlr]?|x)[aeiouy])[fhlmnrsx]")
"""A beginning that is spelled out, as in xlm or mpnet, with a letter that sounds like a vowel."""


def with_article(name: str) -> str:
    """A name behind the article that it takes: a bert, an electra, an mpnet, a unispeech."""
    word = name.lower()
    vowel = word.startswith(("a", "e", "i", "o")) or re.match("u(?!ni|mt)", word)
    return f"an {name}" if vowel or SPELLED_OUT.match(word) else f"a {name}"
